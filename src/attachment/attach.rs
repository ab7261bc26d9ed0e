//! Attaching: the Lease, the VolumeAttachment, and waiting for the driver.
//!
//! Each step looks at the world anew and does the one thing that is missing, so
//! it does not matter after which one a daemon died, or how often one is done.

use std::time::Duration;

use flex2csi_translators::attachment::{attachment_name, spec_digest};
use kube::api::PostParams;
use serde_json::Value;
use tokio::time::Instant;

use super::object::{Attachment, Failure, New};
use super::volume_attachments::{VolumeAttachments, failed};
use super::{AttachError, PublishContext, Wanted};
use crate::api_request::{FIELD_MANAGER, RequestError, request};

/// The first pause between two looks; each is twice the last one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause: drivers take seconds to attach.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How far it has come.
enum Step {
    Attached(PublishContext),
    /// Something was done; there is more to do.
    Done,
    Waits(Waits),
}

/// What is waited for.
enum Waits {
    /// The node that has let go of the volume, until it is detached there.
    OtherNode(String),
    /// An attachment that is being deleted.
    Deletion,
    /// The driver's attacher.
    Driver,
    /// The driver's attacher, which failed and tries again.
    Failed(Failure),
    /// The API server.
    ApiServer(RequestError),
}

impl VolumeAttachments {
    pub(super) async fn attach_volume(
        &self,
        wanted: &Wanted,
    ) -> Result<PublishContext, AttachError> {
        let deadline = Instant::now() + self.settings.patience;
        let attempt = Attempt {
            all: self,
            wanted,
            name: self.name_of(&wanted.volume),
            spec_digest: spec_digest(&wanted.inline_volume_spec),
            inline_volume_spec: inline_volume_spec(wanted)?,
        };
        let (mut has_lease, mut pause) = (false, FIRST_PAUSE);
        loop {
            let waits = match attempt.step(&mut has_lease).await {
                Ok(Step::Attached(context)) => return Ok(context),
                Ok(Step::Done) => continue,
                Ok(Step::Waits(waits)) => waits,
                Err(AttachError::Unavailable { reason, .. }) => {
                    Waits::ApiServer(RequestError::Unavailable(reason))
                }
                Err(error) => return Err(error),
            };
            if Instant::now() + pause > deadline {
                return Err(attempt.given_up(waits));
            }
            attempt.note(&waits);
            tokio::time::sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}

fn inline_volume_spec(wanted: &Wanted) -> Result<Value, AttachError> {
    serde_json::from_str(&wanted.inline_volume_spec).map_err(|error| AttachError::NotAccepted {
        handle: wanted.volume.handle.clone(),
        reason: format!("its inlineVolumeSpec is no JSON: {error}"),
    })
}

/// One call of `attach`.
struct Attempt<'a> {
    all: &'a VolumeAttachments,
    wanted: &'a Wanted,
    /// The attachment's.
    name: String,
    spec_digest: String,
    inline_volume_spec: Value,
}

impl Attempt<'_> {
    async fn step(&self, has_lease: &mut bool) -> Result<Step, AttachError> {
        if !*has_lease {
            match self.take_lease().await? {
                None => *has_lease = true,
                Some(step) => return Ok(step),
            }
        }
        let found = self.all.find(&self.name).await;
        match found.map_err(|error| self.failed(error))? {
            None => self.create().await,
            Some(found) => self.look_at(found).await,
        }
    }

    fn failed(&self, error: RequestError) -> AttachError {
        failed(&self.wanted.volume, error)
    }

