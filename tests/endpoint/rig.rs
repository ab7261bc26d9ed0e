//! An endpoint in front of a scripted backend, and a caller.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use flex2csi::backend::Backend;
use flex2csi::endpoint::{Endpoint, Handles, Knowledge, LegacyVolumes, Settings, Upstreams, serve};
use flex2csi::grpc;
use flex2csi::metrics::{Door, Metrics};
use flex2csi::socket::Listener;
use flex2csi_translators::Values;
use flex2csi_translators::flex::Mappings;
use http::HeaderMap;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::caller::{Answer, call};
use crate::scripted::{Call, Reply, Scripted};

/// The endpoint, its backend and its caller.
pub struct Rig {
    pub directory: tempfile::TempDir,
    pub backend: Scripted,
    pub endpoint: Arc<Endpoint>,
    pub metrics: Metrics,
    stop: CancellationToken,
}

/// What can be otherwise about a rig.
pub struct Setup {
    pub driver: &'static str,
    pub values: &'static str,
    pub legacy_provisioner: Option<&'static str>,
    pub volumes: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            driver: EBS,
            values: "{}",
            legacy_provisioner: None,
            volumes: None,
        }
    }
}

pub const EBS: &str = "ebs.csi.aws.com";

impl Rig {
    /// In front of a backend that echoes every request.
    pub fn echo() -> Self {
        Self::with(Setup::default(), |call| {
            Reply::message(call.message.clone())
        })
    }

    pub fn with(setup: Setup, script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let backend = Scripted::serve(&directory.path().join("csi.sock"), setup.driver, script);
        Self::around(setup, directory, backend)
    }

    fn around(setup: Setup, directory: tempfile::TempDir, backend: Scripted) -> Self {
        let socket = directory.path().join("csi.sock");
        let upstream = Arc::new(Backend::new(socket, Some(setup.driver.to_owned())));
        let metrics = Metrics::new();
        let volumes = match setup.volumes {
            None => LegacyVolumes::None,
            Some(text) => {
                let file = directory.path().join("pvs.yaml");
                std::fs::write(&file, text).unwrap();
                LegacyVolumes::Files(vec![file])
            }
        };
        let settings = Settings {
            name: format!("{}.flex2csi.io", setup.driver),
            driver: setup.driver.to_owned(),
            upstreams: Upstreams {
                node: upstream.clone(),
                controller: upstream.clone(),
                identity: upstream,
            },
            handles: Handles::new(directory.path().join("handles")),
            volumes,
            calls: metrics.calls(Door::Csi, setup.driver),
        };
        let endpoint = Arc::new(Endpoint::new(
            settings,
            Knowledge {
                legacy_provisioner: setup.legacy_provisioner.map(Arc::from),
                ..knowledge(setup.values)
            },
        ));
        let listener = Listener::bind(&directory.path().join("endpoint.sock")).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, endpoint.clone(), stop.clone()));
        Self {
            directory,
            backend,
            endpoint,
            metrics,
            stop,
        }
    }

    /// Ends the backend and puts another in its place.
    pub fn replace_backend(
        &mut self,
        driver: &str,
        script: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    ) {
        self.backend = Scripted::serve(&self.backend_socket(), driver, script);
    }

    pub fn backend_socket(&self) -> PathBuf {
        self.directory.path().join("csi.sock")
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("endpoint.sock")
    }

    /// Calls with a message.
    pub async fn call(&self, path: &str, message: impl AsRef<[u8]>) -> Answer {
        let body = grpc::frame(message.as_ref());
        call(&self.socket(), path, body, HeaderMap::new()).await
    }

    /// Calls with a message and metadata.
    pub async fn call_with(&self, path: &str, message: &[u8], headers: HeaderMap) -> Answer {
        call(&self.socket(), path, grpc::frame(message), headers).await
    }

    /// The message that the backend got with the last call, and the answer.
    pub async fn forwarded(&self, path: &str, message: impl AsRef<[u8]>) -> (Bytes, Answer) {
        let answer = self.call(path, message).await;
        assert_eq!(answer.code, Code::Ok, "{}", answer.said);
        (self.backend.last().message, answer)
    }

    /// That a call is refused, and not made.
    pub async fn refused(&self, path: &str, message: impl AsRef<[u8]>) -> (Code, String) {
        let before = self.backend.calls().len();
        let answer = self.call(path, message).await;
        assert_eq!(self.backend.calls().len(), before, "the backend was asked");
        (answer.code, answer.said)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub fn knowledge(values: &str) -> Knowledge {
    Knowledge {
        values: Arc::new(Values::parse(values).unwrap()),
        mappings: Arc::new(Mappings::built_in()),
        legacy_provisioner: None,
    }
}
