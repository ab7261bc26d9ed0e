//! NodePublishVolume and NodeUnpublishVolume.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::mount::MountFlags;

use crate::csi::v1;

use crate::hostpath::capability::Capability;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::{Id, Object};
use crate::hostpath::kind::Kind;
use crate::hostpath::limits;
use crate::hostpath::lock::{Guard, Share};
use crate::hostpath::loop_device::LoopDevice;
use crate::hostpath::mount_options::MountOptions;
use crate::hostpath::mounts;
use crate::hostpath::rpc::Rpc;
use crate::hostpath::volume::{Publication, Volume};

use super::mount_group;

impl Driver {
    /// Makes a volume appear where a workload sees it.
    pub(in crate::hostpath) fn node_publish_volume(
        &self,
        request: v1::NodePublishVolumeRequest,
    ) -> Result<v1::NodePublishVolumeResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        let path = &limits::path("target_path", &request.target_path)?;
        let capability = Capability::required(request.volume_capability.as_ref())?;
        limits::map("publish_context", &request.publish_context)?;
        limits::map("volume_context", &request.volume_context)?;
        self.check_secrets(&id, &request.secrets)?;
        let group = mount_group::of(&capability)?;
        let staging = match request.staging_target_path.as_str() {
            _ if !self.has_staging => None,
            "" => return Err(Error::NoStagingPath),
            staging => Some(limits::path("staging_target_path", staging)?),
        };
        let (guard, mut volume) = self.lock_ready(&id)?;
        capability
            .check(volume.kind)
            .map_err(|why| Error::Precondition {
                volume: id.clone(),
                why: format!("cannot be published so: {why}"),
            })?;
        self.check_reachable(&volume)?;
        let staging = staging.as_deref();
        self.check_is_staged(&volume, staging)?;
        let publication = Publication {
            capability,
            readonly: request.readonly,
        };
        self.check_publishable(&volume, path, &publication)?;

