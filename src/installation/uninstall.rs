//! Undoing an installation.
//!
//! A kubelet without the driver cannot unmount its volumes and pods hang in
//! Terminating, so first no pod of this node may have one.

use std::path::{Path, PathBuf};

use flex2csi_exec::installed::Attaches;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::directory::Directory;
use super::names::Names;
use super::occupant::Occupant;
use super::record::Record;
use super::steps::reached;
use super::{FlexDriver, InstallError, binary, lock};
use crate::original_mounts::pods_of;

/// Undoes the installation of one driver.
#[derive(Debug, Clone)]
pub struct Uninstaller {
    /// Kubelet's `volumePluginDir`.
    pub plugin_directory: PathBuf,
    /// Kubelet's root directory.
    pub kubelet_root: PathBuf,
    /// The FlexVolume driver.
    pub driver: FlexDriver,
    /// The exec binary, to know it where nothing is recorded any more.
    pub exec_binary: Option<PathBuf>,
}

/// How a driver's directory is after an uninstallation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// Nothing of ours was there.
    NothingThere,
    /// The driver that was there before is there again.
    Original,
    /// The directory is gone: there was nothing before.
    Removed,
    /// Ours is gone, but files of others are in the directory, which stays.
    Others(Vec<String>),
}

/// Why a driver is not uninstalled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UninstallError {
    /// Pods of this node have volumes of it.
    #[error(
        "{driver} is still needed on this node: {}; drain the node, delete these pods, or \
         restart kubelet if their volumes were rewritten, and try again",
        needed(pods, mounts)
    )]
    InUse {
        /// The driver.
        driver: FlexDriver,
        /// The uids of pods with a directory of it.
        pods: Vec<String>,
        /// What is mounted through the daemon.
        mounts: Vec<PathBuf>,
    },
    /// It cannot be told whose executable it is.
    #[error(
        "nothing is recorded of {}, but an original driver is kept beside it: if it is \
         flex2csi's, rename {} over it, else remove that",
        executable.display(), original.display()
    )]
    Unclear {
        /// What kubelet runs.
        executable: PathBuf,
        /// The original driver that is kept.
        original: PathBuf,
    },
    /// The original driver that is recorded is gone.
    #[error(
        "the original driver {} is gone: put it there, or remove {} to uninstall without it",
        original.display(), record.display()
    )]
    OriginalLost {
        /// Where it should be.
        original: PathBuf,
        /// Where it is recorded.
        record: PathBuf,
    },
    /// The system refuses.
    #[error(transparent)]
    Install(#[from] InstallError),
}

fn needed(pods: &[String], mounts: &[PathBuf]) -> String {
    let mut parts = Vec::new();
    if !pods.is_empty() {
        parts.push(format!("pods {} have volumes of it", pods.join(", ")));
    }
    if !mounts.is_empty() {
        let mounts: Vec<String> = mounts
            .iter()
            .map(|mount| mount.display().to_string())
            .collect();
        parts.push(format!(
            "the daemon's record has mounts at {}",
            mounts.join(", ")
        ));
    }
    parts.join(", and ")
}

