//! The embedded backend and the endpoint in front of it.

use std::path::{Path, PathBuf};

use flex2csi_testing::left::assert_nothing_left;
use flex2csi_testing::served::Served;
use tonic::transport::Channel;

/// Backend and endpoint in a directory of their own.
pub struct Rig {
    pub directory: tempfile::TempDir,
    flags: Vec<String>,
    driver: Option<Served>,
    endpoint: Option<Served>,
}

impl Rig {
    /// A backend with these flags, and an endpoint in front of it with those.
    pub async fn start(backend: &[&str], endpoint: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let own = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut rig = Self {
            directory,
            flags: own(backend),
            driver: None,
            endpoint: None,
        };
        rig.start_backend().await;
        let (direct, through) = (rig.path("csi.sock"), rig.path("endpoint.sock"));
        let (backend, state) = (text(&direct), text(&rig.path("records")));
        let socket = text(&through);
        let fixed = [
            "node",
            "--backend",
            &backend,
            "--endpoint",
            &socket,
            "--state",
            &state,
        ];
        let args = fixed.iter().chain(endpoint);
        let served = Served::start("endpoint", args, &through, rig.directory.path()).await;
        rig.endpoint = Some(served.unwrap());
        rig
    }

    async fn start_backend(&mut self) {
        let socket = self.direct();
        let (endpoint, state) = (text(&socket), text(&self.path("state")));
        let fixed = ["hostpath", "--endpoint", &endpoint, "--state-dir", &state];
        let args: Vec<String> = fixed
            .iter()
            .map(|arg| (*arg).to_owned())
            .chain(self.flags.iter().cloned())
            .collect();
        let served = Served::start("backend", args, &socket, self.directory.path()).await;
        self.driver = Some(served.unwrap());
    }

    /// Kills the backend with SIGKILL, and starts it again.
    pub async fn restart_backend(&mut self) {
        drop(self.driver.take());
        self.start_backend().await;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The backend's own socket.
    pub fn direct(&self) -> PathBuf {
        self.path("csi.sock")
    }

    /// The endpoint's.
    pub fn through(&self) -> PathBuf {
        self.path("endpoint.sock")
    }

    /// Ends both, and checks that nothing of theirs is left on the machine.
    #[track_caller]
    pub fn end(mut self) {
        self.endpoint.take();
        self.driver.take();
        assert_nothing_left(self.directory.path());
    }
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A connection of a tonic client.
pub async fn channel(socket: &Path) -> Channel {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("unix:{}", socket.display()));
    endpoint.unwrap().connect().await.unwrap()
}
