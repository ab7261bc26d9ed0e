//! Expanding a volume. The controller-manager has raised the PersistentVolume's
//! capacity without growing anything (kubernetes v1.36 `pkg/volume/plugins.go`,
//! `FindExpandablePluginBySpec`), so growing the volume itself falls to us too.

use std::path::Path;
use std::sync::Arc;

use super::act::Guards;
use super::mount::within;
use super::prepare::of_volume;
use super::secrets::of_cluster;
use super::staging::Place;
use super::{CallContext, Inner, Sockets, VolumeError, Volumes, requests};
use crate::csi::v1;
use crate::csi_client;
use crate::flexvolume::PodTarget;
use crate::node_record::VolumeRecord;

impl Volumes {
    /// Expands what is mounted at a target to a size in bytes: the volume, where its
    /// driver's controller can be reached, and what is on it.
    ///
    /// # Errors
    /// It is not expanded, or not known to be. It can be called again.
    pub async fn expand(
        &self,
        target: &PodTarget,
        bytes: u64,
        context: CallContext,
    ) -> Result<(), VolumeError> {
        let inner = &self.inner;
        let path: Arc<Path> = target.path.as_path().into();
        let locked = Arc::new(inner.lock_target(&path, context.deadline).await?);
        let Some(entry) = inner.record.at(&path) else {
            return Err(VolumeError::NotOurs {
                target: target.path.clone(),
            });
        };
        let volume = inner.lock_volume(&entry.volume, context.deadline).await?;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let deadline = context.deadline;
        let expanded = inner.clone().expand(path, bytes, context, (locked, volume));
        within(deadline, "the expansion", inner.acts.spawn(expanded)).await
    }
}

impl Inner {
    async fn expand(
        self: Arc<Self>,
        target: Arc<Path>,
        bytes: i64,
        context: CallContext,
        guards: Guards,
    ) -> Result<(), VolumeError> {
        let id = guards.1.key();
        let Some(record) = self.record.find(id) else {
            return Err(VolumeError::NotOurs {
                target: target.to_path_buf(),
            });
        };
        let sockets = self.find_sockets(&id.driver).await?;
        let capabilities = csi_client::node_capabilities(&sockets.node, &context).await;
        let capabilities = capabilities.map_err(of_volume(id))?;
        let grown = self
            .expand_volume(&record, &sockets, bytes, capabilities.expand, &context)
            .await?;
        if grown.needs_node && capabilities.expand {
            self.expand_on_node(&record, &sockets, &target, bytes, &context)
                .await?;
        }
        tracing::info!(
            request_id = %context.request_id, driver = %id.driver, volume = %id.handle, bytes,
            "expanded"
        );
        Ok(())
    }

    /// Grows the volume itself, as external-resizer does.
    async fn expand_volume(
        &self,
        record: &VolumeRecord,
        sockets: &Sockets,
        bytes: i64,
        node_expands: bool,
        context: &CallContext,
    ) -> Result<Grown, VolumeError> {
        let id = &*record.volume;
        let rewrite_first = |reason: &str| VolumeError::RewriteFirst {
            handle: id.handle.clone(),
            what: match &record.persistent_volume {
                Some(name) => format!("PersistentVolume {name}"),
                None => "the volume of its pod".to_owned(),
            },
            reason: reason.to_owned(),
        };
        let no_controller = "the CSI driver's controller is not reached from this node, which would have to grow it";
        let Some(controller) = &sockets.controller else {
            return Err(rewrite_first(no_controller));
        };
        let can_expand = csi_client::can_expand(controller, context).await;
        match can_expand.map_err(of_volume(id))? {
            Some(true) => {}
            None => return Err(rewrite_first(no_controller)),
            // Such a driver grows all on the node.
            Some(false) if node_expands => return Ok(Grown { needs_node: true }),
            Some(false) => return Err(rewrite_first("its CSI driver does not expand volumes")),
        }
        let secret = record.secrets.controller_expand.as_ref();
        let request = v1::ControllerExpandVolumeRequest {
            volume_id: id.handle.clone(),
            capacity_range: requests::at_least(bytes),
            secrets: of_cluster(&*self.settings.cluster, secret).await?,
            volume_capability: Some(requests::recorded_capability(record)),
        };
        let grown = csi_client::controller_expand(controller, &request, context).await;
        let grown = grown.map_err(of_volume(id))?;
        check_size(record, grown.capacity_bytes, bytes)?;
        Ok(Grown {
            needs_node: grown.node_expansion_required,
        })
    }

    /// Grows what is on it.
    async fn expand_on_node(
        &self,
        record: &VolumeRecord,
        sockets: &Sockets,
        target: &Path,
        bytes: i64,
        context: &CallContext,
    ) -> Result<(), VolumeError> {
        let id = &*record.volume;
        let staging = match record.is_staged {
            true => requests::path(&Place::of(&self.settings.root, id).path()),
            false => String::new(),
        };
        let secret = record.secrets.node_expand.as_ref();
        let request = v1::NodeExpandVolumeRequest {
            volume_id: id.handle.clone(),
            volume_path: requests::path(target),
            capacity_range: requests::at_least(bytes),
            staging_target_path: staging,
            volume_capability: Some(requests::recorded_capability(record)),
            secrets: of_cluster(&*self.settings.cluster, secret).await?,
        };
        let grown = csi_client::node_expand(&sockets.node, &request, context).await;
        let grown = grown.map_err(of_volume(id))?;
        check_size(record, grown.capacity_bytes, bytes)
    }
}

/// What became of the volume itself.
struct Grown {
    needs_node: bool,
}

/// Zero says nothing (CSI 1.12, `NodeExpandVolumeResponse`).
fn check_size(record: &VolumeRecord, got: i64, wanted: i64) -> Result<(), VolumeError> {
    if got == 0 || got >= wanted {
        return Ok(());
    }
    Err(VolumeError::Small {
        handle: record.volume.handle.clone(),
        got,
        wanted,
    })
}
