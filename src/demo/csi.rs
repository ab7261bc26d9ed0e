//! What kubelet and the sidecars call of a CSI driver.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tonic::transport::{Channel, Endpoint};

use super::kubelet::text;
use crate::csi::v1;
use v1::controller_client::ControllerClient;
use v1::node_client::NodeClient;
use v1::volume_capability::{AccessMode, AccessType, MountVolume, access_mode::Mode};
use v1::volume_content_source::{SnapshotSource, Type};

/// A volume as its driver knows it.
#[derive(Debug, Clone)]
pub(super) struct CsiVolume {
    pub id: String,
    pub context: BTreeMap<String, String>,
}

/// A driver's socket, reached again after the driver was killed.
#[derive(Debug)]
pub(super) struct Csi {
    channel: Channel,
}

impl Csi {
    pub fn new(socket: &Path) -> anyhow::Result<Self> {
        let uri = format!("unix:{}", text(socket)?);
        let endpoint = Endpoint::from_shared(uri)?;
        Ok(Self {
            channel: endpoint.connect_lazy(),
        })
    }

    fn node(&self) -> NodeClient<Channel> {
        NodeClient::new(self.channel.clone())
    }

    fn controller(&self) -> ControllerClient<Channel> {
        ControllerClient::new(self.channel.clone())
    }

    /// Stages a volume and publishes it for a pod.
    pub async fn mount(
        &self,
        volume: &CsiVolume,
        staging: &Path,
        target: &Path,
    ) -> anyhow::Result<()> {
        std::fs::create_dir_all(staging)?;
        let parent = target.parent().context("a target has a parent")?;
        std::fs::create_dir_all(parent)?;
        let stage = v1::NodeStageVolumeRequest {
            volume_id: volume.id.clone(),
            staging_target_path: text(staging)?.to_owned(),
            volume_capability: Some(capability()),
            volume_context: volume.context.clone(),
            ..Default::default()
        };
        self.node().node_stage_volume(stage).await?;
        let publish = v1::NodePublishVolumeRequest {
            volume_id: volume.id.clone(),
            staging_target_path: text(staging)?.to_owned(),
            target_path: text(target)?.to_owned(),
            volume_capability: Some(capability()),
            volume_context: volume.context.clone(),
            ..Default::default()
        };
        self.node().node_publish_volume(publish).await?;
        Ok(())
    }

    /// Undoes that, and removes the staging directory as kubelet does.
    pub async fn unmount(
        &self,
        volume: &CsiVolume,
        staging: &Path,
        target: &Path,
    ) -> anyhow::Result<()> {
        let unpublish = v1::NodeUnpublishVolumeRequest {
            volume_id: volume.id.clone(),
            target_path: text(target)?.to_owned(),
        };
        self.node().node_unpublish_volume(unpublish).await?;
        let unstage = v1::NodeUnstageVolumeRequest {
            volume_id: volume.id.clone(),
            staging_target_path: text(staging)?.to_owned(),
        };
        self.node().node_unstage_volume(unstage).await?;
        if staging.exists() {
            std::fs::remove_dir(staging)?;
        }
        Ok(())
    }

    /// Takes a snapshot, and gives its id.
    pub async fn snapshot(&self, volume: &CsiVolume, name: &str) -> anyhow::Result<String> {
        let request = v1::CreateSnapshotRequest {
            source_volume_id: volume.id.clone(),
            name: name.to_owned(),
            ..Default::default()
        };
        let answer = self.controller().create_snapshot(request).await?;
        let snapshot = answer.into_inner().snapshot;
        Ok(snapshot.context("no snapshot in the answer")?.snapshot_id)
    }

    /// Makes a volume of a snapshot.
    pub async fn restore(
        &self,
        snapshot: &str,
        name: &str,
        bytes: i64,
    ) -> anyhow::Result<CsiVolume> {
        let source = Type::Snapshot(SnapshotSource {
            snapshot_id: snapshot.to_owned(),
        });
        let request = v1::CreateVolumeRequest {
            name: name.to_owned(),
            capacity_range: Some(v1::CapacityRange {
                required_bytes: bytes,
                ..Default::default()
            }),
            volume_capabilities: vec![capability()],
            volume_content_source: Some(v1::VolumeContentSource {
                r#type: Some(source),
            }),
            ..Default::default()
        };
        let answer = self.controller().create_volume(request).await?;
        let volume = answer
            .into_inner()
            .volume
            .context("no volume in the answer")?;
        Ok(CsiVolume {
            id: volume.volume_id,
            context: volume.volume_context,
        })
    }

    /// Grows a volume, and what is on it.
    pub async fn expand(
        &self,
        volume: &CsiVolume,
        target: PathBuf,
        bytes: i64,
    ) -> anyhow::Result<i64> {
        let range = v1::CapacityRange {
            required_bytes: bytes,
            ..Default::default()
        };
        let request = v1::ControllerExpandVolumeRequest {
            volume_id: volume.id.clone(),
            capacity_range: Some(range),
            volume_capability: Some(capability()),
            ..Default::default()
        };
        let answer = self
            .controller()
            .controller_expand_volume(request)
            .await?
            .into_inner();
        if answer.node_expansion_required {
            let request = v1::NodeExpandVolumeRequest {
                volume_id: volume.id.clone(),
                volume_path: text(&target)?.to_owned(),
                capacity_range: Some(range),
                ..Default::default()
            };
            self.node().node_expand_volume(request).await?;
        }
        Ok(answer.capacity_bytes)
    }

    /// Deletes a snapshot and the volume made of it.
    pub async fn delete(&self, snapshot: String, volume: CsiVolume) -> anyhow::Result<()> {
        let request = v1::DeleteVolumeRequest {
            volume_id: volume.id,
            ..Default::default()
        };
        self.controller().delete_volume(request).await?;
        let request = v1::DeleteSnapshotRequest {
            snapshot_id: snapshot,
            ..Default::default()
        };
        self.controller().delete_snapshot(request).await?;
        Ok(())
    }
}

fn capability() -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_mode: Some(AccessMode {
            mode: Mode::SingleNodeWriter.into(),
        }),
        access_type: Some(AccessType::Mount(MountVolume::default())),
    }
}
