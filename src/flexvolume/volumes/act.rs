//! The acts of a mount, in their order. They are done by a task that holds the
//! locks of the target and of the volume, whoever still waits for them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use flex2csi_translators::csi_volume::Ownership;

use super::locks::Guard;
use super::prepare::{Prepared, of_volume};
use super::{CallContext, Inner, VolumeError, staging};
use crate::attachment::PublishContext;
use crate::cluster::VolumeId;
use crate::csi_client;
use crate::fault_points::{self as points, at};
use crate::node_record::{MountState, PendingOwnership, VolumeRecord};

/// The locks that an act holds: of the target, and of the volume.
pub(super) type Guards = (Arc<Guard<PathBuf>>, Guard<VolumeId>);

/// A mount that nothing is left to ask for.
pub(super) struct Act {
    pub inner: Arc<Inner>,
    pub prepared: Prepared,
    pub context: CallContext,
    pub guards: Guards,
    /// There for as long as somebody waits for the answer. Kubelet takes what it sees
    /// at the target for mounted once it may look, so nothing is taken away from there
    /// any more when nobody does.
    pub caller: Weak<()>,
}

impl Act {
    /// Mounts.
    pub async fn run(self) -> Result<(), VolumeError> {
        let Self {
            inner,
            prepared,
            context,
            guards,
            caller,
        } = self;
        let (target, pod) = (&prepared.mount.target, &prepared.mount.pod);
        let directory = inner.pod_directory(&pod.uid);
        if !is_there(&directory) {
            return Err(VolumeError::NoPod {
                uid: pod.uid.clone(),
                directory,
            });
        }
        at(points::RECORD_BEFORE);
        let before = inner.record.at(target).map(|entry| entry.state);
        inner.record.set_state(target, MountState::Uncertain);
        let known = inner.record.find(&prepared.id);
        let mut begun = Begun::of(known.as_deref(), target);
        // What a driver was at before a reboot it is not at any more.
        let is_now = known.is_some_and(|known| known.boot_id == inner.record.boot_id());
        begun.earlier = begun.publishing && is_now && before == Some(MountState::Uncertain);
        let record = inner.recorded(&prepared);
        if inner.record.find(&prepared.id).as_deref() != Some(&record) {
            inner.record.put(record.clone()).await?;
        }
        at(points::RECORD_AFTER);
        inner.changed();
        let mounted = inner.bring(&prepared, &record, &context, &mut begun).await;
        match mounted {
            Ok(()) => {
                inner.record.set_state(target, MountState::Published);
                inner.changed();
                tracing::info!(
                    request_id = %context.request_id, driver = %prepared.id.driver,
                    volume = %prepared.id.handle, pod = %format_args!("{}/{}", pod.namespace, pod.name),
                    target = %target.display(), "mounted"
                );
                Ok(())
            }
            Err(error) => {
                if error.is_final() && begun.is_over() && caller.strong_count() > 0 {
                    inner.undo(&prepared, begun, &error, &context, guards).await;
                } else {
                    tracing::warn!(
                        request_id = %context.request_id, volume = %prepared.id.handle,
                        target = %target.display(), %error,
                        "it is not known whether the volume is mounted; kubelet will ask again, \
                         or it is undone when the pod is gone"
                    );
                    if let Ownership::Mounter(_) = prepared.ownership {
                        tokio::spawn(inner.clone().follow_up(target.clone()));
                    }
                }
                Err(error)
            }
        }
    }
}

/// What there may be to undo: drivers are not asked to undo what they were never
/// asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    pub staging: bool,
    pub publishing: bool,
    /// Whether an earlier call may have asked the driver to publish, and the driver
    /// may still be at it.
    pub earlier: bool,
    /// Whether this call has asked it to.
    pub asked: bool,
}

impl Begun {
    /// What earlier calls may have done.
    fn of(known: Option<&VolumeRecord>, target: &Path) -> Self {
        Self {
            staging: known.is_some_and(|known| known.is_staged),
            publishing: known.is_some_and(|known| known.mount(target).is_some()),
            earlier: false,
            asked: false,
        }
    }

    /// Whether an error that is final says so of all that was asked of the driver: one
    /// that came before it was asked again says nothing of what it does yet.
    fn is_over(self) -> bool {
        !self.earlier || self.asked
    }
}

impl Inner {
    /// Where kubelet has what it has of a pod.
    pub(super) fn pod_directory(&self, uid: &str) -> PathBuf {
        self.settings.root.join("pods").join(uid)
    }

