//! What a volume or a snapshot is copied from.

use std::path::{Path, PathBuf};

use crate::hostpath::contents;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::freeze::{self, Frozen};
use crate::hostpath::id::Id;
use crate::hostpath::kind::Kind;
use crate::hostpath::lock::{Guard, Share};
use crate::hostpath::records::Records;
use crate::hostpath::snapshot::Snapshot;
use crate::hostpath::volume::{Phase, Source, Volume};

/// Something that stays as it is while it is copied: others may read it, and
/// nobody changes or removes it.
#[derive(Debug)]
pub(in crate::hostpath) struct Origin {
    data: PathBuf,
    of: Of,
    _guard: Guard,
}

#[derive(Debug)]
enum Of {
    Volume(Box<Volume>),
    Snapshot(Box<Snapshot>),
}

impl Origin {
    pub(in crate::hostpath) fn kind(&self) -> Kind {
        match &self.of {
            Of::Volume(volume) => volume.kind,
            Of::Snapshot(snapshot) => snapshot.kind,
        }
    }

    /// In bytes.
    pub(in crate::hostpath) fn size(&self) -> u64 {
        match &self.of {
            Of::Volume(volume) => volume.capacity,
            Of::Snapshot(snapshot) => snapshot.size,
        }
    }

    /// In bytes.
    pub(in crate::hostpath) fn filesystem_size(&self) -> u64 {
        match &self.of {
            Of::Volume(volume) => volume.filesystem_size,
            Of::Snapshot(snapshot) => snapshot.filesystem_size,
        }
    }

    /// Holds it still, so that several can be copied at one instant.
    pub(in crate::hostpath) fn hold(&self) -> Result<Option<Frozen>, Error> {
        match &self.of {
            Of::Volume(volume) => freeze::hold(volume, &self.data),
            Of::Snapshot(_) => Ok(None),
        }
    }

    /// Copies what it holds, while it is held.
    pub(in crate::hostpath) fn copy_held(&self, to: &Path) -> Result<(), Error> {
        contents::copy(self.kind(), &self.data, to)
    }

    /// Copies what it holds.
    pub(in crate::hostpath) fn copy_to(&self, to: &Path) -> Result<(), Error> {
        let _held = self.hold()?;
        self.copy_held(to)
    }
}

impl Driver {
    /// What a source names.
    pub(in crate::hostpath) fn origin(&self, source: &Source) -> Result<Origin, Error> {
        match source {
            Source::Volume(id) => self.volume_origin(id),
            Source::Snapshot(id) => {
                let (guard, snapshot) = self.snapshots.lock_known(id, Share::Shared)?;
                if snapshot.phase != Phase::Ready {
                    return Err(Records::<Snapshot>::unknown(id));
                }
                Ok(Origin {
                    data: self.snapshot_data(id),
                    of: Of::Snapshot(Box::new(snapshot)),
                    _guard: guard,
                })
            }
        }
    }

    /// A volume to be copied.
    pub(in crate::hostpath) fn volume_origin(&self, id: &Id) -> Result<Origin, Error> {
        let (guard, volume) = self.volumes.lock_known(id, Share::Shared)?;
        if volume.phase != Phase::Ready {
            return Err(Records::<Volume>::unknown(id));
        }
        Ok(Origin {
            data: self.volume_data(id),
            of: Of::Volume(Box::new(volume)),
            _guard: guard,
        })
    }
}
