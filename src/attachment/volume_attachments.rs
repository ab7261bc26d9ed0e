//! The attacher that works through the API server.

use std::sync::Arc;
use std::time::Duration;

use flex2csi_translators::attachment::{attachment_name, lease_name, shared_lease_name};
use k8s_openapi::api::core::v1::PersistentVolume;
use kube::api::{Api, DeleteParams, DynamicObject, Preconditions};

use super::lease::{Taker, VolumeLeases};
use super::object::{Attachment, attachments};
use super::{
    AttachError, Attacher, Attaching, CsiVolumes, Detached, Originals, PublishContext, Wanted,
    csi_volume,
};
use crate::api_request::{RequestError, find};
use crate::cluster::VolumeId;

/// What an attacher has to know of its node.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node's name.
    pub node: String,
    /// The namespace of the Leases: flex2csi's own.
    pub namespace: String,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// How long an attachment is waited for. Less than the caller waits, or it
    /// will not hear what went wrong.
    pub patience: Duration,
}

impl Settings {
    /// Leaves the daemon 20 s of the 110 s that it has of kubelet's two minutes.
    pub const PATIENCE: Duration = Duration::from_secs(90);
}

/// Attaches volumes to a node through VolumeAttachments, which the CSI driver's
/// own attacher acts on.
#[derive(Clone)]
pub struct VolumeAttachments {
    pub(super) attachments: Api<DynamicObject>,
    pub(super) leases: VolumeLeases,
    volumes: Api<PersistentVolume>,
    pub(super) csi_volumes: Arc<dyn CsiVolumes>,
    pub(super) originals: Arc<dyn Originals>,
    pub(super) settings: Arc<Settings>,
}

impl std::fmt::Debug for VolumeAttachments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VolumeAttachments")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl VolumeAttachments {
    /// Those of a node, with what knows of all others.
    #[must_use]
    pub fn new<C>(client: kube::Client, cluster: Arc<C>, settings: Settings) -> Self
    where
        C: CsiVolumes + Originals + 'static,
    {
        Self {
            attachments: attachments(client.clone()),
            leases: VolumeLeases::new(client.clone(), &settings.namespace),
            volumes: Api::all(client),
            csi_volumes: cluster.clone(),
            originals: cluster,
            settings: Arc::new(settings),
        }
    }

    /// The name of a volume's attachment to this node.
    pub(super) fn name_of(&self, volume: &VolumeId) -> String {
        attachment_name(&volume.driver, &volume.handle, &self.settings.node)
    }

    /// The name of the Lease that this node takes for a volume.
    pub(super) fn lease_of(&self, volume: &VolumeId, is_shared: bool) -> String {
        let VolumeId { driver, handle } = volume;
        if is_shared {
            shared_lease_name(driver, handle, &self.settings.node)
        } else {
            lease_name(driver, handle)
        }
    }

    pub(super) fn taker(&self) -> Taker<'_> {
        Taker {
            node: &self.settings.node,
            boot_id: &self.settings.boot_id,
        }
    }

    pub(super) async fn find(&self, name: &str) -> Result<Option<Attachment>, RequestError> {
        let found = find(self.attachments.get(name)).await?;
        Ok(found.as_ref().map(Attachment::of))
    }

    /// Whether a volume's PersistentVolume has been rewritten to CSI since it was
    /// attached. Unlike what [`CsiVolumes`] says of all others this is never old.
    pub(super) async fn is_rewritten(&self, seen: &Attachment) -> Result<bool, RequestError> {
        let Some(name) = &seen.legacy_volume else {
            return Ok(false);
        };
        let found = find(self.volumes.get(name)).await?;
        Ok(found.as_ref().and_then(csi_volume) == seen.volume)
    }

    /// Has an attachment deleted, if it still is the one that was seen.
    pub(super) async fn delete(&self, seen: &Attachment) -> Result<(), RequestError> {
        match find(self.attachments.delete(&seen.name, &exactly(seen))).await {
            // Another of the same name: what was to be deleted is gone.
            Ok(_) | Err(RequestError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Deletes that attachment and no later one of its name.
pub(crate) fn exactly(seen: &Attachment) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions {
            uid: Some(seen.uid.clone()),
            resource_version: None,
        }),
        ..DeleteParams::default()
    }
}

/// What a request's failure means for a volume.
pub(super) fn failed(volume: &VolumeId, error: RequestError) -> AttachError {
    let handle = volume.handle.clone();
    match error {
        RequestError::Forbidden(reason) => AttachError::Forbidden { handle, reason },
        RequestError::Invalid(reason) => AttachError::NotAccepted { handle, reason },
        error => AttachError::Unavailable {
            handle,
            reason: error.to_string(),
        },
    }
}

impl Attacher for VolumeAttachments {
    fn attach<'a>(&'a self, wanted: &'a Wanted) -> Attaching<'a, PublishContext> {
        Box::pin(self.attach_volume(wanted))
    }

    fn detach<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Detached> {
        Box::pin(self.detach_volume(volume))
    }

    fn hand_over<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, bool> {
        Box::pin(self.hand_over_volume(volume))
    }
}
