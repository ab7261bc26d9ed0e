//! The exec binary in kubelet's plugin directory: put there, kept there, and the
//! driver that was there before kept beside it.
//!
//! Each file in a driver's directory whose name has no dot in front is an event
//! for kubelet, upon which it runs `init` again (kubernetes
//! `pkg/volume/flexvolume/probe.go`, v1.36). So nothing is touched that is as it
//! has to be, and what is done is one rename.

mod answer;
mod binary;
mod culprits;
mod directory;
mod driver;
mod error;
mod kept;
mod left;
mod lock;
mod names;
mod occupant;
mod original;
mod place;
mod record;
mod seen;
mod stamp;
mod steps;
mod uninstall;
mod watch;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use flex2csi_exec::installed::{Attaches, Capabilities};
use rustix::io::Errno;

pub use culprits::{Culprit, Distance, culprits};
pub use driver::{FlexDriver, InvalidFlexDriver};
pub use error::InstallError;
pub use kept::{Change, Kept, Standing, Trouble};
pub(crate) use left::device_directories;
pub use left::{Left, NodeVolumeNames};
pub use steps::STEPS;
pub use uninstall::{InstalledDriver, Restored, UninstallError, Uninstaller, installed_drivers};
pub use watch::{Asking, NodeObjects, Told, watch};

use binary::{Binary, Source};
use directory::Directory;
use names::Names;
use seen::Seen;
use stamp::Stamp;

/// How often an installation is begun anew where the world changes meanwhile.
const ATTEMPTS: u32 = 8;

/// What is to be installed for a FlexVolume driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Kubelet's `volumePluginDir`.
    pub plugin_directory: PathBuf,
    /// Kubelet's root directory.
    pub kubelet_root: PathBuf,
    /// The FlexVolume driver.
    pub driver: FlexDriver,
    /// The exec binary, which is copied.
    pub exec_binary: PathBuf,
    /// The daemon's socket, as the host sees it.
    pub socket: PathBuf,
    /// What `init` answers.
    pub capabilities: Capabilities,
    /// How long a call may take.
    pub timeout: Duration,
}

/// The installation of one FlexVolume driver.
#[derive(Debug)]
pub struct Installation {
    wanted: Wanted,
    names: Names,
    /// The exec binary, as it was last read.
    binary: Option<Source>,
    /// When all was well the last time.
    seen: Option<Seen>,
    /// What was found of an original driver then.
    standing: Option<Standing>,
}

impl Installation {
    /// An installation; nothing is done yet.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        Self {
            names: Names::of(&wanted.driver),
            wanted,
            binary: None,
            seen: None,
            standing: None,
        }
    }

    /// The driver.
    #[must_use]
    pub fn driver(&self) -> &FlexDriver {
        &self.wanted.driver
    }

    /// Where its files are.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.wanted.plugin_directory.join(&self.names.directory)
    }

    /// Has something else installed from now on.
    pub fn want(&mut self, capabilities: Capabilities, timeout: Duration) {
        if (self.wanted.capabilities, self.wanted.timeout) != (capabilities, timeout) {
            self.wanted.capabilities = capabilities;
            self.wanted.timeout = timeout;
            self.seen = None;
        }
    }

    /// Whether [`Installation::keep`] has use for what the API server knows: while an
    /// original driver attaches.
    #[must_use]
    pub fn needs_node(&self) -> bool {
        let standing = self.standing.as_ref();
        standing.is_some_and(|standing| standing.attaches != Attaches::No)
    }

    /// Installs what is not there, takes the place back that somebody took, and lets
    /// new mounts be ours once nothing is left of an original driver that
    /// attaches: for which `node` has to say so. Where all is well, it compares
    /// a few stats. It blocks.
    ///
    /// # Errors
    /// It cannot be done; what was there is still there.
    pub fn keep(&mut self, node: Option<&NodeVolumeNames>) -> Result<Kept, InstallError> {
        let path = &self.wanted.plugin_directory;
        let plugins = Directory::open(path).map_err(|errno| match errno {
            Errno::NOENT => InstallError::NoPluginDirectory { path: path.clone() },
            errno => InstallError::io("open", path)(errno),
        })?;
        if self.is_as_seen(&plugins) {
            return Ok(Kept {
                change: Change::None,
                original: self.standing.clone(),
            });
        }
        self.seen = None;
        lock::lock(&plugins)?;
        for _ in 0..ATTEMPTS {
            if let Some(kept) = self.place(&plugins, node)? {
                return Ok(kept);
            }
        }
        Err(InstallError::Unsteady {
            driver: self.wanted.driver.clone(),
            path: self.directory(),
        })
    }

    /// Whether nothing has changed, and nothing else can have become possible.
    fn is_as_seen(&self, plugins: &Directory) -> bool {
        let (Some(seen), false) = (&self.seen, self.needs_node()) else {
            return false;
        };
        let now = || {
            let directory = plugins.open_in(&self.names.directory).ok()?;
            let source = rustix::fs::stat(&self.wanted.exec_binary).ok()?;
            Seen::now(&directory, &self.names, Stamp::of(&source)).ok()
        };
        now().as_ref() == Some(seen)
    }

    /// The hash of the exec binary, which is read again when it has changed.
    fn binary_sha256(&mut self) -> Result<String, InstallError> {
        let now = rustix::fs::stat(&self.wanted.exec_binary).map(|stat| Stamp::of(&stat));
        if let (Some(known), Ok(now)) = (&self.binary, now)
            && known.stamp == now
            && now.is_settled()
        {
            return Ok(known.sha256.clone());
        }
        let Binary { source, .. } = Binary::read(&self.wanted.exec_binary)?;
        let sha256 = source.sha256.clone();
        self.binary = Some(source);
        Ok(sha256)
    }

    /// What is left of an original driver.
    fn left(&self, node: Option<&NodeVolumeNames>) -> Result<Left, InstallError> {
        let Wanted {
            kubelet_root,
            driver,
            ..
        } = &self.wanted;
        Left::find(kubelet_root, driver, node).map_err(|source| InstallError::Io {
            action: "look for devices of kubelet's below",
            path: kubelet_root.clone(),
            source,
        })
    }
}
