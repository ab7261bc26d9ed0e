//! ControllerModifyVolume.

use crate::csi::v1;

use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::Id;
use crate::hostpath::lock::Share;
use crate::hostpath::parameters;
use crate::hostpath::volume::Phase;

impl Driver {
    /// Records what a volume is to be like. Nothing else comes of it.
    pub(in crate::hostpath) fn controller_modify_volume(
        &self,
        request: v1::ControllerModifyVolumeRequest,
    ) -> Result<v1::ControllerModifyVolumeResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        self.ready_volume(&id)?;
        parameters::check_mutable(&request.mutable_parameters, self.dialect)?;
        let (guard, mut volume) = self.volumes.lock_known(&id, Share::Exclusive)?;
        if volume.phase == Phase::Ready && !request.mutable_parameters.is_empty() {
            volume.mutable_parameters.extend(request.mutable_parameters);
            self.volumes.put(&guard, &volume)?;
        }
        Ok(v1::ControllerModifyVolumeResponse {})
    }
}
