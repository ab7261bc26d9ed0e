//! What is at a path: a volume, nothing, or something else.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::kind::Kind;
use crate::hostpath::loop_device::LoopDevice;
use crate::hostpath::mounts;
use crate::hostpath::volume::Volume;
use crate::mountinfo::Mount;

impl Driver {
    /// The mount of a volume at a path. Nothing mounted is none; something else
    /// mounted is an error.
    pub(in crate::hostpath) fn mount_of(
        &self,
        volume: &Volume,
        path: &str,
    ) -> Result<Option<Mount>, Error> {
        let Some(mount) = mounts::at(Path::new(path))? else {
            return Ok(None);
        };
        if self.is_of(volume, &mount)? {
            return Ok(Some(mount));
        }
        Err(Error::Foreign {
            volume: volume.id.clone(),
            path: path.to_owned(),
        })
    }

    fn is_of(&self, volume: &Volume, mount: &Mount) -> Result<bool, Error> {
        let data = self.volume_data(&volume.id);
        match volume.kind {
            Kind::Directory => is_same_directory(mount, &data),
            Kind::Ext4 | Kind::Xfs | Kind::Btrfs => Ok(LoopDevice::of(&data)?
                .iter()
                .any(|device| mount.source == device.path().as_os_str())),
            Kind::Block => {
                let metadata = mount.target.metadata();
                let there = metadata.map_err(Error::io("look at", &mount.target))?;
                if !there.file_type().is_block_device() {
                    return Ok(false);
                }
                for device in LoopDevice::of(&data)? {
                    let node = device.path().metadata();
                    let node = node.map_err(Error::io("look at", device.path()))?;
                    if node.rdev() == there.rdev() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Unmounts a volume from a path, however often it was mounted there.
    pub(super) fn unmount(&self, volume: &Volume, path: &str) -> Result<(), Error> {
        while self.mount_of(volume, path)?.is_some() {
            mounts::unmount(Path::new(path))?;
        }
        Ok(())
    }
}

fn is_same_directory(mount: &Mount, data: &Path) -> Result<bool, Error> {
    let there = mount
        .target
        .metadata()
        .map_err(Error::io("look at", &mount.target))?;
    match data.metadata() {
        Ok(data) => Ok((there.dev(), there.ino()) == (data.dev(), data.ino())),
        // Somebody removed it. The kernel still knows its name, and says so.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let root = mount.root.as_os_str().as_encoded_bytes();
            Ok(root
                .strip_suffix(b"//deleted")
                .is_some_and(|root| data.as_os_str().as_encoded_bytes().ends_with(root)))
        }
        Err(error) => Err(Error::io("look at", data)(error)),
    }
}
