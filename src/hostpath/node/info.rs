//! NodeGetInfo and NodeGetCapabilities.

use crate::csi::v1;
use v1::node_service_capability::{Rpc as WireRpc, Type, rpc};

use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::Id;
use crate::hostpath::volume::Volume;

impl Driver {
    /// Who and where this node is.
    pub(in crate::hostpath) fn node_get_info(
        &self,
        _: v1::NodeGetInfoRequest,
    ) -> Result<v1::NodeGetInfoResponse, Error> {
        Ok(v1::NodeGetInfoResponse {
            node_id: self.node.id.as_str().to_owned(),
            max_volumes_per_node: self.node.max_volumes,
            accessible_topology: Some(v1::Topology {
                segments: self.node.segments.clone(),
            }),
        })
    }

    /// What the Node service can do.
    pub(in crate::hostpath) fn node_get_capabilities(
        &self,
        _: v1::NodeGetCapabilitiesRequest,
    ) -> Result<v1::NodeGetCapabilitiesResponse, Error> {
        use rpc::Type as Can;
        let mut all = vec![
            Can::GetVolumeStats,
            Can::ExpandVolume,
            Can::VolumeCondition,
            Can::SingleNodeMultiWriter,
        ];
        if self.has_staging {
            all.push(Can::StageUnstageVolume);
        }
        if self.has_mount_group {
            all.push(Can::VolumeMountGroup);
        }
        let capability = |can: Can| v1::NodeServiceCapability {
            r#type: Some(Type::Rpc(WireRpc { r#type: can.into() })),
        };
        Ok(v1::NodeGetCapabilitiesResponse {
            capabilities: all.into_iter().map(capability).collect(),
        })
    }

    /// Whether a volume may be used on this node.
    pub(super) fn check_reachable(&self, volume: &Volume) -> Result<(), Error> {
        let refuse = |why: String| {
            Err(Error::Precondition {
                volume: volume.id.clone(),
                why,
            })
        };
        if !volume.is_reachable_from(&self.node.segments) {
            return refuse(format!(
                "cannot be reached from here: it is in {:?}",
                volume.topology
            ));
        }
        if self.has_attach && !volume.attached.contains_key(&self.node.id) {
            return refuse(format!("is not attached to this node, {}", self.node.id));
        }
        Ok(())
    }

    /// Whether a volume is attached here to be read alone.
    pub(super) fn is_attached_readonly(&self, volume: &Volume) -> bool {
        self.has_attach
            && volume
                .attached
                .get(&self.node.id)
                .is_some_and(|there| there.readonly)
    }

    /// This node's name in records.
    pub(super) fn own_id(&self) -> Id {
        self.node.id.clone()
    }
}
