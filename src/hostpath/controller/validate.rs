//! ValidateVolumeCapabilities.

use crate::csi::v1;
use v1::validate_volume_capabilities_response::Confirmed;

use crate::hostpath::capability::Capability;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::Id;
use crate::hostpath::limits;
use crate::hostpath::parameters;
use crate::hostpath::volume::Volume;

impl Driver {
    /// Says whether a volume has all of some capabilities.
    pub(in crate::hostpath) fn validate_volume_capabilities(
        &self,
        request: v1::ValidateVolumeCapabilitiesRequest,
    ) -> Result<v1::ValidateVolumeCapabilitiesResponse, Error> {
        let id = Id::required("volume_id", &request.volume_id)?;
        let capabilities = Capability::list(&request.volume_capabilities)?;
        limits::map("volume_context", &request.volume_context)?;
        let volume = self.ready_volume(&id)?;
        Ok(
            match check(&volume, &capabilities, &request, self.dialect) {
                Ok(()) => v1::ValidateVolumeCapabilitiesResponse {
                    confirmed: Some(Confirmed {
                        volume_context: request.volume_context,
                        volume_capabilities: request.volume_capabilities,
                        parameters: request.parameters,
                        mutable_parameters: request.mutable_parameters,
                    }),
                    message: String::new(),
                },
                Err(message) => v1::ValidateVolumeCapabilitiesResponse {
                    confirmed: None,
                    message,
                },
            },
        )
    }
}

fn check(
    volume: &Volume,
    capabilities: &[Capability],
    request: &v1::ValidateVolumeCapabilitiesRequest,
    dialect: parameters::Dialect,
) -> Result<(), String> {
    for capability in capabilities {
        capability.check(volume.kind)?;
    }
    let kind = parameters::kind(&request.parameters, capabilities, volume.kind, dialect);
    if kind.map_err(|error| error.to_string())? != volume.kind {
        return Err(format!("the volume is of kind {}", volume.kind));
    }
    parameters::check_mutable(&request.mutable_parameters, dialect)
        .map_err(|error| error.to_string())
}
