//! The answers to kubelet.

use std::path::Path;

use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::{DriverName, RegistrationError, State};
use crate::csi::registration::registration_server::Registration;
use crate::csi::registration::{
    InfoRequest, PluginInfo, RegistrationStatus, RegistrationStatusResponse,
};
use crate::socket::path::LONGEST;

/// What kubelet calls CSI drivers (pkg/apis/pluginregistration/v1/constants.go, v1.20 to v1.36).
const CSI_PLUGIN: &str = "CSIPlugin";

/// The version of CSI that kubelet is told: it takes each 1.x for every other
/// (pkg/volume/csi/csi_plugin.go, `validateVersions`), and two drivers of one
/// name may not differ in it.
const VERSION: &str = "1.0.0";

/// One driver.
#[derive(Debug)]
pub(super) struct Service {
    driver: DriverName,
    endpoint: String,
    state: watch::Sender<State>,
}

impl Service {
    pub(super) fn new(driver: DriverName, endpoint: &Path) -> Result<Self, RegistrationError> {
        let usable = |path: &&str| path.starts_with('/') && path.len() <= LONGEST;
        let path = endpoint
            .to_str()
            .filter(usable)
            .ok_or_else(|| RegistrationError::Endpoint {
                endpoint: endpoint.to_owned(),
            })?;
        Ok(Self {
            driver,
            endpoint: path.to_owned(),
            state: watch::Sender::default(),
        })
    }

    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Logs what is new: kubelet repeats itself for as long as it refuses.
    fn enter(&self, new: State) {
        let (driver, endpoint) = (&self.driver, &self.endpoint);
        self.state.send_if_modified(|state| {
            if *state == new {
                return false;
            }
            match &new {
                State::Refused(error) => {
                    tracing::error!(%driver, endpoint, error, "kubelet refused the driver");
                }
                _ => tracing::info!(%driver, endpoint, "kubelet registered the driver"),
            }
            *state = new;
            true
        });
    }
}

#[tonic::async_trait]
impl Registration for Service {
    async fn get_info(&self, _: Request<InfoRequest>) -> Result<Response<PluginInfo>, Status> {
        Ok(Response::new(PluginInfo {
            r#type: CSI_PLUGIN.to_owned(),
            name: self.driver.to_string(),
            endpoint: self.endpoint.clone(),
            supported_versions: vec![VERSION.to_owned()],
        }))
    }

    async fn notify_registration_status(
        &self,
        request: Request<RegistrationStatus>,
    ) -> Result<Response<RegistrationStatusResponse>, Status> {
        let status = request.into_inner();
        self.enter(if status.plugin_registered {
            State::Registered
        } else {
            State::Refused(status.error)
        });
        Ok(Response::new(RegistrationStatusResponse {}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(endpoint: &str) -> Result<Service, RegistrationError> {
        Service::new("x.flex2csi.io".parse().unwrap(), Path::new(endpoint))
    }

    async fn notify(service: &Service, plugin_registered: bool, error: &str) {
        let error = error.to_owned();
        let status = RegistrationStatus {
            plugin_registered,
            error,
        };
        let request = Request::new(status);
        service.notify_registration_status(request).await.unwrap();
    }

    #[tokio::test]
    async fn kubelet_learns_what_it_needs() {
        let service = service("/var/lib/kubelet/plugins/x/csi.sock").unwrap();
        let info = service
            .get_info(Request::new(InfoRequest {}))
            .await
            .unwrap();
        let expected = PluginInfo {
            r#type: "CSIPlugin".to_owned(),
            name: "x.flex2csi.io".to_owned(),
            endpoint: "/var/lib/kubelet/plugins/x/csi.sock".to_owned(),
            supported_versions: vec!["1.0.0".to_owned()],
        };
        assert_eq!(info.into_inner(), expected);
    }

    #[tokio::test]
    async fn the_state_is_what_kubelet_said_last() {
        let service = service("/csi.sock").unwrap();
        let mut state = service.state();
        assert_eq!(*state.borrow_and_update(), State::Unknown);

        notify(&service, false, "already registered").await;
        let refused = State::Refused("already registered".to_owned());
        assert_eq!(*state.borrow_and_update(), refused);

        notify(&service, false, "already registered").await;
        assert!(!state.has_changed().unwrap(), "nothing new");

        notify(&service, true, "").await;
        assert!(state.borrow_and_update().is_registered());
    }

    #[test]
    fn endpoints_that_kubelet_cannot_dial_are_refused() {
        let too_long = format!("/{}", "x".repeat(LONGEST));
        for endpoint in ["", "csi.sock", "unix:///csi.sock", &too_long] {
            let error = service(endpoint).unwrap_err().to_string();
            assert!(error.contains("absolute path"), "{error}");
        }
    }
}
