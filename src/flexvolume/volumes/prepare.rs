//! All that has to be known before anything is done.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use flex2csi_translators::csi_volume::{CsiVolume, Ownership, OwnershipPolicy, POD_INFO};
use tokio::time::Instant;

use super::holders::is_held_here;
use super::locks::Guard;
use super::secrets::Sources;
use super::staging::blocking;
use super::translation::{described, secret_name, translate};
use super::{CallContext, Inner, MountCall, Sockets, VolumeError};
use crate::attachment::Wanted;
use crate::cluster::{
    CalledVolume, CsiDriver, FoundVolume, FsGroupChangePolicy, FsGroupPolicy, PodName, VolumeId,
    VolumeSource,
};
use crate::csi_client::{self, NodeCapabilities};
use crate::node_record::{Mount, NodeRecord, SecretNames};

/// What a mount is made of.
pub(super) struct Prepared {
    pub id: VolumeId,
    pub volume: CsiVolume,
    pub legacy_driver: String,
    /// `None` for one that stands in its pod.
    pub persistent_volume: Option<String>,
    pub mount: Mount,
    pub sockets: Sockets,
    pub capabilities: NodeCapabilities,
    pub ownership: Ownership,
    pub on_root_mismatch: bool,
    /// `None` where the driver needs no attachment.
    pub attachment: Option<Wanted>,
    pub stage_secrets: BTreeMap<String, String>,
    pub publish_secrets: BTreeMap<String, String>,
    /// Attributes, and what the driver is told of the pod.
    pub publish_attributes: BTreeMap<String, String>,
}

impl Prepared {
    /// The number of the access mode in the volume's capability.
    pub fn access_mode(&self) -> i32 {
        let mode = self.volume.access_mode();
        mode.csi(self.capabilities.single_node_multi_writer)
            .number()
    }

    /// The Secrets of calls that come later.
    pub fn later_secrets(&self) -> SecretNames {
        let refs = &self.volume.secrets;
        SecretNames {
            controller_expand: refs.controller_expand.clone().map(secret_name),
            node_expand: refs.node_expand.clone().map(secret_name),
        }
    }
}

impl Inner {
    /// Asks for all that a mount needs.
    pub(super) async fn prepare(
        &self,
        call: &MountCall,
        target: Arc<Path>,
        context: &CallContext,
    ) -> Result<Prepared, VolumeError> {
        let options = &call.options;
        let Some(pod) = options.pod.clone() else {
            let what = "kubernetes.io/pod.uid";
            return Err(VolumeError::Incomplete { what });
        };
        if !self.record.is_target(&target, &pod.uid, &call.driver) {
            return Err(VolumeError::NoTarget {
                target: target.to_path_buf(),
                uid: pod.uid,
            });
        }
        let called = CalledVolume {
            pod: pod.clone(),
            // Kubernetes up to 1.5 does not say it; the path does.
            volume: options
                .volume
                .as_ref()
                .unwrap_or(&call.target.volume)
                .clone(),
            driver: call.driver.clone(),
            options: options.own.clone(),
        };
        let cluster = &*self.settings.cluster;
        let found = cluster.volume(&called).await?;
        let name = &called.volume;
        let knowledge = self.knowledge();
        let translated = translate(&found.source, &pod, name, &options.secret, &knowledge)?;
        let id = VolumeId {
            driver: translated.volume.driver.clone(),
            handle: translated.volume.handle.clone(),
        };
        let what = described(&found.source, &pod, name);
        if !NodeRecord::is_driver(&id.driver) {
            let reason = format!("{:?} is no name of a CSI driver", id.driver);
            return Err(VolumeError::Untranslatable { what, reason });
        }
        self.record.check(&id).await?;
        self.check_not_kubelets(&id).await?;
        let driver = cluster.csi_driver(&id.driver).await?;
        if driver.attach_required {
            self.check_not_controllers(&call.driver).await?;
        }
        if driver.attach_required && self.settings.attacher.is_none() {
            return Err(VolumeError::NoAttacher { driver: id.driver });
        }
        let sockets = self.find_sockets(&id.driver).await?;
        let capabilities = csi_client::node_capabilities(&sockets.node, context).await;
        let capabilities = capabilities.map_err(of_volume(&id))?;

        let is_inline = matches!(found.source, VolumeSource::Inline { .. });
        let sources = Sources {
            cluster,
            translated: &translated,
            called: &options.secret,
            inline: is_inline.then_some(what.as_str()),
        };
        let refs = &translated.volume.secrets;
        let stage_secrets = if capabilities.stage_unstage {
            sources.values(refs.node_stage.as_ref()).await?
        } else {
            BTreeMap::new()
        };
        let publish_secrets = sources.values(refs.node_publish.as_ref()).await?;

        let persistent_volume = (!is_inline).then(|| name.clone());
        let attachment = match driver.attach_required {
            true => Some(Wanted {
                volume: id.clone(),
                persistent_volume: persistent_volume.clone(),
                inline_volume_spec: translated.attachment_spec?,
                is_shared: translated.volume.is_shared(),
            }),
            false => None,
        };
        let volume = translated.volume;
        let ownership = volume.ownership(
            options.fs_group,
            options.read_only,
            policy(driver.fs_group_policy),
            capabilities.volume_mount_group,
        );
        let mut publish_attributes = volume.attributes.clone();
        if driver.pod_info_on_mount {
            let account = match found.service_account.as_str() {
                "" => options.service_account.clone().unwrap_or_default(),
                account => account.to_owned(),
            };
            publish_attributes.extend(pod_info(&pod, account));
        }
        warn_of(&driver, &id);
        Ok(Prepared {
            id,
            volume,
            legacy_driver: call.driver.clone(),
            persistent_volume,
            mount: Mount {
                target,
                pod,
                read_only: options.read_only,
                since: now(),
            },
            sockets,
            capabilities,
            ownership,
            on_root_mismatch: is_on_root_mismatch(&found),
            attachment,
            stage_secrets,
            publish_secrets,
            publish_attributes,
        })
    }

