//! The GroupController service: snapshots of several volumes at one instant.

use crate::csi::v1;
use v1::group_controller_service_capability::{Rpc as WireRpc, Type, rpc};

use super::driver::Driver;
use super::error::Error;
use super::id::{Id, Object};
use super::lock::{Guard, Share};
use super::records::Records;
use super::rpc::Rpc;
use super::snapshot::{Group, Snapshot};
use super::volume::Phase;

mod create;

impl Driver {
    /// What the GroupController service can do.
    pub(super) fn group_controller_get_capabilities(
        &self,
        _: v1::GroupControllerGetCapabilitiesRequest,
    ) -> Result<v1::GroupControllerGetCapabilitiesResponse, Error> {
        let can = rpc::Type::CreateDeleteGetVolumeGroupSnapshot;
        Ok(v1::GroupControllerGetCapabilitiesResponse {
            capabilities: vec![v1::GroupControllerServiceCapability {
                r#type: Some(Type::Rpc(WireRpc { r#type: can.into() })),
            }],
        })
    }

    /// Removes a group snapshot with its snapshots. One that is not there is
    /// removed.
    pub(super) fn delete_volume_group_snapshot(
        &self,
        request: v1::DeleteVolumeGroupSnapshotRequest,
    ) -> Result<v1::DeleteVolumeGroupSnapshotResponse, Error> {
        let id = Id::required("group_snapshot_id", &request.group_snapshot_id)?;
        let (guard, mut group) = match self.groups.lock_known(&id, Share::Exclusive) {
            Err(Error::Unknown { .. }) => return Ok(v1::DeleteVolumeGroupSnapshotResponse {}),
            locked => locked?,
        };
        check_members(&group, &request.snapshot_ids)?;
        group.phase = Phase::Deleting;
        self.groups.put(&guard, &group)?;
        self.faults.recorded(Rpc::DeleteVolumeGroupSnapshot)?;
        self.remove_group(guard, &group)?;
        Ok(v1::DeleteVolumeGroupSnapshotResponse {})
    }

    /// One group snapshot.
    pub(super) fn get_volume_group_snapshot(
        &self,
        request: v1::GetVolumeGroupSnapshotRequest,
    ) -> Result<v1::GetVolumeGroupSnapshotResponse, Error> {
        let id = Id::required("group_snapshot_id", &request.group_snapshot_id)?;
        let group = self.groups.get(&id)?;
        if group.phase != Phase::Ready {
            return Err(Records::<Group>::unknown(&id));
        }
        check_members(&group, &request.snapshot_ids)?;
        Ok(v1::GetVolumeGroupSnapshotResponse {
            group_snapshot: Some(self.wire_group(&group)?),
        })
    }

    /// A group as CSI has it.
    fn wire_group(&self, group: &Group) -> Result<v1::VolumeGroupSnapshot, Error> {
        let snapshots = group
            .snapshots
            .iter()
            .map(|id| Ok(self.snapshots.get(id)?.wire()));
        Ok(v1::VolumeGroupSnapshot {
            group_snapshot_id: group.id.as_str().to_owned(),
            snapshots: snapshots.collect::<Result<_, Error>>()?,
            creation_time: Some(group.created.wire()),
            ready_to_use: group.phase == Phase::Ready,
        })
    }

    /// Takes a group away with its snapshots and its record, whole or half made.
    pub(super) fn remove_group(&self, guard: Guard, group: &Group) -> Result<(), Error> {
        for id in &group.snapshots {
            let (guard, snapshot) = match self.snapshots.lock_known(id, Share::Exclusive) {
                Err(Error::Unknown { .. }) => continue,
                locked => locked?,
            };
            self.remove_member(guard, snapshot, group)?;
        }
        self.groups.remove(guard, &group.id)
    }

    fn remove_member(
        &self,
        guard: Guard,
        mut snapshot: Snapshot,
        group: &Group,
    ) -> Result<(), Error> {
        if snapshot.group.as_ref() != Some(&group.id) {
            return Ok(());
        }
        snapshot.phase = Phase::Deleting;
        self.snapshots.put(&guard, &snapshot)?;
        self.remove_snapshot(guard, &snapshot)
    }
}

/// Whether these are just the snapshots of a group, in any order.
fn check_members(group: &Group, ids: &[String]) -> Result<(), Error> {
    let mut asked: Vec<_> = ids.iter().map(String::as_str).collect();
    let mut members: Vec<_> = group.snapshots.iter().map(Id::as_str).collect();
    asked.sort_unstable();
    members.sort_unstable();
    if asked == members {
        return Ok(());
    }
    let (object, id) = (Object::Group, &group.id);
    Err(Error::invalid(
        "snapshot_ids",
        format!("are not those of {object} {id}"),
    ))
}
