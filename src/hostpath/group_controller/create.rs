//! CreateVolumeGroupSnapshot.

use std::collections::BTreeSet;

use crate::csi::v1;

use crate::hostpath::contents;
use crate::hostpath::controller::origin::Origin;
use crate::hostpath::controller::snapshots;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::{Id, Object};
use crate::hostpath::limits;
use crate::hostpath::lock::{Guard, Share};
use crate::hostpath::rpc::Rpc;
use crate::hostpath::snapshot::{Group, Instant};
use crate::hostpath::volume::Phase;

impl Driver {
    /// Takes a group snapshot, once for each name.
    pub(in crate::hostpath) fn create_volume_group_snapshot(
        &self,
        request: v1::CreateVolumeGroupSnapshotRequest,
    ) -> Result<v1::CreateVolumeGroupSnapshotResponse, Error> {
        let name = limits::name("name", &request.name)?;
        limits::map("parameters", &request.parameters)?;
        if request.source_volume_ids.is_empty() {
            return Err(Error::Missing("source_volume_ids"));
        }
        let sources = request
            .source_volume_ids
            .iter()
            .map(|id| Id::required("source_volume_ids", id))
            .collect::<Result<BTreeSet<_>, _>>()?;
        let sources: Vec<_> = sources.into_iter().collect();
        let id = Id::of_name(Object::Group, name);
        let guard = self.groups.lock(&id, Share::Exclusive)?;
        let group = match self.groups.find(&id)? {
            Some(there) if there.phase == Phase::Ready => {
                check_is(&there, &sources)?;
                there
            }
            half => self.make_group(guard, id, half, name, sources)?,
        };
        Ok(v1::CreateVolumeGroupSnapshotResponse {
            group_snapshot: Some(self.wire_group(&group)?),
        })
    }

    fn make_group(
        &self,
        mut guard: Guard,
        id: Id,
        half: Option<Group>,
        name: &str,
        sources: Vec<Id>,
    ) -> Result<Group, Error> {
        // Nobody holds its lock, so its taking or removal was cut off.
        if let Some(half) = half {
            self.remove_group(guard, &half)?;
            guard = self.groups.lock(&id, Share::Exclusive)?;
        }
        let member = |source: &Id| {
            // No name of a single snapshot has a zero byte in front.
            Id::of_name(
                Object::Snapshot,
                &format!("\0{}\0{}", id.as_str(), source.as_str()),
            )
        };
        let mut group = Group {
            name: name.to_owned(),
            phase: Phase::Creating,
            snapshots: sources.iter().map(member).collect(),
            sources,
            created: Instant::now(),
            id,
        };
        let made = self.fill_group(&guard, &mut group);
        match made {
            Ok(()) => Ok(group),
            Err(error) => {
                let id = group.id.clone();
                if let Err(error) = self.remove_group(guard, &group) {
                    tracing::warn!(group = %id, %error, "a half-made group snapshot stays until the next start");
                }
                Err(error)
            }
        }
    }

    fn fill_group(&self, guard: &Guard, group: &mut Group) -> Result<(), Error> {
        let origins = group
            .sources
            .iter()
            .map(|source| self.volume_origin(source))
            .collect::<Result<Vec<_>, _>>()?;
        self.groups.put(guard, group)?;
        self.faults.recorded(Rpc::CreateVolumeGroupSnapshot)?;
        // All of them stand still before the first is copied: that is the instant.
        let held = origins
            .iter()
            .map(Origin::hold)
            .collect::<Result<Vec<_>, _>>()?;
        group.created = Instant::now();
        for (index, origin) in origins.iter().enumerate() {
            self.take_member(group, index, origin)?;
        }
        drop(held);
        group.phase = Phase::Ready;
        self.groups.put(guard, group)
    }

    fn take_member(&self, group: &Group, index: usize, origin: &Origin) -> Result<(), Error> {
        let (Some(id), Some(source)) = (group.snapshots.get(index), group.sources.get(index))
        else {
            return Ok(());
        };
        let guard = self.snapshots.lock(id, Share::Exclusive)?;
        let in_group = Some(group.id.clone());
        let mut snapshot = snapshots::plan(id.clone(), "", source.clone(), origin, in_group);
        snapshot.created = group.created;
        self.snapshots.put(&guard, &snapshot)?;
        let data = self.snapshot_data(id);
        contents::remove(snapshot.kind, &data)?;
        origin.copy_held(&data)?;
        snapshot.phase = Phase::Ready;
        self.snapshots.put(&guard, &snapshot)
    }
}

/// Whether a group that bears the name is what is asked for.
fn check_is(group: &Group, sources: &[Id]) -> Result<(), Error> {
    if group.sources == sources {
        return Ok(());
    }
    Err(Error::Exists {
        object: Object::Group,
        id: group.id.clone(),
        why: "it is of other volumes".to_owned(),
    })
}