    /// `None` once the Lease is this node's.
    async fn take_lease(&self) -> Result<Option<Step>, AttachError> {
        let (volume, leases) = (&self.wanted.volume, &self.all.leases);
        let name = self.all.lease_of(volume, self.wanted.is_shared);
        let taker = self.all.taker();
        let found = leases.find(&name).await;
        let Some(lease) = found.map_err(|error| self.failed(error))? else {
            self.is_not_originals().await?;
            return match leases.create(&name, volume, taker).await {
                Ok(()) => Ok(None),
                Err(RequestError::Conflict) => Ok(Some(Step::Done)),
                Err(error) => Err(self.failed(error)),
            };
        };
        if lease.volume != *volume {
            let reason = format!("its Lease {name} is that of {}", lease.volume.handle);
            return Err(self.failed(RequestError::Invalid(reason)));
        }
        if let Some(holder) = &lease.holder {
            if lease.is_released {
                if let Some(waits) = self.let_go(holder).await? {
                    return Ok(Some(Step::Waits(waits)));
                }
            } else if *holder != taker.node {
                return Err(AttachError::Elsewhere {
                    handle: volume.handle.clone(),
                    node: holder.clone(),
                });
            }
        }
        if lease.is_released || lease.holder.as_deref() != Some(taker.node) {
            self.is_not_originals().await?;
        }
        match leases.take(&lease, taker).await {
            Ok(()) => Ok(None),
            Err(RequestError::Conflict | RequestError::NotFound) => Ok(Some(Step::Done)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// That the original driver has the volume on no other node: it takes no Lease. What
    /// stands in a pod has no name by which it could be known there.
    async fn is_not_originals(&self) -> Result<(), AttachError> {
        let Some(persistent_volume) = &self.wanted.persistent_volume else {
            return Ok(());
        };
        if self.wanted.is_shared {
            return Ok(());
        }
        let volume = &self.wanted.volume;
        let originals = &self.all.originals;
        let found = originals.original_elsewhere(volume, persistent_volume);
        match found.await? {
            None => Ok(()),
            Some(on) => Err(AttachError::Original {
                handle: volume.handle.clone(),
                on,
            }),
        }
    }

    /// What is waited for before a Lease that was let go of can be taken: somebody is
    /// about to delete its attachment, or has.
    async fn let_go(&self, holder: &str) -> Result<Option<Waits>, AttachError> {
        let volume = &self.wanted.volume;
        let name = attachment_name(&volume.driver, &volume.handle, holder);
        let found = self.all.find(&name).await;
        let Some(found) = found.map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        if holder != self.all.settings.node {
            return Ok(Some(Waits::OtherNode(holder.to_owned())));
        }
        if let Some(other) = self.all.csi_volumes.csi_volume_with(volume).await? {
            return Err(self.other_volume(other));
        }
        if found.is_ours && found.names_volume.is_none() && !found.is_being_deleted {
            let deleted = self.all.delete(&found).await;
            deleted.map_err(|error| self.failed(error))?;
        }
        Ok(Some(Waits::Deletion))
    }

    /// A PersistentVolume in CSI form with the same handle is the attach/detach
    /// controller's: it would take the attachment over and delete it under us.
    async fn create(&self) -> Result<Step, AttachError> {
        let volume = &self.wanted.volume;
        if let Some(persistent_volume) = self.all.csi_volumes.csi_volume_with(volume).await? {
            return Err(self.other_volume(persistent_volume));
        }
        let new = New {
            name: &self.name,
            node: &self.all.settings.node,
            volume,
            persistent_volume: self.wanted.persistent_volume.as_deref(),
            inline_volume_spec: &self.inline_volume_spec,
            spec_digest: &self.spec_digest,
        };
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let created = request(self.all.attachments.create(&parameters, &new.object())).await;
        match created {
            Ok(_) => {
                tracing::info!(attachment = %self.name, handle = %volume.handle, "made the attachment");
                Ok(Step::Done)
            }
            Err(RequestError::Conflict) => Ok(Step::Done),
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn look_at(&self, found: Attachment) -> Result<Step, AttachError> {
        if found.is_being_deleted {
            return Ok(Step::Waits(Waits::Deletion));
        }
        let volume = &self.wanted.volume;
        if let Some(persistent_volume) = &found.names_volume {
            // Ours, rewritten: the attach/detach controller attaches it for the same claim.
            if self.wanted.persistent_volume.as_ref() != Some(persistent_volume) {
                return Err(self.other_volume(persistent_volume.clone()));
            }
        } else if !found.is_ours || found.volume.as_ref() != Some(volume) {
            let reason = format!(
                "VolumeAttachment {} was made by somebody else; delete it if nothing needs it",
                found.name
            );
            return Err(self.failed(RequestError::Invalid(reason)));
        } else if let Some(other) = self.all.csi_volumes.csi_volume_with(volume).await?
            && self.wanted.persistent_volume.as_ref() != Some(&other)
        {
            return Err(self.other_volume(other));
        }
        if let Some(context) = found.attached {
            return Ok(Step::Attached(context));
        }
        if found.names_volume.is_none() && found.spec_digest.as_ref() != Some(&self.spec_digest) {
            // What stands in it cannot be changed, and the driver has not made anything of it.
            tracing::info!(attachment = %found.name, "making the attachment anew: the volume's translation has changed");
            let deleted = self.all.delete(&found).await;
            deleted.map_err(|error| self.failed(error))?;
            return Ok(Step::Waits(Waits::Deletion));
        }
        let waits = found.attach_error.map_or(Waits::Driver, Waits::Failed);
        Ok(Step::Waits(waits))
    }

    fn other_volume(&self, persistent_volume: String) -> AttachError {
        AttachError::OtherVolume {
            handle: self.wanted.volume.handle.clone(),
            persistent_volume,
        }
    }

    fn note(&self, waits: &Waits) {
        let handle = &self.wanted.volume.handle;
        if let Waits::Failed(failure) = waits {
            tracing::debug!(%handle, attachment = %self.name, reason = %failure.message, "the driver has not attached yet");
        }
    }

    fn given_up(&self, waits: Waits) -> AttachError {
        let handle = self.wanted.volume.handle.clone();
        let attachment = self.name.clone();
        let not_yet = |reason: String| AttachError::NotYet {
            handle: handle.clone(),
            attachment: attachment.clone(),
            reason,
        };
        let driver = &self.wanted.volume.driver;
        match waits {
            Waits::Failed(failure) if failure.is_exhausted => AttachError::Refused {
                handle,
                reason: format!(
                    "node {} has as many volumes of {driver} as it can have: move a pod to another \
                     node ({})",
                    self.all.settings.node, failure.message
                ),
            },
            Waits::Failed(failure) => AttachError::Refused {
                handle,
                reason: failure.message,
            },
            Waits::OtherNode(node) => {
                not_yet(format!("node {node} has yet to be detached from it"))
            }
            Waits::Deletion => not_yet(format!(
                "the attacher of {driver} has yet to detach what was attached before"
            )),
            Waits::Driver => not_yet(format!(
                "the attacher of {driver} has not said anything; look whether it runs"
            )),
            Waits::ApiServer(error) => self.failed(error),
        }
    }
}
