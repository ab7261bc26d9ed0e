//! The Identity service.

use std::collections::BTreeMap;

use crate::csi::v1;
use v1::plugin_capability::{Service, Type, VolumeExpansion, service, volume_expansion};

use super::driver::Driver;
use super::error::Error;

impl Driver {
    /// Who the driver is.
    pub(super) fn get_plugin_info(
        &self,
        _: v1::GetPluginInfoRequest,
    ) -> Result<v1::GetPluginInfoResponse, Error> {
        Ok(v1::GetPluginInfoResponse {
            name: self.name.clone(),
            vendor_version: env!("CARGO_PKG_VERSION").to_owned(),
            manifest: BTreeMap::from([("program".to_owned(), "flex2csi hostpath".to_owned())]),
        })
    }

    /// Which services there are.
    pub(super) fn get_plugin_capabilities(
        &self,
        _: v1::GetPluginCapabilitiesRequest,
    ) -> Result<v1::GetPluginCapabilitiesResponse, Error> {
        let service = |service: service::Type| {
            Type::Service(Service {
                r#type: service.into(),
            })
        };
        let online = VolumeExpansion {
            r#type: volume_expansion::Type::Online.into(),
        };
        let mut types = vec![
            service(service::Type::VolumeAccessibilityConstraints),
            Type::VolumeExpansion(online),
        ];
        if self.has_controller {
            types.push(service(service::Type::ControllerService));
            types.push(service(service::Type::GroupControllerService));
        }
        let capability = |kind| v1::PluginCapability { r#type: Some(kind) };
        Ok(v1::GetPluginCapabilitiesResponse {
            capabilities: types.into_iter().map(capability).collect(),
        })
    }

    /// Whether the driver can work: its state directory is there.
    pub(super) fn probe(&self, _: v1::ProbeRequest) -> Result<v1::ProbeResponse, Error> {
        rustix::fs::statvfs(&self.state).map_err(Error::io("look at", &self.state))?;
        Ok(v1::ProbeResponse { ready: Some(true) })
    }
}
