//! NodeExpandVolume.

use std::path::Path;

use crate::csi::v1;

use crate::hostpath::capability::Capability;
use crate::hostpath::capacity::{self, Capacity};
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::filesystem;
use crate::hostpath::id::Id;
use crate::hostpath::limits;
use crate::hostpath::lock::Guard;
use crate::hostpath::loop_device::LoopDevice;
use crate::hostpath::mounts;
use crate::hostpath::volume::Volume;

impl Driver {
    /// Grows what is on this node of a volume that was expanded: its devices,
    /// and its filesystem where it is mounted.
    pub(in crate::hostpath) fn node_expand_volume(
        &self,
        request: v1::NodeExpandVolumeRequest,
    ) -> Result<v1::NodeExpandVolumeResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        let path = limits::known_path("volume_path", &request.volume_path)?;
        let range = Capacity::of_wire(request.capacity_range.as_ref())?;
        self.ready_volume(&id)?;
        let (guard, mut volume) = self.lock_ready(&id)?;
        if request.volume_capability.is_some() {
            Capability::required(request.volume_capability.as_ref())?
                .check(volume.kind)
                .map_err(|why| Error::invalid("volume_capability", why))?;
        }
        let used = volume.used.get(&self.node.id);
        if !used.is_some_and(|used| used.paths().any(|used| used == path)) {
            return Err(Error::NotThere { volume: id, path });
        }
        if !range.has(volume.capacity) {
            return Err(Error::Capacity(format!(
                "is not met: the volume has {} bytes; ControllerExpandVolume grows it",
                volume.capacity
            )));
        }
        for device in LoopDevice::of(&self.volume_data(&id))? {
            device.resize(&guard)?;
            if !device.is_readonly() && volume.kind.filesystem().is_some() {
                self.grow(&guard, &mut volume, &device)?;
            }
        }
        Ok(v1::NodeExpandVolumeResponse {
            capacity_bytes: capacity::wire(volume.capacity),
        })
    }

    /// Grows a filesystem that is less than its volume, wherever it is mounted.
    fn grow(&self, guard: &Guard, volume: &mut Volume, device: &LoopDevice) -> Result<(), Error> {
        if volume.filesystem_size >= volume.capacity {
            return Ok(());
        }
        let table = mounts::table()?;
        let writable = table
            .of_source(device.path())
            .find(|mount| !mount.is_readonly());
        let mount = writable.ok_or_else(|| Error::Precondition {
            volume: volume.id.clone(),
            why: "is mounted read-only everywhere, and cannot be grown so".to_owned(),
        })?;
        filesystem::check_may_grow(volume.kind).map_err(|why| Error::Precondition {
            volume: volume.id.clone(),
            why,
        })?;
        self.grow_mounted(guard, volume, device, &mount.target)
    }

    /// Grows a filesystem that is less than its volume, as one that was made
    /// from a smaller source or expanded while it was not in use.
    pub(super) fn grow_mounted(
        &self,
        guard: &Guard,
        volume: &mut Volume,
        device: &LoopDevice,
        mount: &Path,
    ) -> Result<(), Error> {
        // Without the right to, it stays as it is until it is mounted anew.
        if volume.filesystem_size >= volume.capacity
            || filesystem::check_may_grow(volume.kind).is_err()
        {
            return Ok(());
        }
        filesystem::grow(guard, volume.kind, device.path(), mount)?;
        self.record_grown(guard, volume)
    }

    /// The same before it is mounted, where that can be done.
    pub(super) fn grow_unmounted(
        &self,
        guard: &Guard,
        volume: &mut Volume,
        device: &LoopDevice,
    ) -> Result<(), Error> {
        if volume.filesystem_size >= volume.capacity
            || mounts::table()?.of_source(device.path()).next().is_some()
            || !filesystem::grow_unmounted(guard, volume.kind, device.path())?
        {
            return Ok(());
        }
        self.record_grown(guard, volume)
    }

    fn record_grown(&self, guard: &Guard, volume: &mut Volume) -> Result<(), Error> {
        volume.filesystem_size = volume.capacity;
        self.volumes.put(guard, volume)
    }
}