impl Uninstaller {
    /// Puts the original driver back, or removes the driver's directory. `mounts` are
    /// the targets that the daemon's record has of this driver. To be run again
    /// if it is cut off. The daemon must not run, or it installs anew. It blocks.
    ///
    /// # Errors
    /// The driver is still needed, or the system refuses.
    pub fn uninstall(&self, mounts: &[PathBuf]) -> Result<Restored, UninstallError> {
        let names = Names::of(&self.driver);
        let plugins = match Directory::open(&self.plugin_directory) {
            Ok(plugins) => plugins,
            Err(Errno::NOENT) => return Ok(Restored::NothingThere),
            Err(errno) => {
                return Err(InstallError::io("open", &self.plugin_directory)(errno).into());
            }
        };
        lock::lock(&plugins)?;
        super::place::clear_new_directory(&plugins, &names)?;
        let directory = match plugins.open_in(&names.directory) {
            Ok(directory) => directory,
            // A link or a file there is not ours.
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(Restored::NothingThere),
            Err(errno) => {
                let path = plugins.path_of(&names.directory);
                return Err(InstallError::io("open", path)(errno).into());
            }
        };
        let record = Record::read(&directory, &names)?;
        let is_kept = directory.look(&names.original)?.is_some();
        let is_recorded = directory.look(&names.installed)?.is_some();
        let binary = match &self.exec_binary {
            Some(path) => binary::Binary::read(path)
                .ok()
                .map(|binary| binary.source.sha256),
            None => None,
        };
        let occupant = Occupant::find(
            &directory,
            &names,
            binary.as_deref().unwrap_or_default(),
            record.as_ref(),
            &self.driver,
        )?;
        let is_strange = matches!(occupant, Occupant::Stranger { .. });
        if is_strange && !is_kept && !is_recorded {
            return Ok(Restored::NothingThere);
        }
        self.check_unused(mounts)?;
        if is_strange && is_kept && record.is_none() {
            return Err(UninstallError::Unclear {
                executable: directory.path_of(&names.executable),
                original: directory.path_of(&names.original),
            });
        }
        let had_original = record
            .as_ref()
            .is_some_and(|record| record.installed.original.is_some());
        if had_original && !is_kept && !is_strange {
            return Err(UninstallError::OriginalLost {
                original: directory.path_of(&names.original),
                record: directory.path_of(&names.installed),
            });
        }
        reached("uninstall.before");
        if let Some(mut record) = record
            && let Some(original) = &mut record.installed.original
            && original.attaches != Attaches::Unknown
        {
            // Whoever installs again asks it again: it will have been at work.
            original.attaches = Attaches::Unknown;
            record.write(&directory, &names)?;
        }
        let restored = match (is_strange, is_kept) {
            // Somebody's newer driver is there already.
            (true, _) => Restored::Original,
            (false, true) => {
                // One event: a new executable.
                directory.rename(&names.original, &names.executable)?;
                Restored::Original
            }
            (false, false) => {
                // The event upon which kubelet drops the driver. A directory that is
                // renamed away would be one that fails at every look.
                directory.unlink(&names.executable)?;
                Restored::Removed
            }
        };
        directory.sync().map_err(UninstallError::from)?;
        reached("uninstall.withdrawn");
        clear(&directory, &names)?;
        if restored == Restored::Removed {
            if !plugins.remove_empty(&names.directory)? {
                return Ok(Restored::Others(directory.names()?));
            }
            plugins.sync()?;
        }
        Ok(restored)
    }

    fn check_unused(&self, mounts: &[PathBuf]) -> Result<(), UninstallError> {
        let pods =
            pods_of(&self.kubelet_root, &self.driver).map_err(|source| InstallError::Io {
                action: "look for pods below",
                path: self.kubelet_root.clone(),
                source,
            })?;
        if pods.is_empty() && mounts.is_empty() {
            return Ok(());
        }
        Err(UninstallError::InUse {
            driver: self.driver.clone(),
            pods,
            mounts: mounts.to_vec(),
        })
    }
}

/// Removes what only we have use for, the record last: with it, the rest is
/// found again.
fn clear(directory: &Directory, names: &Names) -> Result<(), InstallError> {
    for name in names.partial() {
        directory.unlink(name)?;
    }
    for name in directory.names()? {
        // Exec binaries that were killed have left some of these.
        if name.starts_with(&names.answer) {
            directory.unlink(&name)?;
        }
    }
    for name in [&names.original, &names.installed] {
        directory.unlink(name)?;
    }
    directory.sync()
}

/// A driver that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledDriver {
    /// The driver.
    pub driver: FlexDriver,
    /// The daemon's socket, as the host sees it; none where the record is damaged.
    pub socket: Option<PathBuf>,
}

/// The drivers in a plugin directory of which we have installed anything.
///
/// # Errors
/// The directory cannot be read.
pub fn installed_drivers(plugin_directory: &Path) -> Result<Vec<InstalledDriver>, InstallError> {
    let plugins = match Directory::open(plugin_directory) {
        Ok(plugins) => plugins,
        Err(Errno::NOENT) => {
            return Err(InstallError::NoPluginDirectory {
                path: plugin_directory.to_owned(),
            });
        }
        Err(errno) => return Err(InstallError::io("open", plugin_directory)(errno)),
    };
    let mut found = Vec::new();
    let mut directories = plugins.names()?;
    directories.sort();
    for directory in directories {
        let Some(driver) = FlexDriver::of_directory(&directory) else {
            continue;
        };
        let names = Names::of(&driver);
        let Ok(directory) = plugins.open_in(&directory) else {
            continue;
        };
        if let Some((FileType::RegularFile, _)) = directory.look(&names.installed)? {
            let record = Record::read(&directory, &names)?;
            found.push(InstalledDriver {
                driver,
                socket: record.map(|record| record.installed.socket),
            });
        }
    }
    Ok(found)
}
