//! The Lease of a volume: which node has it. VolumeAttachments have their node in
//! their names, so two nodes could each make one.
//!
//! It is taken before the attachment is made. A volume that several nodes may have
//! at a time has one for each node, for what follows.
//!
//! Who lets go marks the Lease and then deletes the attachment: the holder itself,
//! or `flex2csi controller` for it. A marked Lease's attachment is never used
//! again: who wants the volume next, be it the holder itself, waits until it is
//! gone. Then whoever sees that first frees the Lease or takes it. Each writes with
//! the resourceVersion that it read before it looked at the attachment, so that no
//! attachment is deleted, and no Lease freed, under a holder that attaches anew.

use std::collections::BTreeMap;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DeleteParams, PostParams, Preconditions};

use super::object::{DRIVER, FLEX2CSI, HANDLE};
use crate::api_request::{FIELD_MANAGER, MANAGED_BY, RequestError, find, request};
use crate::cluster::VolumeId;

/// The annotation of a Lease whose holder has let go of the volume.
const RELEASED: &str = "flex2csi.io/released";

/// The annotation with the boot of the holder in which it took the Lease.
const BOOT_ID: &str = "flex2csi.io/boot-id";

/// A volume's Lease as it was read.
#[derive(Debug, Clone)]
pub struct VolumeLease {
    object: Lease,
    /// The volume.
    pub volume: VolumeId,
    /// The node that has it; none if it is nobody's.
    pub holder: Option<String>,
    /// Whether the holder has let go of it.
    pub is_released: bool,
    /// The boot of the holder in which it took the Lease.
    pub boot_id: String,
    /// When the holder took it, or last attached again, by its clock.
    pub taken: Option<Timestamp>,
}

impl VolumeLease {
    /// Reads one; `None` if it is not a volume's.
    #[must_use]
    pub fn of(object: Lease) -> Option<Self> {
        let annotations = object.metadata.annotations.as_ref()?;
        let volume = VolumeId {
            driver: annotations.get(DRIVER)?.clone(),
            handle: annotations.get(HANDLE)?.clone(),
        };
        let spec = object.spec.as_ref()?;
        let holder = spec.holder_identity.clone();
        Some(Self {
            volume,
            holder: holder.filter(|holder| !holder.is_empty()),
            is_released: annotations.contains_key(RELEASED),
            taken: spec.renew_time.as_ref().map(|time| time.0),
            boot_id: annotations.get(BOOT_ID).cloned().unwrap_or_default(),
            object,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// Which writing of it this is.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        let version = self.object.metadata.resource_version.as_deref();
        version.unwrap_or_default()
    }
}

/// The Leases of volumes.
#[derive(Clone)]
pub struct VolumeLeases {
    api: Api<Lease>,
}

impl std::fmt::Debug for VolumeLeases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VolumeLeases").finish_non_exhaustive()
    }
}

/// Who takes a Lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker<'a> {
    pub node: &'a str,
    pub boot_id: &'a str,
}

impl VolumeLeases {
    /// Those in a namespace.
    #[must_use]
    pub fn new(client: kube::Client, namespace: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
        }
    }

    /// The Lease with a name.
    ///
    /// # Errors
    /// It cannot be read, or is not a volume's.
    pub async fn find(&self, name: &str) -> Result<Option<VolumeLease>, RequestError> {
        let Some(found) = find(self.api.get(name)).await? else {
            return Ok(None);
        };
        match VolumeLease::of(found) {
            Some(lease) => Ok(Some(lease)),
            None => Err(RequestError::Invalid(format!(
                "Lease {name} does not say which volume it is of; delete it if nobody needs it"
            ))),
        }
    }

    /// Makes a volume's Lease, held by `taker`.
    ///
    /// # Errors
    /// [`RequestError::Conflict`] if it has one.
    pub(super) async fn create(
        &self,
        name: &str,
        volume: &VolumeId,
        taker: Taker<'_>,
    ) -> Result<(), RequestError> {
        let VolumeId { driver, handle } = volume;
        let annotations = [(DRIVER, driver), (HANDLE, handle)];
        let mut lease = Lease {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some([(MANAGED_BY.to_owned(), FLEX2CSI.to_owned())].into()),
                annotations: Some(
                    annotations
                        .map(|(key, value)| (key.to_owned(), value.clone()))
                        .into(),
                ),
                ..ObjectMeta::default()
            },
            spec: None,
        };
        write_taker(&mut lease, taker);
        request(self.api.create(&parameters(), &lease)).await?;
        Ok(())
    }

    /// Gives a Lease to `taker`, or writes that he still wants it.
    ///
    /// # Errors
    /// [`RequestError::Conflict`] if it has changed since it was read.
    pub(super) async fn take(
        &self,
        lease: &VolumeLease,
        taker: Taker<'_>,
    ) -> Result<(), RequestError> {
        let mut object = lease.object.clone();
        annotations(&mut object).remove(RELEASED);
        write_taker(&mut object, taker);
        request(self.api.replace(lease.name(), &parameters(), &object)).await?;
        Ok(())
    }

    /// Marks a Lease: its holder has let go of the volume.
    ///
    /// # Errors
    /// [`RequestError::Conflict`] if it has changed since it was read.
    pub async fn mark_released(&self, lease: &VolumeLease) -> Result<(), RequestError> {
        if lease.is_released {
            return Ok(());
        }
        let mut object = lease.object.clone();
        annotations(&mut object).insert(RELEASED.to_owned(), "true".to_owned());
        request(self.api.replace(lease.name(), &parameters(), &object)).await?;
        Ok(())
    }

    /// Deletes a Lease, if it still is as it was read.
    ///
    /// # Errors
    /// [`RequestError::Conflict`] if it is not.
    pub async fn free(&self, lease: &VolumeLease) -> Result<(), RequestError> {
        let metadata = &lease.object.metadata;
        let exactly = DeleteParams {
            preconditions: Some(Preconditions {
                uid: metadata.uid.clone(),
                resource_version: metadata.resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        find(self.api.delete(lease.name(), &exactly)).await?;
        Ok(())
    }
}

fn parameters() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

fn annotations(lease: &mut Lease) -> &mut BTreeMap<String, String> {
    lease.metadata.annotations.get_or_insert_default()
}

fn write_taker(lease: &mut Lease, taker: Taker<'_>) {
    annotations(lease).insert(BOOT_ID.to_owned(), taker.boot_id.to_owned());
    let now = MicroTime(Timestamp::now());
    let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
    if spec.holder_identity.as_deref() != Some(taker.node) {
        spec.holder_identity = Some(taker.node.to_owned());
        spec.acquire_time = Some(now.clone());
    }
    // It does not run out: this makes each taking a writing of its own, and tells what was
    // published before it from what was published after.
    spec.renew_time = Some(now);
}
