//! Registers a CSI driver with kubelet, without a sidecar.
//!
//! Kubelet watches a directory for sockets, `<root>/plugins_registry`, and is the
//! client of those that appear: it asks what the plugin is and where its CSI
//! socket is (`GetInfo`), calls the driver there, and says whether it took it
//! (`NotifyRegistrationStatus`). So the CSI socket has to be served before
//! [`Registration::bind`] is called. Kubelets from 1.20 to 1.36 ask the same.
//!
//! The socket stays when the process ends: kubelet takes a socket that goes for
//! a driver that is gone, deletes it from the CSINode object, and can then not
//! unmount its volumes. A kubelet that starts asks every socket that it finds.

mod driver_name;
mod error;
mod service;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tonic::transport::Server;

pub use driver_name::{DriverName, InvalidDriverName};
pub use error::RegistrationError;
pub use state::State;

use crate::csi::registration::registration_server::RegistrationServer;
use crate::socket::{Listener, Place, SocketError, path};
use service::Service;

/// More than any message of kubelet's here has.
const LONGEST_MESSAGE: usize = 64 << 10;

/// A driver that kubelet can find, once it is served.
#[derive(Debug)]
pub struct Registration {
    listener: Listener,
    service: Service,
}

impl Registration {
    /// Puts the driver's socket into a registry directory. `endpoint` is the path
    /// of its CSI socket **as kubelet sees it**. To be called within a tokio
    /// runtime, and followed by [`Registration::serve`].
    ///
    /// # Errors
    /// Kubelet could not use the endpoint, or the socket cannot be made.
    pub fn bind(
        registry: &Path,
        driver: &DriverName,
        endpoint: &Path,
    ) -> Result<Self, RegistrationError> {
        Ok(Self {
            service: Service::new(driver.clone(), endpoint)?,
            listener: Listener::bind(&socket_path(registry, driver))?,
        })
    }

    /// What kubelet made of the driver, and of changes to that.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.service.state()
    }

    /// The socket's place, for removing it at the end of all.
    #[must_use]
    pub fn place(&self) -> Arc<Place> {
        self.listener.place()
    }

    /// Answers kubelet until `shutdown` is done.
    ///
    /// # Errors
    /// The server failed.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        let service =
            RegistrationServer::new(self.service).max_decoding_message_size(LONGEST_MESSAGE);
        Server::builder()
            .add_service(service)
            .serve_with_incoming_shutdown(self.listener.into_incoming(), shutdown)
            .await
    }
}

/// Removes the socket of a driver that nobody serves any more, for uninstalling:
/// kubelet forgets the driver. None being there is fine.
///
/// # Errors
/// It is served, or the system refuses.
pub fn unregister(registry: &Path, driver: &DriverName) -> Result<(), SocketError> {
    if !registry.exists() {
        return Ok(());
    }
    Place::claim(&socket_path(registry, driver))?.remove()
}

/// Where a driver's registration socket is. Kubelet takes any name there.
#[must_use]
pub fn socket_path(registry: &Path, driver: &DriverName) -> PathBuf {
    path::fitting(registry, driver.as_str(), "-reg.sock")
}
