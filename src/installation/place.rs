//! Putting the exec binary in its place.
//!
//! Kubelet sees one event, the rename of the executable (or of the whole
//! directory, the first time), and asks it `init`. All else has names with a dot.
//! Whenever we die, what kubelet finds is whole: the driver that was there, or
//! ours with all that it needs.

use flex2csi_exec::installed::{Attaches, Installed, Original};
use rustix::io::Errno;

use super::answer;
use super::binary::Binary;
use super::directory::{Directory, EXECUTABLE, called};
use super::kept::{Change, Kept, Standing, Trouble};
use super::names::Names;
use super::occupant::Occupant;
use super::record::{self, Executable, Record};
use super::seen::Seen;
use super::steps::reached;
use super::{InstallError, Installation, Left, NodeVolumeNames};

impl Installation {
    /// One attempt. Gives nothing where the world changed meanwhile.
    pub(super) fn place(
        &mut self,
        plugins: &Directory,
        node: Option<&NodeVolumeNames>,
    ) -> Result<Option<Kept>, InstallError> {
        let binary = self.binary_sha256()?;
        clear_new_directory(plugins, &self.names)?;
        let directory = match plugins.open_in(&self.names.directory) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return self.place_directory(plugins),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(self.no_directory(plugins)?),
            Err(errno) => {
                return Err(InstallError::io(
                    "open",
                    plugins.path_of(&self.names.directory),
                )(errno));
            }
        };
        let placed = self.place_in(&directory, &binary, node);
        // What was not renamed is of no use, on a full disk least of all.
        for name in self.names.partial() {
            let removed = directory.unlink(name);
            if placed.is_ok() {
                removed?;
            }
        }
        placed
    }

    fn place_in(
        &mut self,
        directory: &Directory,
        binary: &str,
        node: Option<&NodeVolumeNames>,
    ) -> Result<Option<Kept>, InstallError> {
        let record = Record::read(directory, &self.names)?;
        let occupant = Occupant::find(
            directory,
            &self.names,
            binary,
            record.as_ref(),
            &self.wanted.driver,
        )?;
        let left = self.left(node)?;
        let said = answer::attaches(directory, &self.names)?;
        let kept = directory.look(&self.names.original)?;
        let is_kept = kept.is_some();
        let original = self.original(&occupant, record.as_ref(), is_kept, said, &left);
        let stranger = match &occupant {
            Occupant::Stranger { stamp, .. } => Some(*stamp),
            _ => None,
        };
        let standing = original.as_ref().map(|original| Standing {
            attaches: original.attaches,
            trouble: match stranger.or(kept.map(|(_, stamp)| stamp)) {
                None => Some(Trouble::Lost),
                Some(stamp) => (!stamp.is_trusted()).then_some(Trouble::Untrusted),
            },
            left: (original.attaches == Attaches::Yes).then_some(left),
        });
        let installed = record::installed(&self.wanted, original);

        let inode = match &occupant {
            Occupant::Ours { stamp, .. } => Some(stamp.inode),
            _ => None,
        };
        let is_whole = |record: &Record| {
            occupant.is_good(binary)
                && Some(record.executable.inode) == inode
                && record::answers(&record.installed, said) == record::answers(&installed, said)
        };
        let change = match &record {
            Some(record) if is_whole(record) && record.installed == installed => Change::None,
            Some(record) if is_whole(record) => {
                let executable = record.executable.clone();
                let new = Record {
                    installed,
                    executable,
                };
                new.write(directory, &self.names)?;
                Change::Recorded
            }
            _ => {
                let change = change(&occupant, record.as_ref(), &installed);
                if !self.replace(directory, &occupant, installed)? {
                    return Ok(None);
                }
                change
            }
        };
        self.seen = Seen::of(directory, &self.names, self.binary.as_ref())?;
        self.standing = standing.clone();
        Ok(Some(Kept {
            change,
            original: standing,
        }))
    }

    /// What is to be recorded of an original driver.
    fn original(
        &self,
        occupant: &Occupant,
        record: Option<&Record>,
        is_kept: bool,
        said: Option<bool>,
        left: &Left,
    ) -> Option<Original> {
        let recorded = record.map(|record| record.installed.original.as_ref());
        let attaches = match (occupant, recorded) {
            // It was back for a while. Where it was gone before, it is gone again,
            // unless it has taken up work: our own mounts are not to become its.
            (Occupant::Stranger { .. } | Occupant::LinkToOriginal { .. }, recorded) => {
                let was_gone = match recorded {
                    Some(Some(original)) => original.attaches == Attaches::No,
                    Some(None) => true,
                    None => false,
                };
                if was_gone && left.is_nothing_seen() {
                    Attaches::No
                } else {
                    Attaches::Unknown
                }
            }
            (_, Some(Some(original))) => settled(original.attaches, said, left),
            (_, _) if is_kept => settled(Attaches::Unknown, said, left),
            _ => return None,
        };
        Some(Original {
            file: self.names.original.clone(),
            attaches,
        })
    }

    /// Puts a new executable over what is there. Gives whether it could: not
    /// where the world changed meanwhile.
    fn replace(
        &self,
        directory: &Directory,
        occupant: &Occupant,
        installed: Installed,
    ) -> Result<bool, InstallError> {
        let names = &self.names;
        reached("install.before");
        let binary = Binary::read(&self.wanted.exec_binary)?;
        let staged = directory.write(&names.new_executable, &binary.bytes, EXECUTABLE)?;
        reached("install.staged");
        let before = match occupant {
            Occupant::Ours { sha256, .. } if *sha256 != binary.source.sha256 => {
                Some(sha256.clone())
            }
            _ => None,
        };
        let executable = Executable {
            sha256: binary.source.sha256,
            inode: staged.inode,
            before,
        };
        let record = Record {
            installed,
            executable,
        };
        // Nobody reads it yet where a stranger is; and a link that is left tells whose it is.
        record.write(directory, names)?;
        reached("install.recorded");
        if let Occupant::Stranger { stamp, sha256 } = occupant
            && !self.keep_original(directory, stamp, sha256.as_deref())?
        {
            return Ok(false);
        }
        if !occupant.is_still(directory, names)? {
            return Ok(false);
        }
        directory.rename(&names.new_executable, &names.executable)?;
        directory.sync()?;
        reached("install.placed");
        Ok(true)
    }

    /// The first time: a directory that is whole when it gets its name.
    fn place_directory(&mut self, plugins: &Directory) -> Result<Option<Kept>, InstallError> {
        let names = &self.names;
        let built = plugins
            .make_directory(&names.new_directory)
            .and_then(|directory| {
                reached("install.directory.made");
                let installed = record::installed(&self.wanted, None);
                self.replace(&directory, &Occupant::Nobody, installed)?;
                reached("install.directory.built");
                plugins.rename_directory(&names.new_directory, &names.directory)
            });
        match built {
            Ok(true) => {}
            Ok(false) => {
                clear_new_directory(plugins, &self.names)?;
                return Ok(None);
            }
            Err(error) => {
                // The error is the first one.
                let _ = clear_new_directory(plugins, &self.names);
                return Err(error);
            }
        }
        plugins.sync()?;
        reached("install.directory.placed");
        let directory = plugins
            .open_in(&names.directory)
            .map_err(InstallError::io("open", plugins.path_of(&names.directory)))?;
        self.seen = Seen::of(&directory, names, self.binary.as_ref())?;
        self.standing = None;
        Ok(Some(Kept {
            change: Change::Installed,
            original: None,
        }))
    }

    fn no_directory(&self, plugins: &Directory) -> Result<InstallError, InstallError> {
        let name = &self.names.directory;
        Ok(InstallError::NoDirectory {
            driver: self.wanted.driver.clone(),
            path: plugins.path_of(name),
            what: plugins
                .look(name)?
                .map_or("gone again", |(kind, _)| called(kind)),
        })
    }
}

