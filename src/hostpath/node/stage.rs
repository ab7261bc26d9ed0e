//! NodeStageVolume and NodeUnstageVolume.

use std::path::Path;

use rustix::mount::MountFlags;

use crate::csi::v1;

use crate::hostpath::capability::Capability;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::filesystem;
use crate::hostpath::id::{Id, Object};
use crate::hostpath::kind::Kind;
use crate::hostpath::limits;
use crate::hostpath::lock::{Guard, Share};
use crate::hostpath::loop_device::{Held, LoopDevice};
use crate::hostpath::mount_options::MountOptions;
use crate::hostpath::mounts;
use crate::hostpath::records::Records;
use crate::hostpath::rpc::Rpc;
use crate::hostpath::volume::{Phase, Volume};

use super::mount_group;

impl Driver {
    /// Prepares a volume for this node: attaches its image, mounts what is to
    /// be mounted.
    pub(in crate::hostpath) fn node_stage_volume(
        &self,
        request: v1::NodeStageVolumeRequest,
    ) -> Result<v1::NodeStageVolumeResponse, Error> {
        self.check_has_staging()?;
        let id = Id::required("volume_id", &request.volume_id)?;
        let path = &limits::path("staging_target_path", &request.staging_target_path)?;
        let capability = Capability::required(request.volume_capability.as_ref())?;
        limits::map("publish_context", &request.publish_context)?;
        limits::map("volume_context", &request.volume_context)?;
        self.check_secrets(&id, &request.secrets)?;
        let group = mount_group::of(&capability)?;
        let (guard, mut volume) = self.lock_ready(&id)?;
        capability
            .check(volume.kind)
            .map_err(|why| Error::Precondition {
                volume: id.clone(),
                why: format!("cannot be staged so: {why}"),
            })?;
        self.check_reachable(&volume)?;

        let used = volume.used.entry(self.own_id()).or_default();
        let there = used.staged.insert(path.to_owned(), capability.clone());
        let is_there = there.is_some() && self.is_staged(&volume, path)?;
        if is_there && there.as_ref() != Some(&capability) {
            return Err(Error::Exists {
                object: Object::Volume,
                id,
                why: format!("it is staged at {path:?} with another capability"),
            });
        }
        self.volumes.put(&guard, &volume)?;
        let staged = self
            .faults
            .recorded(Rpc::NodeStageVolume)
            .and_then(|()| self.stage(&guard, &mut volume, path, &capability))
            .and_then(|()| mount_group::give(Path::new(path), group));
        match staged {
            Ok(()) => Ok(v1::NodeStageVolumeResponse {}),
            // It was there before this call, and somebody may use it.
            Err(error) if is_there => Err(error),
            Err(error) => {
                self.say_if_not_undone(self.unstage(&guard, &mut volume, path), &id);
                Err(error)
            }
        }
    }

    /// Undoes that.
    pub(in crate::hostpath) fn node_unstage_volume(
        &self,
        request: v1::NodeUnstageVolumeRequest,
    ) -> Result<v1::NodeUnstageVolumeResponse, Error> {
        self.check_has_staging()?;
        let id = Id::required("volume_id", &request.volume_id)?;
        let path = &limits::path("staging_target_path", &request.staging_target_path)?;
        let (guard, mut volume) = self.volumes.lock_known(&id, Share::Exclusive)?;
        let Some(used) = volume.used.get(&self.node.id) else {
            return Ok(v1::NodeUnstageVolumeResponse {});
        };
        if let Some(target) = used.published.keys().next()
            && used.staged.len() == 1
            && used.staged.contains_key(path)
        {
            return Err(Error::InUse {
                object: Object::Volume,
                id,
                by: format!("is still published at {target:?}"),
            });
        }
        // What we did not stage there is nothing of ours.
        if used.staged.contains_key(path) {
            self.unstage(&guard, &mut volume, path)?;
        }
        Ok(v1::NodeUnstageVolumeResponse {})
    }

    fn stage(
        &self,
        guard: &Guard,
        volume: &mut Volume,
        path: &str,
        capability: &Capability,
    ) -> Result<(), Error> {
        let target = Path::new(path);
        if volume.kind == Kind::Block {
            return self.attach_image(guard, volume, false).map(drop);
        }
        std::fs::create_dir_all(target).map_err(Error::io("create", target))?;
        self.mount(
            guard,
            volume,
            path,
            capability,
            capability.mode.is_readonly(),
        )
    }

