//! What a rewrite asks of the API server, in so few words that tests can answer.

use std::fmt;
use std::time::Duration;

use flex2csi_translators::rewrite::{Action, ClaimId, ObjectKind, Use};
use serde_json::Value;

use super::used::Subject;

/// The API server.
pub trait Api: Sync {
    /// Makes one call, once.
    fn call(&self, call: Call) -> impl Future<Output = Result<Value, Failure>> + Send;

    /// Who uses an object, as of now.
    fn used(&self, subject: &Subject<'_>) -> impl Future<Output = Result<Use, Failure>> + Send;

    /// Waits until an object may have changed from the version that is known, for
    /// `longest` at most; whether there is a newer [`Self::glimpse`] of it.
    fn moved(
        &self,
        place: &Place,
        known: &str,
        longest: Duration,
    ) -> impl Future<Output = bool> + Send {
        let _ = (place, known);
        async move {
            tokio::time::sleep(longest).await;
            false
        }
    }

    /// What one who watches was told last of an object, if that is newer than what is
    /// known. Nothing is asked for it.
    fn glimpse(&self, place: &Place, known: &str) -> Option<Glimpse> {
        let _ = (place, known);
        None
    }

    /// Is told what is seen and about to be done, for progress.
    fn seen(&self, sight: &Sight<'_>) {
        let _ = sight;
    }
}

/// What a watch told of an object. It was so, and may not be so any more.
#[derive(Debug, Clone, PartialEq)]
pub enum Glimpse {
    /// It was like this.
    There(Value),
    /// It was gone.
    Gone,
}

impl From<Glimpse> for Option<Value> {
    fn from(glimpse: Glimpse) -> Self {
        match glimpse {
            Glimpse::There(object) => Some(object),
            Glimpse::Gone => None,
        }
    }
}

/// How things are with one object.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: &'a str,
    /// Whether it is there, deleted or not.
    pub is_there: bool,
    /// Its claim's phase, empty without one.
    pub claim: &'a str,
    /// What is done next.
    pub next: &'a Action,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What to do.
    pub verb: Verb,
    /// With what.
    pub place: Place,
    /// What is sent: the object, the JSON merge patch, or `DeleteOptions`.
    pub body: Option<Value>,
    /// Whether the server only checks it.
    pub dry_run: bool,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Reads from etcd.
    Get,
    /// Creates, and never replaces.
    Create,
    /// Changes by a JSON merge patch, which has the resourceVersion.
    Patch,
    /// Deletes under preconditions.
    Delete,
}

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its resource.
    pub resource: Resource,
    /// Its namespace, empty without one.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The resources that a rewrite touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// `persistentvolumes`
    PersistentVolume,
    /// `persistentvolumeclaims`
    Claim,
    /// `storageclasses`
    StorageClass,
    /// `volumemigrations`
    Migration,
    /// `volumemigrations/status`
    MigrationStatus,
    /// `events`
    Event,
    /// `pods`
    Pod,
    /// `nodes`
    Node,
    /// `volumeattachments`
    Attachment,
    /// `nodevolumes`
    NodeVolumes,
}

impl From<ObjectKind> for Resource {
    fn from(kind: ObjectKind) -> Self {
        match kind {
            ObjectKind::PersistentVolume => Self::PersistentVolume,
            ObjectKind::StorageClass => Self::StorageClass,
        }
    }
}

impl Resource {
    fn kind(self) -> &'static str {
        match self {
            Self::PersistentVolume => "PersistentVolume",
            Self::Claim => "PersistentVolumeClaim",
            Self::StorageClass => "StorageClass",
            Self::Migration | Self::MigrationStatus => "VolumeMigration",
            Self::Event => "Event",
            Self::Pod => "Pod",
            Self::Node => "Node",
            Self::Attachment => "VolumeAttachment",
            Self::NodeVolumes => "NodeVolumes",
        }
    }
}

impl Place {
    /// The place of an object that is in no namespace.
    pub fn of_cluster(resource: Resource, name: impl Into<String>) -> Self {
        Self {
            resource,
            namespace: String::new(),
            name: name.into(),
        }
    }

    /// The place of a claim.
    pub fn of_claim(claim: &ClaimId) -> Self {
        Self {
            resource: Resource::Claim,
            namespace: claim.namespace.clone(),
            name: claim.name.clone(),
        }
    }

    /// The path of the collection, below the server's address.
    pub fn collection(&self) -> String {
        let (group, plural) = match self.resource {
            Resource::PersistentVolume => ("/api/v1", "persistentvolumes"),
            Resource::Claim => ("/api/v1", "persistentvolumeclaims"),
            Resource::Event => ("/api/v1", "events"),
            Resource::Pod => ("/api/v1", "pods"),
            Resource::Node => ("/api/v1", "nodes"),
            Resource::Attachment => ("/apis/storage.k8s.io/v1", "volumeattachments"),
            Resource::NodeVolumes => ("/apis/flex2csi.io/v1alpha1", "nodevolumes"),
            Resource::StorageClass => ("/apis/storage.k8s.io/v1", "storageclasses"),
            Resource::Migration | Resource::MigrationStatus => {
                ("/apis/flex2csi.io/v1alpha1", "volumemigrations")
            }
        };
        if self.namespace.is_empty() {
            format!("{group}/{plural}")
        } else {
            format!("{group}/namespaces/{}/{plural}", self.namespace)
        }
    }

    /// The path of the object.
    pub fn path(&self) -> String {
        let end = match self.resource {
            Resource::MigrationStatus => "/status",
            _ => "",
        };
        format!("{}/{}{end}", self.collection(), self.name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource.kind())?;
        f.write_str(" ")?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// Why a call was not answered with an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no such object, or no such resource. Nothing was done.
    #[error("{0}")]
    NotFound(String),
    /// The world is not as the call requires, or the name is taken. Nothing was done.
    #[error("{0}")]
    Conflict(String),
    /// The server has too much to do. Nothing was done.
    #[error("the API server has too much to do")]
    Busy {
        /// How long it wants to be left alone.
        after: Option<Duration>,
    },
    /// The server does not want it, and will not next time. Nothing was done.
    #[error("{message} (HTTP status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// Nobody knows whether it was done.
    #[error("{0}")]
    Unknown(String),
}
