//! Where the executable stands, as kubelet calls it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// `…/vendor~driver/driver`.
pub struct Place {
    /// The driver's directory.
    pub directory: PathBuf,
    /// The name of the executable in it.
    pub executable: String,
}

impl Place {
    /// Kubelet calls a driver by its full path. That one counts, not the one of the
    /// file behind it: the executable may be a symbolic link.
    pub fn of(called_as: Option<OsString>) -> Result<Self, String> {
        let path = called_as
            .map(PathBuf::from)
            .filter(|path| path.components().nth(1).is_some())
            .map_or_else(std::env::current_exe, std::path::absolute)
            .map_err(|error| format!("it cannot be found out where this executable is: {error}"))?;
        let executable = path.file_name().and_then(|name| name.to_str());
        match (path.parent(), executable) {
            (Some(directory), Some(executable)) => Ok(Self {
                directory: directory.to_owned(),
                executable: executable.to_owned(),
            }),
            _ => Err(format!(
                "{} is no place for a FlexVolume driver: it has to be called as …/vendor~driver/driver",
                path.display()
            )),
        }
    }

    /// A file in the same directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The driver that kubelet takes this one for: in the name of the directory
    /// every `~` stands for a `/`.
    pub fn driver(&self) -> Option<String> {
        let name = self.directory.file_name().map(Path::new)?;
        Some(name.to_str()?.replace('~', "/"))
    }
}
