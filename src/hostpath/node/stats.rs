//! NodeGetVolumeStats.

use std::path::Path;

use crate::csi::v1;
use v1::volume_usage::Unit;

use crate::hostpath::capacity;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::Id;
use crate::hostpath::kind::Kind;
use crate::hostpath::limits;
use crate::hostpath::volume::Volume;
use crate::mountinfo::Mount;

impl Driver {
    /// How full a volume is, and how it is. A directory is as full as the
    /// filesystem that it is on.
    pub(in crate::hostpath) fn node_get_volume_stats(
        &self,
        request: v1::NodeGetVolumeStatsRequest,
    ) -> Result<v1::NodeGetVolumeStatsResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        let path = &limits::known_path("volume_path", &request.volume_path)?;
        let volume = self.ready_volume(&id)?;
        let not_there = || Error::NotThere {
            volume: id.clone(),
            path: path.to_owned(),
        };
        let used = volume.used.get(&self.node.id).ok_or_else(not_there)?;
        if !used.paths().any(|used| used == path) {
            return Err(not_there());
        }
        if volume.kind == Kind::Block {
            return Ok(v1::NodeGetVolumeStatsResponse {
                usage: vec![v1::VolumeUsage {
                    total: capacity::wire(volume.capacity),
                    unit: Unit::Bytes.into(),
                    ..Default::default()
                }],
                volume_condition: Some(self.condition(&volume)),
            });
        }
        let mount = self.mount_of(&volume, path)?.ok_or_else(not_there)?;
        Ok(v1::NodeGetVolumeStatsResponse {
            usage: usage(Path::new(path))?,
            volume_condition: Some(self.mounted_condition(&volume, &mount)),
        })
    }

    fn mounted_condition(&self, volume: &Volume, mount: &Mount) -> v1::VolumeCondition {
        // We never mount a filesystem itself read-only: the kernel did, after
        // an error.
        if volume.kind.filesystem().is_some() && mount.is_filesystem_readonly() {
            return v1::VolumeCondition {
                abnormal: true,
                message: "its filesystem became read-only; the kernel's log says why".to_owned(),
            };
        }
        self.condition(volume)
    }
}

fn usage(path: &Path) -> Result<Vec<v1::VolumeUsage>, Error> {
    let stat = rustix::fs::statvfs(path).map_err(Error::io("look at", path))?;
    let bytes = |blocks: u64| capacity::wire(blocks.saturating_mul(stat.f_frsize));
    Ok(vec![
        v1::VolumeUsage {
            available: bytes(stat.f_bavail),
            total: bytes(stat.f_blocks),
            used: bytes(stat.f_blocks.saturating_sub(stat.f_bfree)),
            unit: Unit::Bytes.into(),
        },
        v1::VolumeUsage {
            available: capacity::wire(stat.f_favail),
            total: capacity::wire(stat.f_files),
            used: capacity::wire(stat.f_files.saturating_sub(stat.f_ffree)),
            unit: Unit::Inodes.into(),
        },
    ])
}
