//! What is recorded of a snapshot, and of a group of them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::capacity;
use super::id::{Id, Object};
use super::kind::Kind;
use super::records::Record;
use super::volume::Phase;
use crate::csi::v1;

/// A snapshot: a copy of what a volume held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Snapshot {
    pub id: Id,
    pub name: String,
    pub phase: Phase,
    pub source: Id,
    pub kind: Kind,
    /// The capacity of the volume at that time, in bytes.
    pub size: u64,
    /// The volume's `filesystem_size` at that time.
    pub filesystem_size: u64,
    pub created: Instant,
    /// The group that it was taken with, and goes with.
    pub group: Option<Id>,
}

/// Snapshots that were taken together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Group {
    pub id: Id,
    pub name: String,
    pub phase: Phase,
    /// The volumes, sorted.
    pub sources: Vec<Id>,
    /// The snapshots, in the order of `sources`.
    pub snapshots: Vec<Id>,
    pub created: Instant,
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instant {
    /// Since 1970.
    pub seconds: i64,
    pub nanoseconds: i32,
}

impl Instant {
    /// Now. A clock that stands before 1970 is at its very beginning.
    pub(super) fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: i32::try_from(since.subsec_nanos()).unwrap_or_default(),
        }
    }

    pub(super) fn wire(self) -> prost_types::Timestamp {
        prost_types::Timestamp {
            seconds: self.seconds,
            nanos: self.nanoseconds,
        }
    }
}

impl Record for Snapshot {
    const OBJECT: Object = Object::Snapshot;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl Record for Group {
    const OBJECT: Object = Object::Group;

    fn id(&self) -> &Id {
        &self.id
    }
}

impl Snapshot {
    /// As CSI has it.
    pub(super) fn wire(&self) -> v1::Snapshot {
        v1::Snapshot {
            size_bytes: capacity::wire(self.size),
            snapshot_id: self.id.as_str().to_owned(),
            source_volume_id: self.source.as_str().to_owned(),
            creation_time: Some(self.created.wire()),
            ready_to_use: self.phase == Phase::Ready,
            group_snapshot_id: match &self.group {
                Some(group) => group.as_str().to_owned(),
                None => String::new(),
            },
        }
    }
}
