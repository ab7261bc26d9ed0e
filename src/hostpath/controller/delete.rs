//! DeleteVolume, and taking back what was not finished.

use crate::csi::v1;

use crate::hostpath::contents;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::{Id, Object};
use crate::hostpath::lock::{Guard, Share};
use crate::hostpath::loop_device::LoopDevice;
use crate::hostpath::rpc::Rpc;
use crate::hostpath::volume::{Phase, Volume};

impl Driver {
    /// Removes a volume that nobody uses. One that is not there is removed.
    pub(in crate::hostpath) fn delete_volume(
        &self,
        request: v1::DeleteVolumeRequest,
    ) -> Result<v1::DeleteVolumeResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        let (guard, mut volume) = match self.volumes.lock_known(&id, Share::Exclusive) {
            Err(Error::Unknown { .. }) => return Ok(v1::DeleteVolumeResponse {}),
            locked => locked?,
        };
        check_unused(&volume)?;
        volume.phase = Phase::Deleting;
        self.volumes.put(&guard, &volume)?;
        self.faults.recorded(Rpc::DeleteVolume)?;
        self.remove_volume(guard, &volume)?;
        Ok(v1::DeleteVolumeResponse {})
    }

    /// Takes a volume away with its record, whole or half made.
    pub(in crate::hostpath) fn remove_volume(
        &self,
        guard: Guard,
        volume: &Volume,
    ) -> Result<(), Error> {
        self.remove_volume_data(&guard, volume)?;
        self.volumes.remove(guard, &volume.id)
    }

    /// Takes what a volume holds away.
    pub(super) fn remove_volume_data(&self, guard: &Guard, volume: &Volume) -> Result<(), Error> {
        let data = self.volume_data(&volume.id);
        if volume.kind.is_image() {
            LoopDevice::detach(guard, &data, false)?;
        }
        contents::remove(volume.kind, &data)
    }

    /// Undoes a failed creation. If that fails too, the record says so, and the
    /// next start or the next creation goes on with it.
    pub(super) fn take_volume_back(&self, guard: Guard, id: &Id) {
        let taken = match self.volumes.find(id) {
            Ok(Some(volume)) => self.remove_volume(guard, &volume),
            Ok(None) => guard.retire(),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            tracing::warn!(volume = %id, %error, "a half-made volume stays until the next start");
        }
    }
}

fn check_unused(volume: &Volume) -> Result<(), Error> {
    let used = |by: String| {
        Err(Error::InUse {
            object: Object::Volume,
            id: volume.id.clone(),
            by,
        })
    };
    if let Some((node, at)) = volume.used.iter().find(|(_, used)| !used.is_empty()) {
        let path = at.paths().next().unwrap_or_default();
        return used(format!("is used on node {node}, at {path:?}"));
    }
    match volume.attached.keys().next() {
        Some(node) => used(format!("is attached to node {node}")),
        None => Ok(()),
    }
}
