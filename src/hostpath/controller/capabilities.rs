//! ControllerGetCapabilities and GetCapacity.

use crate::csi::v1;
use crate::csi::v1::controller_service_capability::{Rpc as WireRpc, Type, rpc};

use crate::hostpath::capability::Capability;
use crate::hostpath::capacity;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::parameters;
use crate::hostpath::topology;

impl Driver {
    /// What the Controller service can do.
    pub(in crate::hostpath) fn controller_get_capabilities(
        &self,
        _: v1::ControllerGetCapabilitiesRequest,
    ) -> Result<v1::ControllerGetCapabilitiesResponse, Error> {
        use rpc::Type as Can;
        let always = [
            Can::CreateDeleteVolume,
            Can::ListVolumes,
            Can::GetCapacity,
            Can::CreateDeleteSnapshot,
            Can::ListSnapshots,
            Can::CloneVolume,
            Can::ExpandVolume,
            Can::VolumeCondition,
            Can::GetVolume,
            Can::SingleNodeMultiWriter,
            Can::ModifyVolume,
        ];
        let with_attach = [
            Can::PublishUnpublishVolume,
            Can::PublishReadonly,
            Can::ListVolumesPublishedNodes,
        ];
        let with_attach = with_attach.into_iter().filter(|_| self.has_attach);
        let get_snapshot = self.says_get_snapshot.then_some(Can::GetSnapshot);
        let all = always.into_iter().chain(with_attach).chain(get_snapshot);
        let capability = |can: Can| v1::ControllerServiceCapability {
            r#type: Some(Type::Rpc(WireRpc { r#type: can.into() })),
        };
        Ok(v1::ControllerGetCapabilitiesResponse {
            capabilities: all.map(capability).collect(),
        })
    }

    /// How much can still be stored.
    pub(in crate::hostpath) fn get_capacity(
        &self,
        request: v1::GetCapacityRequest,
    ) -> Result<v1::GetCapacityResponse, Error> {
        let capabilities = match request.volume_capabilities.as_slice() {
            [] => Vec::new(),
            some => Capability::list(some)?,
        };
        let kind = parameters::kind(
            &request.parameters,
            &capabilities,
            self.default_kind,
            self.dialect,
        )?;
        self.check_has(kind)?;
        let stat = rustix::fs::statvfs(&self.state).map_err(Error::io("look at", &self.state))?;
        let mut available = stat.f_bavail.saturating_mul(stat.f_frsize);
        if let Some(place) = &request.accessible_topology {
            let nodes = self.nodes.all()?;
            if !nodes
                .iter()
                .any(|node| topology::contains(&node.segments, &place.segments))
            {
                available = 0;
            }
        }
        Ok(v1::GetCapacityResponse {
            available_capacity: capacity::wire(available),
            maximum_volume_size: Some(capacity::wire(self.max_volume_size)),
            minimum_volume_size: Some(capacity::wire(kind.minimum())),
        })
    }
}