    /// That kubelet's CSI plugin has not the volume: both would stage it at one path,
    /// and kubelet unstages without asking.
    async fn check_not_kubelets(&self, id: &VolumeId) -> Result<(), VolumeError> {
        let (root, held) = (self.settings.root.clone(), id.clone());
        let is_held = blocking(&self.settings.root, move || {
            is_held_here(&root, &held).map_err(VolumeError::io("look through", &root))
        });
        match is_held.await? {
            true => Err(VolumeError::InUseByCsi {
                handle: id.handle.clone(),
            }),
            false => Ok(()),
        }
    }

    /// The sockets of a driver.
    pub(super) async fn find_sockets(&self, driver: &str) -> Result<Sockets, VolumeError> {
        let found = self.settings.backends.find(driver).await;
        found.map_err(|reason| VolumeError::NoBackend {
            driver: driver.to_owned(),
            reason,
        })
    }

    /// The lock of a target.
    pub(super) async fn lock_target(
        &self,
        target: &Path,
        deadline: Instant,
    ) -> Result<Guard<std::path::PathBuf>, VolumeError> {
        let locked = self.targets.take(&target.to_owned(), deadline).await;
        locked.ok_or_else(|| VolumeError::UnderWay {
            what: target.display().to_string(),
        })
    }

    /// The lock of a volume.
    pub(super) async fn lock_volume(
        &self,
        id: &VolumeId,
        deadline: Instant,
    ) -> Result<Guard<VolumeId>, VolumeError> {
        let locked = self.volumes.take(id, deadline).await;
        locked.ok_or_else(|| VolumeError::UnderWay {
            what: format!("volume {}", id.handle),
        })
    }
}

/// Says which volume a call to its driver was about.
pub(super) fn of_volume(id: &VolumeId) -> impl FnOnce(csi_client::CsiError) -> VolumeError {
    let handle = id.handle.clone();
    move |source| VolumeError::Csi { handle, source }
}

fn policy(policy: FsGroupPolicy) -> OwnershipPolicy {
    match policy {
        FsGroupPolicy::ReadWriteOnceWithFsType => OwnershipPolicy::ReadWriteOnceWithFsType,
        FsGroupPolicy::File => OwnershipPolicy::File,
        FsGroupPolicy::None => OwnershipPolicy::None,
    }
}

fn is_on_root_mismatch(found: &FoundVolume) -> bool {
    found.fs_group_change_policy == FsGroupChangePolicy::OnRootMismatch
}

fn pod_info(pod: &PodName, account: String) -> impl Iterator<Item = (String, String)> {
    let values = [
        pod.name.clone(),
        pod.namespace.clone(),
        pod.uid.clone(),
        account,
        // As of any PersistentVolume; an inline FlexVolume is none of CSI's own.
        "false".to_owned(),
    ];
    let keys = POD_INFO.into_iter().map(str::to_owned);
    keys.zip(values)
}

fn warn_of(driver: &CsiDriver, id: &VolumeId) {
    if driver.requires_republish {
        tracing::warn!(
            driver = %id.driver, volume = %id.handle,
            "the CSI driver wants its volumes published again and again, which is not done for \
             FlexVolumes: what it renews there goes stale"
        );
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
