//! Registration with a kubelet's questions.

use std::path::Path;

use flex2csi::csi::registration::registration_client::RegistrationClient;
use flex2csi::csi::registration::{InfoRequest, RegistrationStatus};
use flex2csi::registration::{DriverName, Registration, State, unregister};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::transport::{Channel, Endpoint};

const CSI_SOCKET: &str = "/var/lib/kubelet/plugins/x/csi.sock";

fn driver() -> DriverName {
    "x.flex2csi.io".parse().unwrap()
}

async fn kubelet(socket: &Path) -> RegistrationClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap();
    RegistrationClient::new(endpoint.connect().await.unwrap())
}

#[tokio::test]
async fn a_driver_is_registered_and_stays_so_when_the_daemon_ends() {
    let registry = TempDir::new().unwrap();
    let socket = registry.path().join("x.flex2csi.io-reg.sock");
    let registration =
        Registration::bind(registry.path(), &driver(), Path::new(CSI_SOCKET)).unwrap();
    let mut state = registration.state();
    let (end, ended) = oneshot::channel::<()>();
    let served = tokio::spawn(registration.serve(async { ended.await.unwrap() }));

    let mut kubelet = kubelet(&socket).await;
    let info = kubelet.get_info(InfoRequest {}).await.unwrap().into_inner();
    assert_eq!(info.endpoint, CSI_SOCKET);
    let status = RegistrationStatus {
        plugin_registered: true,
        error: String::new(),
    };
    kubelet.notify_registration_status(status).await.unwrap();
    state.wait_for(State::is_registered).await.unwrap();

    assert!(
        unregister(registry.path(), &driver()).is_err(),
        "it is served"
    );
    drop(kubelet);
    end.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert!(socket.exists());

    unregister(registry.path(), &driver()).unwrap();
    assert_eq!(registry.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_driver_that_was_never_registered_is_unregistered_without_a_trace() {
    let directory = TempDir::new().unwrap();
    let registry = directory.path().join("plugins_registry");
    unregister(&registry, &driver()).unwrap();
    assert!(!registry.exists());
    std::fs::create_dir(&registry).unwrap();
    unregister(&registry, &driver()).unwrap();
    assert_eq!(registry.read_dir().unwrap().count(), 0);
}
