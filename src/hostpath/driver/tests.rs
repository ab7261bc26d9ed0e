//! Calls that need neither mounts nor devices: the controller's, on directories.

use std::collections::BTreeMap;

use tonic::Code;

use super::*;
use crate::csi::v1;
use crate::hostpath::lock::Share;
use crate::hostpath::volume::Phase;
use v1::volume_capability::{AccessMode, AccessType, MountVolume, access_mode::Mode};

mod attach;
mod cut_off;
mod groups;
mod snapshots;
mod volumes;

/// A driver over a directory that goes with it.
struct Here {
    driver: Driver,
    dir: tempfile::TempDir,
}

impl Here {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let driver = open(dir.path(), flags);
        Self { driver, dir }
    }

    /// The same state, as another process has it.
    fn again(&self, flags: &[&str]) -> Driver {
        open(self.dir.path(), flags)
    }

    fn create(&self, name: &str) -> v1::Volume {
        self.driver
            .create_volume(request(name))
            .unwrap()
            .volume
            .unwrap()
    }

    fn snapshot(&self, name: &str, volume: &str) -> v1::Snapshot {
        let snapshot = self.driver.create_snapshot(snapshot_request(name, volume));
        snapshot.unwrap().snapshot.unwrap()
    }

    fn data(&self, volume: &v1::Volume) -> PathBuf {
        self.driver.volume_data(&id(&volume.volume_id))
    }

    fn phase(&self, volume: &str) -> Option<Phase> {
        Some(self.driver.volumes.find(&id(volume)).unwrap()?.phase)
    }

    /// Every file that is kept.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut directories = vec![self.dir.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in directory.read_dir().unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    files.push(
                        path.strip_prefix(self.dir.path())
                            .unwrap()
                            .display()
                            .to_string(),
                    );
                }
            }
        }
        files.sort();
        files
    }
}

fn open(dir: &Path, flags: &[&str]) -> Driver {
    let args = HostpathArgs::of_flags(&dir.join("state"), flags.iter().copied());
    crate::hostpath::open::open(&args, false).unwrap()
}

fn id(text: &str) -> Id {
    Id::required("id", text).unwrap()
}

fn capability(mode: Mode) -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_mode: Some(AccessMode { mode: mode.into() }),
        access_type: Some(AccessType::Mount(MountVolume::default())),
    }
}

fn request(name: &str) -> v1::CreateVolumeRequest {
    v1::CreateVolumeRequest {
        name: name.to_owned(),
        volume_capabilities: vec![capability(Mode::SingleNodeWriter)],
        ..Default::default()
    }
}

fn delete(volume: &str) -> v1::DeleteVolumeRequest {
    v1::DeleteVolumeRequest {
        volume_id: volume.to_owned(),
        secrets: BTreeMap::new(),
    }
}

fn snapshot_request(name: &str, volume: &str) -> v1::CreateSnapshotRequest {
    v1::CreateSnapshotRequest {
        name: name.to_owned(),
        source_volume_id: volume.to_owned(),
        ..Default::default()
    }
}

#[track_caller]
fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> Code {
    answer.unwrap_err().code()
}
