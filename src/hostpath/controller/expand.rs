//! ControllerExpandVolume.

use crate::csi::v1;

use crate::hostpath::capability::Capability;
use crate::hostpath::capacity::{self, Capacity};
use crate::hostpath::contents;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::Id;
use crate::hostpath::lock::Share;

impl Driver {
    /// Grows a volume, in use or not.
    pub(in crate::hostpath) fn controller_expand_volume(
        &self,
        request: v1::ControllerExpandVolumeRequest,
    ) -> Result<v1::ControllerExpandVolumeResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        if request.capacity_range.is_none() {
            return Err(Error::Missing("capacity_range"));
        }
        let range = Capacity::of_wire(request.capacity_range.as_ref())?;
        self.ready_volume(&id)?;
        let (guard, mut volume) = self.volumes.lock_known(&id, Share::Exclusive)?;
        if request.volume_capability.is_some() {
            Capability::required(request.volume_capability.as_ref())?
                .check(volume.kind)
                .map_err(|why| Error::invalid("volume_capability", why))?;
        }
        if !range.has(volume.capacity) {
            let capacity = range.choose(volume.kind, volume.capacity, self.max_volume_size)?;
            // The file first: dying now leaves one that is larger than is known
            // of, which does no harm and is right after the next try.
            contents::grow(volume.kind, &self.volume_data(&id), capacity)?;
            volume.capacity = capacity;
            if volume.kind.filesystem().is_none() {
                volume.filesystem_size = capacity;
            }
            self.volumes.put(&guard, &volume)?;
        }
        Ok(v1::ControllerExpandVolumeResponse {
            capacity_bytes: capacity::wire(volume.capacity),
            // The loop device has to take the new size, and the filesystem.
            node_expansion_required: volume.kind.is_image(),
        })
    }
}
