//! NodeExpandVolume.

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
        let path = limits::path("volume_path", &request.volume_path)?;
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
            return Err(Error::NotThere {
                volume: id,
                path: path.to_owned(),
            });
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

    fn grow(&self, guard: &Guard, volume: &mut Volume, device: &LoopDevice) -> Result<(), Error> {
        let table = mounts::table()?;
        let writable = table.of_source(device.path()).find(|mount| !mount.is_readonly());
        let mount = writable.ok_or_else(|| Error::Precondition {
            volume: volume.id.clone(),
            why: "is mounted read-only everywhere, and cannot be grown so".to_owned(),
        })?;
        filesystem::grow(guard, volume.kind, device.path(), &mount.target)?;
        volume.filesystem_size = volume.capacity;
        self.volumes.put(guard, volume)
    }
}