    /// Mounts what a volume holds, where it is not mounted yet.
    pub(super) fn mount(
        &self,
        guard: &Guard,
        volume: &mut Volume,
        path: &str,
        capability: &Capability,
        readonly: bool,
    ) -> Result<(), Error> {
        let (target, data) = (Path::new(path), self.volume_data(&volume.id));
        let mut options = MountOptions::parse(capability.mount_flags())
            .map_err(|why| Error::invalid("mount_flags", why))?;
        options.of_mount.set(
            MountFlags::RDONLY,
            readonly || options.of_mount.contains(MountFlags::RDONLY),
        );
        let Some(filesystem) = volume.kind.filesystem() else {
            if self.mount_of(volume, path)?.is_none() {
                mounts::bind(&data, target)?;
            }
            return mounts::add_flags(target, options.of_mount);
        };
        let device = self.attach_image(guard, volume, false)?;
        self.grow_unmounted(guard, volume, &device)?;
        if self.mount_of(volume, path)?.is_none() {
            // Read-only is this mount's matter, not the filesystem's, so that
            // it can be written elsewhere and grown.
            let of_mount = options.of_mount;
            options.of_mount.remove(MountFlags::RDONLY);
            let data = filesystem::mount_data(volume.kind);
            mounts::device(device.path(), target, filesystem, &options, data)?;
            options.of_mount = of_mount;
        }
        // While it can be written.
        self.grow_mounted(guard, volume, &device, target)?;
        mounts::add_flags(target, options.of_mount)
    }

    /// The loop device of a volume's image, with the size that it has now.
    pub(super) fn attach_image(
        &self,
        guard: &Guard,
        volume: &Volume,
        readonly: bool,
    ) -> Result<Held, Error> {
        let device = LoopDevice::attach(guard, &self.volume_data(&volume.id), readonly)?;
        // It may be there since before the volume was expanded.
        device.resize(guard)?;
        Ok(device)
    }

    /// Takes a staged volume away from a path, and its loop devices if it is
    /// nowhere else.
    fn unstage(&self, guard: &Guard, volume: &mut Volume, path: &str) -> Result<(), Error> {
        self.unmount(volume, path)?;
        let own = self.own_id();
        let mut after = volume.clone();
        if let Some(used) = after.used.get_mut(&own) {
            used.staged.remove(path);
        }
        after.drop_unused();
        self.release(guard, &after)?;
        self.volumes.put(guard, &after)?;
        *volume = after;
        Ok(())
    }

    /// Detaches the image of a volume that nobody uses any more.
    pub(in crate::hostpath) fn release(&self, guard: &Guard, volume: &Volume) -> Result<(), Error> {
        if volume.kind.is_image() && volume.used.is_empty() {
            LoopDevice::detach(guard, &self.volume_data(&volume.id), false)?;
        }
        Ok(())
    }

    /// Whether a volume is staged at a path, whatever its record says.
    pub(in crate::hostpath) fn is_staged(
        &self,
        volume: &Volume,
        path: &str,
    ) -> Result<bool, Error> {
        if volume.kind == Kind::Block {
            let device = LoopDevice::find(&self.volume_data(&volume.id), false)?;
            return Ok(device.is_some());
        }
        Ok(self.mount_of(volume, path)?.is_some())
    }

    /// Takes the lock of a volume that is whole.
    pub(super) fn lock_ready(&self, id: &Id) -> Result<(Guard, Volume), Error> {
        match self.volumes.lock_known(id, Share::Exclusive)? {
            (guard, volume) if volume.phase == Phase::Ready => Ok((guard, volume)),
            _ => Err(Records::<Volume>::unknown(id)),
        }
    }

    /// Says when undoing failed as well; the record has it.
    pub(super) fn say_if_not_undone(&self, undone: Result<(), Error>, id: &Id) {
        if let Err(error) = undone {
            tracing::warn!(volume = %id, %error, "half of a failed mount stays until the next try");
        }
    }

    fn check_has_staging(&self) -> Result<(), Error> {
        if self.has_staging {
            Ok(())
        } else {
            Err(Error::Unsupported("a stage step (--no-staging)"))
        }
    }
}