    /// What is to be recorded before a mount.
    fn recorded(&self, prepared: &Prepared) -> VolumeRecord {
        let known = self.record.find(&prepared.id);
        let boot_id = self.record.boot_id();
        let stays_staged = known.as_ref().is_some_and(|known| {
            let mut others = known.mounts.iter();
            let others = others.any(|mount| mount.target != prepared.mount.target);
            others && known.is_staged && known.boot_id == boot_id
        });
        let mut record = match known {
            Some(known) => (*known).clone(),
            None => {
                let driver = &prepared.legacy_driver;
                VolumeRecord::new(prepared.id.clone(), driver, boot_id.clone())
            }
        };
        record.boot_id = boot_id;
        if *record.legacy_driver != *prepared.legacy_driver {
            record.legacy_driver = prepared.legacy_driver.as_str().into();
        }
        record
            .persistent_volume
            .clone_from(&prepared.persistent_volume);
        record.fs_type.clone_from(&prepared.volume.fs_type);
        record.access_mode = prepared.access_mode();
        record
            .mount_flags
            .clone_from(&prepared.volume.mount_options);
        record.secrets = prepared.later_secrets();
        if !stays_staged {
            record.stage_group = prepared.mount_group();
        }
        record.is_staged |= prepared.capabilities.stage_unstage;
        record.is_attached |= prepared.attachment.is_some();
        record.ended.retain(|pod| *pod != prepared.mount.pod);
        record.add(prepared.mount.clone());
        record
    }

    /// Attaches, stages and publishes, and gives the files to the pod's group.
    async fn bring(
        &self,
        prepared: &Prepared,
        record: &VolumeRecord,
        context: &CallContext,
        begun: &mut Begun,
    ) -> Result<(), VolumeError> {
        let attached = self.attach(prepared, context).await?;
        // The controller attaches when the pod is bound to the node, which it may not have
        // done before.
        self.check_not_controllers(&prepared.legacy_driver).await?;
        let staging = match prepared.capabilities.stage_unstage {
            true => {
                begun.staging = true;
                Some(self.stage(prepared, record, &attached, context).await?)
            }
            false => None,
        };
        let pending = match prepared.ownership {
            Ownership::Mounter(group) => Some(PendingOwnership {
                target: prepared.mount.target.clone(),
                group,
                on_root_mismatch: prepared.on_root_mismatch,
                boot_id: self.record.boot_id(),
                tries: 1,
            }),
            Ownership::Kept | Ownership::Driver(_) => None,
        };
        if let Some(pending) = &pending {
            self.record.begin_ownership(pending.clone()).await?;
        }
        begun.publishing = true;
        begun.asked = true;
        at(points::PUBLISH_BEFORE);
        let request = prepared.publish(staging.as_deref(), attached);
        let published = csi_client::node_publish(&prepared.sockets.node, &request, context).await;
        published.map_err(of_volume(&prepared.id))?;
        at(points::PUBLISH_AFTER);
        if !self.is_mounted(&prepared.mount.target).await? {
            return Err(VolumeError::NotMounted {
                driver: prepared.id.driver.clone(),
                handle: prepared.id.handle.clone(),
                target: prepared.mount.target.to_path_buf(),
            });
        }
        at(points::OWNERSHIP_BEFORE);
        if let Some(pending) = pending {
            self.give(&pending)
                .await
                .map_err(|source| VolumeError::NotGiven {
                    handle: prepared.id.handle.clone(),
                    source: Box::new(source),
                })?;
        }
        at(points::OWNERSHIP_AFTER);
        Ok(())
    }

    /// Stages before each publish: what is mounted does not tell whether a volume
    /// is staged, as where a driver mounts below the staging path.
    async fn stage(
        &self,
        prepared: &Prepared,
        record: &VolumeRecord,
        attached: &PublishContext,
        context: &CallContext,
    ) -> Result<PathBuf, VolumeError> {
        let place = staging::Place::of(&self.settings.root, &prepared.id);
        let staging = place.make().await?;
        at(points::STAGE_DATA_AFTER);
        at(points::STAGE_BEFORE);
        let request = prepared.stage(&staging, record.stage_group, attached);
        let staged = csi_client::node_stage(&prepared.sockets.node, &request, context).await;
        staged.map_err(of_volume(&prepared.id))?;
        at(points::STAGE_AFTER);
        Ok(staging)
    }
}

/// Whether a directory of kubelet's is there. If it cannot be said, it is.
pub(super) fn is_there(directory: &Path) -> bool {
    let looked = directory.symlink_metadata();
    !looked.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}
