//! What a driver's node part can do.

use crate::csi::v1::NodeGetCapabilitiesResponse;
use crate::csi::v1::node_service_capability::{Type, rpc};

/// The capabilities of a driver's node part that kubelet looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NodeCapabilities {
    /// STAGE_UNSTAGE_VOLUME
    pub stage_unstage: bool,
    /// EXPAND_VOLUME
    pub expand: bool,
    /// SINGLE_NODE_MULTI_WRITER
    pub single_node_multi_writer: bool,
    /// VOLUME_MOUNT_GROUP
    pub volume_mount_group: bool,
}

impl NodeCapabilities {
    /// What an answer says.
    pub(super) fn of(answer: &NodeGetCapabilitiesResponse) -> Self {
        let mut all = Self::default();
        for capability in &answer.capabilities {
            let Some(Type::Rpc(rpc)) = &capability.r#type else {
                continue;
            };
            match rpc.r#type() {
                rpc::Type::StageUnstageVolume => all.stage_unstage = true,
                rpc::Type::ExpandVolume => all.expand = true,
                rpc::Type::SingleNodeMultiWriter => all.single_node_multi_writer = true,
                rpc::Type::VolumeMountGroup => all.volume_mount_group = true,
                _ => {}
            }
        }
        all
    }
}
