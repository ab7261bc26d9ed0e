//! VolumeAttachments. They are read and written as JSON: what a newer API server
//! or a newer mapping has in them is kept.

use std::collections::BTreeMap;

use k8s_openapi::api::storage::v1::VolumeAttachment;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use serde_json::{Value, json};

use super::PublishContext;
use crate::api_request::MANAGED_BY;
use crate::cluster::VolumeId;

/// The program's own name in labels.
pub const FLEX2CSI: &str = "flex2csi";

/// Selects what flex2csi made.
pub const OURS: &str = "app.kubernetes.io/managed-by=flex2csi";

/// The annotation with the CSI driver.
pub const DRIVER: &str = "flex2csi.io/driver";

/// The annotation with the `volumeHandle`.
pub const HANDLE: &str = "flex2csi.io/volume-handle";

/// The annotation with the PersistentVolume in legacy form.
pub const PERSISTENT_VOLUME: &str = "flex2csi.io/persistent-volume";

/// The annotation with the digest of what the attachment was made of: the API
/// server adds defaults to that, so the two cannot be compared.
const SPEC_DIGEST: &str = "flex2csi.io/inline-volume-spec-sha256";

/// Access to VolumeAttachments.
#[must_use]
pub fn attachments(client: Client) -> Api<DynamicObject> {
    Api::all_with(client, &ApiResource::erase::<VolumeAttachment>(&()))
}

/// A VolumeAttachment, as far as it counts here.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Whether flex2csi made it.
    pub is_ours: bool,
    /// Whether it is deleted, and its driver has yet to detach.
    pub is_being_deleted: bool,
    /// `spec.nodeName`.
    pub node: String,
    /// What is attached; `None` where it names a PersistentVolume.
    pub volume: Option<VolumeId>,
    /// The PersistentVolume that it names, as the attach/detach controller does.
    pub names_volume: Option<String>,
    /// The PersistentVolume in legacy form for which flex2csi made it.
    pub legacy_volume: Option<String>,
    /// The digest of the `inlineVolumeSpec` that flex2csi gave it.
    pub spec_digest: Option<String>,
    /// `status.attachmentMetadata`, once it is attached.
    pub attached: Option<PublishContext>,
    /// `status.attachError`.
    pub attach_error: Option<Failure>,
}

/// What a driver's attacher said of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its message.
    pub message: String,
    /// Whether the node has as many volumes as it can have.
    pub is_exhausted: bool,
}

/// `errorCode` of CSI's RESOURCE_EXHAUSTED (gRPC).
const RESOURCE_EXHAUSTED: i64 = 8;

impl Attachment {
    /// Reads one.
    #[must_use]
    pub fn of(object: &DynamicObject) -> Self {
        let (metadata, data) = (&object.metadata, &object.data);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let label = metadata.labels.as_ref().and_then(|all| all.get(MANAGED_BY));
        let annotations = metadata.annotations.as_ref();
        let source = &data["spec"]["source"];
        let csi = &source["inlineVolumeSpec"]["csi"];
        let volume = text(&data["spec"]["attacher"])
            .zip(text(&csi["volumeHandle"]))
            .map(|(driver, handle)| VolumeId { driver, handle });
        let status = &data["status"];
        let is_attached = status["attached"] == true;
        Self {
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            is_ours: label.is_some_and(|value| value == FLEX2CSI),
            is_being_deleted: metadata.deletion_timestamp.is_some(),
            node: text(&data["spec"]["nodeName"]).unwrap_or_default(),
            volume,
            names_volume: text(&source["persistentVolumeName"]),
            legacy_volume: annotations.and_then(|all| all.get(PERSISTENT_VOLUME).cloned()),
            spec_digest: annotations.and_then(|all| all.get(SPEC_DIGEST).cloned()),
            attached: is_attached.then(|| publish_context(&status["attachmentMetadata"])),
            attach_error: failure(&status["attachError"]),
        }
    }
}

fn publish_context(metadata: &Value) -> PublishContext {
    let members = metadata.as_object().into_iter().flatten();
    members
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn failure(error: &Value) -> Option<Failure> {
    let message = error.get("message")?.as_str()?.to_owned();
    // The code itself is there from Kubernetes 1.34 on (MutableCSINodeAllocatableCount).
    let is_exhausted =
        error["errorCode"] == RESOURCE_EXHAUSTED || message.contains("ResourceExhausted");
    Some(Failure {
        message,
        is_exhausted,
    })
}

/// What a VolumeAttachment of ours is made of.
pub(super) struct New<'a> {
    pub name: &'a str,
    pub node: &'a str,
    pub volume: &'a VolumeId,
    pub persistent_volume: Option<&'a str>,
    pub inline_volume_spec: &'a Value,
    pub spec_digest: &'a str,
}

impl New<'_> {
    /// The object.
    pub fn object(&self) -> DynamicObject {
        let VolumeId { driver, handle } = self.volume;
        let resource = ApiResource::erase::<VolumeAttachment>(&());
        let mut object = DynamicObject::new(self.name, &resource).data(json!({
            "spec": {
                "attacher": driver,
                "nodeName": self.node,
                "source": { "inlineVolumeSpec": self.inline_volume_spec },
            },
        }));
        let ours = [(MANAGED_BY.to_owned(), FLEX2CSI.to_owned())];
        object.metadata.labels = Some(ours.into());
        let said = [
            (DRIVER, driver.as_str()),
            (HANDLE, handle),
            (SPEC_DIGEST, self.spec_digest),
        ];
        let said = said.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut annotations = BTreeMap::from(said);
        if let Some(name) = self.persistent_volume {
            annotations.insert(PERSISTENT_VOLUME.to_owned(), name.to_owned());
        }
        object.metadata.annotations = Some(annotations);
        object
    }
}
