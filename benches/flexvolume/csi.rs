//! The plain CSI calls of a volume, as kubelet makes them.

use std::path::Path;

use flex2csi::csi::v1;
use tonic::transport::{Channel, Endpoint};
use v1::node_client::NodeClient;
use v1::volume_capability::{AccessMode, AccessType, MountVolume, access_mode::Mode};

/// A driver's node part.
#[derive(Debug, Clone)]
pub struct Csi(NodeClient<Channel>);

impl Csi {
    /// Of a socket.
    pub fn new(socket: &Path) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display()))?;
        Ok(Self(NodeClient::new(endpoint.connect_lazy())))
    }

    /// Stages a volume and publishes it.
    pub async fn mount(
        &mut self,
        handle: &str,
        staging: &Path,
        target: &Path,
    ) -> Result<(), tonic::Status> {
        let stage = v1::NodeStageVolumeRequest {
            volume_id: handle.to_owned(),
            staging_target_path: text(staging),
            volume_capability: Some(capability()),
            ..Default::default()
        };
        self.0.node_stage_volume(stage).await?;
        let publish = v1::NodePublishVolumeRequest {
            volume_id: handle.to_owned(),
            staging_target_path: text(staging),
            target_path: text(target),
            volume_capability: Some(capability()),
            ..Default::default()
        };
        self.0.node_publish_volume(publish).await?;
        Ok(())
    }

    /// Undoes both.
    pub async fn unmount(
        &mut self,
        handle: &str,
        staging: &Path,
        target: &Path,
    ) -> Result<(), tonic::Status> {
        let unpublish = v1::NodeUnpublishVolumeRequest {
            volume_id: handle.to_owned(),
            target_path: text(target),
        };
        self.0.node_unpublish_volume(unpublish).await?;
        let unstage = v1::NodeUnstageVolumeRequest {
            volume_id: handle.to_owned(),
            staging_target_path: text(staging),
        };
        self.0.node_unstage_volume(unstage).await?;
        Ok(())
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn capability() -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_mode: Some(AccessMode {
            mode: Mode::SingleNodeWriter.into(),
        }),
        access_type: Some(AccessType::Mount(MountVolume {
            fs_type: "ext4".to_owned(),
            ..Default::default()
        })),
    }
}
