//! Snapshots: made, removed, listed.

use crate::csi::v1;
use v1::list_snapshots_response::Entry;

use crate::hostpath::contents;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::{Id, Object};
use crate::hostpath::limits;
use crate::hostpath::lock::{Guard, Share};
use crate::hostpath::records::Records;
use crate::hostpath::rpc::Rpc;
use crate::hostpath::snapshot::{Instant, Snapshot};
use crate::hostpath::volume::Phase;

use super::origin::Origin;

impl Driver {
    /// Takes a snapshot, once for each name.
    pub(in crate::hostpath) fn create_snapshot(
        &self,
        request: v1::CreateSnapshotRequest,
    ) -> Result<v1::CreateSnapshotResponse, Error> {
        let name = limits::name("name", &request.name)?;
        let source = Id::required("source_volume_id", &request.source_volume_id)?;
        limits::map("parameters", &request.parameters)?;
        let id = Id::of_name(Object::Snapshot, name);
        let guard = self.snapshots.lock(&id, Share::Exclusive)?;
        let snapshot = match self.snapshots.find(&id)? {
            Some(there) if there.phase == Phase::Ready => {
                check_is(&there, &source)?;
                there
            }
            half => self.take_snapshot(guard, id, half, name, source)?,
        };
        Ok(v1::CreateSnapshotResponse {
            snapshot: Some(snapshot.wire()),
        })
    }

    fn take_snapshot(
        &self,
        guard: Guard,
        id: Id,
        half: Option<Snapshot>,
        name: &str,
        source: Id,
    ) -> Result<Snapshot, Error> {
        let take = || {
            // Nobody holds its lock, so its taking or removal was cut off.
            if let Some(half) = half {
                contents::remove(half.kind, &self.snapshot_data(&id))?;
            }
            let origin = self.volume_origin(&source)?;
            let mut snapshot = plan(id.clone(), name, source, &origin, None);
            self.snapshots.put(&guard, &snapshot)?;
            self.faults.recorded(Rpc::CreateSnapshot)?;
            let held = origin.hold()?;
            snapshot.created = Instant::now();
            origin.copy_held(&self.snapshot_data(&id))?;
            drop(held);
            snapshot.phase = Phase::Ready;
            self.snapshots.put(&guard, &snapshot)?;
            Ok(snapshot)
        };
        let taken = take();
        if taken.is_err() {
            self.take_snapshot_back(guard, &id);
        }
        taken
    }

    /// Removes a snapshot. One that is not there is removed.
    pub(in crate::hostpath) fn delete_snapshot(
        &self,
        request: v1::DeleteSnapshotRequest,
    ) -> Result<v1::DeleteSnapshotResponse, Error> {
        let id = Id::required("snapshot_id", &request.snapshot_id)?;
        let (guard, mut snapshot) = match self.snapshots.lock_known(&id, Share::Exclusive) {
            Err(Error::Unknown { .. }) => return Ok(v1::DeleteSnapshotResponse {}),
            locked => locked?,
        };
        if let Some(group) = &snapshot.group {
            return Err(Error::invalid(
                "snapshot_id",
                format!("is of group snapshot {group}, and is removed with it alone"),
            ));
        }
        snapshot.phase = Phase::Deleting;
        self.snapshots.put(&guard, &snapshot)?;
        self.faults.recorded(Rpc::DeleteSnapshot)?;
        self.remove_snapshot(guard, &snapshot)?;
        Ok(v1::DeleteSnapshotResponse {})
    }

    /// A page of the snapshots.
    pub(in crate::hostpath) fn list_snapshots(
        &self,
        request: v1::ListSnapshotsRequest,
    ) -> Result<v1::ListSnapshotsResponse, Error> {
        let asked = |filter: &str, id: &Id| filter.is_empty() || filter == id.as_str();
        let page =
            self.snapshots
                .page(&request.starting_token, request.max_entries, |snapshot| {
                    snapshot.phase == Phase::Ready
                        && asked(&request.snapshot_id, &snapshot.id)
                        && asked(&request.source_volume_id, &snapshot.source)
                })?;
        let entry = |snapshot: &Snapshot| Entry {
            snapshot: Some(snapshot.wire()),
        };
        Ok(v1::ListSnapshotsResponse {
            entries: page.records.iter().map(entry).collect(),
            next_token: page.next_token,
        })
    }

    /// One snapshot.
    pub(in crate::hostpath) fn get_snapshot(
        &self,
        request: v1::GetSnapshotRequest,
    ) -> Result<v1::GetSnapshotResponse, Error> {
        let id = Id::required("snapshot_id", &request.snapshot_id)?;
        match self.snapshots.get(&id)? {
            snapshot if snapshot.phase == Phase::Ready => Ok(v1::GetSnapshotResponse {
                snapshot: Some(snapshot.wire()),
            }),
            _ => Err(Records::<Snapshot>::unknown(&id)),
        }
    }

    /// Takes a snapshot away with its record, whole or half made.
    pub(in crate::hostpath) fn remove_snapshot(
        &self,
        guard: Guard,
        snapshot: &Snapshot,
    ) -> Result<(), Error> {
        contents::remove(snapshot.kind, &self.snapshot_data(&snapshot.id))?;
        self.snapshots.remove(guard, &snapshot.id)
    }

    /// Undoes a failed snapshot. If that fails too, the record says so.
    pub(in crate::hostpath) fn take_snapshot_back(&self, guard: Guard, id: &Id) {
        let taken = match self.snapshots.find(id) {
            Ok(Some(snapshot)) => self.remove_snapshot(guard, &snapshot),
            Ok(None) => guard.retire(),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            tracing::warn!(snapshot = %id, %error, "a half-made snapshot stays until the next start");
        }
    }
}

/// Whether a snapshot that bears the name is what is asked for.
fn check_is(snapshot: &Snapshot, source: &Id) -> Result<(), Error> {
    let why = match &snapshot.group {
        Some(group) => format!("it is of group snapshot {group}"),
        None if snapshot.source != *source => format!("it is of volume {}", snapshot.source),
        None => return Ok(()),
    };
    Err(Error::Exists {
        object: Object::Snapshot,
        id: snapshot.id.clone(),
        why,
    })
}

/// What a new snapshot is to be.
pub(in crate::hostpath) fn plan(
    id: Id,
    name: &str,
    source: Id,
    origin: &Origin,
    group: Option<Id>,
) -> Snapshot {
    Snapshot {
        id,
        name: name.to_owned(),
        phase: Phase::Creating,
        source,
        kind: origin.kind(),
        size: origin.size(),
        filesystem_size: origin.filesystem_size(),
        created: Instant::now(),
        group,
    }
}
