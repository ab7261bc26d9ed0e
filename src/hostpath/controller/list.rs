//! ListVolumes and ControllerGetVolume.

use crate::csi::v1;
use v1::controller_get_volume_response::VolumeStatus as GetStatus;
use v1::list_volumes_response::{Entry, VolumeStatus as ListStatus};

use crate::hostpath::contents;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::Id;
use crate::hostpath::records::Records;
use crate::hostpath::volume::{Phase, Volume};

impl Driver {
    /// A page of the volumes.
    pub(in crate::hostpath) fn list_volumes(
        &self,
        request: v1::ListVolumesRequest,
    ) -> Result<v1::ListVolumesResponse, Error> {
        let page = self
            .volumes
            .page(&request.starting_token, request.max_entries, |volume| {
                volume.phase == Phase::Ready
            })?;
        let entry = |volume: &Volume| Entry {
            volume: Some(volume.wire()),
            status: Some(ListStatus {
                published_node_ids: volume.attached_nodes(),
                volume_condition: Some(self.condition(volume)),
            }),
        };
        Ok(v1::ListVolumesResponse {
            entries: page.records.iter().map(entry).collect(),
            next_token: page.next_token,
        })
    }

    /// One volume.
    pub(in crate::hostpath) fn controller_get_volume(
        &self,
        request: v1::ControllerGetVolumeRequest,
    ) -> Result<v1::ControllerGetVolumeResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        let volume = self.ready_volume(&id)?;
        Ok(v1::ControllerGetVolumeResponse {
            status: Some(GetStatus {
                published_node_ids: volume.attached_nodes(),
                volume_condition: Some(self.condition(&volume)),
            }),
            volume: Some(volume.wire()),
        })
    }

    /// A volume that is whole; one that is not is not there yet, or no more.
    pub(in crate::hostpath) fn ready_volume(&self, id: &Id) -> Result<Volume, Error> {
        match self.volumes.get(id)? {
            volume if volume.phase == Phase::Ready => Ok(volume),
            _ => Err(Records::<Volume>::unknown(id)),
        }
    }

    /// The health of a volume's contents.
    pub(in crate::hostpath) fn condition(&self, volume: &Volume) -> v1::VolumeCondition {
        let wrong = contents::condition(volume.kind, &self.volume_data(&volume.id));
        v1::VolumeCondition {
            abnormal: wrong.is_some(),
            message: wrong.unwrap_or_else(|| "all is well".to_owned()),
        }
    }
}