        let used = volume.used.entry(self.own_id()).or_default();
        let there = used.published.insert(path.to_owned(), publication.clone());
        let is_there = there.is_some() && self.mount_of(&volume, path)?.is_some();
        self.volumes.put(&guard, &volume)?;
        let published = self
            .faults
            .recorded(Rpc::NodePublishVolume)
            .and_then(|()| self.publish(&guard, &mut volume, path, staging, &publication))
            .and_then(|()| mount_group::give(Path::new(path), group));
        match published {
            Ok(()) => Ok(v1::NodePublishVolumeResponse {}),
            // It was there before this call, and a workload may use it.
            Err(error) if is_there => Err(error),
            Err(error) => {
                self.say_if_not_undone(self.unpublish(&guard, &mut volume, path), &id);
                Err(error)
            }
        }
    }

    /// Undoes that.
    pub(in crate::hostpath) fn node_unpublish_volume(
        &self,
        request: v1::NodeUnpublishVolumeRequest,
    ) -> Result<v1::NodeUnpublishVolumeResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        let path = &limits::path("target_path", &request.target_path)?;
        let (guard, mut volume) = self.volumes.lock_known(&id, Share::Exclusive)?;
        let used = volume.used.get(&self.node.id);
        // What we did not publish there is nothing of ours.
        if used.is_some_and(|used| used.published.contains_key(path)) {
            self.unpublish(&guard, &mut volume, path)?;
        }
        Ok(v1::NodeUnpublishVolumeResponse {})
    }

    fn check_is_staged(&self, volume: &Volume, staging: Option<&str>) -> Result<(), Error> {
        let Some(staging) = staging else {
            return Ok(());
        };
        let used = volume.used.get(&self.node.id);
        let is_recorded = used.is_some_and(|used| used.staged.contains_key(staging));
        if is_recorded && self.is_staged(volume, staging)? {
            return Ok(());
        }
        Err(Error::Precondition {
            volume: volume.id.clone(),
            why: format!("is not staged at {staging:?}"),
        })
    }

    fn check_publishable(
        &self,
        volume: &Volume,
        path: &str,
        asked: &Publication,
    ) -> Result<(), Error> {
        let Some(used) = volume.used.get(&self.node.id) else {
            return Ok(());
        };
        if let Some(there) = used.published.get(path)
            && there != asked
            && self.mount_of(volume, path)?.is_some()
        {
            return Err(Error::Exists {
                object: Object::Volume,
                id: volume.id.clone(),
                why: format!("it is published at {path:?} otherwise"),
            });
        }
        // CSI 1.12, NodePublishVolume, the table of second calls.
        let another = used.published.iter().find(|(other, _)| *other != path);
        if let Some((other, there)) = another
            && (asked.capability.mode.is_single_workload()
                || there.capability.mode.is_single_workload())
        {
            return Err(Error::Precondition {
                volume: volume.id.clone(),
                why: format!("is for one workload alone, and published at {other:?}"),
            });
        }
        Ok(())
    }

    fn publish(
        &self,
        guard: &Guard,
        volume: &mut Volume,
        path: &str,
        staging: Option<&str>,
        asked: &Publication,
    ) -> Result<(), Error> {
        let target = Path::new(path);
        let readonly = asked.readonly
            || asked.capability.mode.is_readonly()
            || self.is_attached_readonly(volume);
        if volume.kind == Kind::Block {
            make_file(target)?;
            // A read-only mount does not keep anybody from writing to a device.
            let device = self.attach_image(guard, volume, readonly)?;
            if self.mount_of(volume, path)?.is_none() {
                mounts::bind(device.path(), target)?;
            }
            return Ok(());
        }
        make_directory(target)?;
        match staging {
            None => self.mount(guard, volume, path, &asked.capability, readonly),
            Some(staging) => {
                let mut flags = MountOptions::parse(asked.capability.mount_flags())
                    .map_err(|why| Error::invalid("mount_flags", why))?
                    .of_mount;
                flags.set(
                    MountFlags::RDONLY,
                    readonly || flags.contains(MountFlags::RDONLY),
                );
                if self.mount_of(volume, path)?.is_none() {
                    mounts::bind(Path::new(staging), target)?;
                }
                mounts::add_flags(target, flags)
            }
        }
    }

    fn unpublish(&self, guard: &Guard, volume: &mut Volume, path: &str) -> Result<(), Error> {
        self.unmount(volume, path)?;
        remove_target(Path::new(path))?;
        let own = self.own_id();
        let mut after = volume.clone();
        if let Some(used) = after.used.get_mut(&own) {
            used.published.remove(path);
        }
        after.drop_unused();
        self.release(guard, &after)?;
        self.release_readonly(guard, &after)?;
        self.volumes.put(guard, &after)?;
        *volume = after;
        Ok(())
    }

    /// Detaches the read-only device of a block volume with its last publication.
    fn release_readonly(&self, guard: &Guard, volume: &Volume) -> Result<(), Error> {
        let is_published = volume.used.values().any(|used| !used.published.is_empty());
        if volume.kind != Kind::Block || is_published {
            return Ok(());
        }
        LoopDevice::detach(guard, &self.volume_data(&volume.id), true)
    }
}

fn make_directory(target: &Path) -> Result<(), Error> {
    match std::fs::create_dir(target) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && target.is_dir() => Ok(()),
        made => made.map_err(Error::io("create", target)),
    }
}

fn make_file(target: &Path) -> Result<(), Error> {
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !target.is_dir() => Ok(()),
        made => made.map(drop).map_err(Error::io("create", target)),
    }
}

/// Removes what was mounted on. A directory that is not empty stays: what is in
/// it is no volume's, and nobody's to remove.
fn remove_target(target: &Path) -> Result<(), Error> {
    let removed = match target.symlink_metadata() {
        Ok(there) if there.is_dir() => std::fs::remove_dir(target),
        Ok(_) => std::fs::remove_file(target),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", target)(error))
        }
        _ => Ok(()),
    }
}