/// Removes what a crash left: a kubelet that starts would watch it.
pub(super) fn clear_new_directory(plugins: &Directory, names: &Names) -> Result<(), InstallError> {
    let name = &names.new_directory;
    match plugins.open_in(name) {
        Ok(directory) => {
            for name in directory.names()? {
                directory.unlink(&name)?;
            }
            plugins.remove_empty(name)?;
        }
        Err(Errno::NOENT) => {}
        Err(Errno::LOOP | Errno::NOTDIR) => {
            plugins.unlink(name)?;
        }
        Err(errno) => return Err(InstallError::io("open", plugins.path_of(name))(errno)),
    }
    Ok(())
}

/// Whether an original driver attaches, by what it said and what is left of it.
fn settled(recorded: Attaches, said: Option<bool>, left: &Left) -> Attaches {
    let attaches = match recorded {
        Attaches::No => return Attaches::No,
        Attaches::Yes => true,
        Attaches::Unknown => match said {
            Some(attaches) => attaches,
            None => return Attaches::Unknown,
        },
    };
    if attaches && !left.is_nothing() {
        Attaches::Yes
    } else {
        Attaches::No
    }
}

fn change(occupant: &Occupant, record: Option<&Record>, new: &Installed) -> Change {
    let attached = |installed: &Installed| {
        let original = installed.original.as_ref();
        original.is_some_and(|original| original.attaches != Attaches::No)
    };
    match (occupant, record) {
        (Occupant::Stranger { .. } | Occupant::LinkToOriginal { .. }, Some(_)) => Change::TookBack,
        (Occupant::Stranger { .. } | Occupant::LinkToOriginal { .. }, None) => Change::Installed,
        (Occupant::Nobody, _) => Change::Installed,
        (Occupant::Ours { .. }, Some(old)) if attached(&old.installed) && !attached(new) => {
            Change::Released
        }
        (Occupant::Ours { .. }, _) => Change::Replaced,
    }
}
