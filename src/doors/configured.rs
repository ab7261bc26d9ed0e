//! The configuration of a daemon, from its file or from its flags.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::DaemonArgs;
use crate::backend;
use crate::config::{Backend, Config, Endpoint, Kubelet, Loaded, Log, Reloader};
use crate::exit::Usage;
use crate::operations::Condition;
use crate::registration::DriverName;
use crate::site;

/// How often a driver is asked who it is that does not answer.
const EVERY: Duration = Duration::from_millis(500);

/// A configuration, and what keeps it up to date.
pub enum Configured {
    /// From a file, which is watched.
    File(Box<Reloader>),
    /// From flags, which do not change.
    Flags(watch::Sender<Arc<Loaded>>),
}

impl Configured {
    /// The configuration in a file.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let reloader = Reloader::start(file).map_err(|error| Usage(error.to_string()))?;
        Ok(Self::File(Box::new(reloader)))
    }

    /// What the flags say. A driver without a name is asked for it, until it says;
    /// `None` if this is to end first. `served` says what is waited for.
    ///
    /// # Errors
    /// The values, the mappings or the names cannot be used.
    pub async fn of_flags(
        args: &DaemonArgs,
        served: &Condition,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<Option<Self>> {
        let (Some(socket), Some(endpoint)) = (&args.backend, &args.endpoint) else {
            return Err(Usage("give --config, or --backend and --endpoint".into()).into());
        };
        let single = &args.single;
        let mappings = single.mappings.read()?;
        let values = site::values(single.values.as_deref(), &mappings)?;
        let driver = match &single.driver {
            Some(driver) => driver.to_string(),
            None => match shutdown.run_until_cancelled(ask(socket, served)).await {
                Some(driver) => driver,
                None => return Ok(None),
            },
        };
        let name = match &single.name {
            Some(name) => name.clone(),
            None => endpoint_name(&driver)?,
        };
        let config = Config {
            backends: vec![Backend {
                driver,
                socket: socket.clone(),
                controller_socket: single.controller_backend.as_ref().unwrap_or(socket).clone(),
                legacy_provisioner: single.legacy_provisioner.clone(),
                endpoint: Some(Endpoint {
                    name: name.to_string(),
                    socket: endpoint.clone(),
                    register: false,
                }),
            }],
            flex_volume: None,
            kubelet: Kubelet::default(),
            values_file: None,
            mappings: single.mappings.places.clone(),
            persistent_volumes: single.persistent_volumes.clone(),
            state: single.state.clone(),
            operations: single.operations.clone(),
            log: Log {
                format: single.log_format,
                level: single.log_level.clone(),
            },
        };
        Ok(Some(Self::Flags(watch::Sender::new(Arc::new(Loaded {
            config,
            values: Arc::new(values),
            mappings: Arc::new(mappings),
        })))))
    }

    /// The configuration as it is, whenever it changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Loaded>> {
        match self {
            Self::File(reloader) => reloader.subscribe(),
            Self::Flags(sender) => sender.subscribe(),
        }
    }
}

fn endpoint_name(driver: &str) -> anyhow::Result<DriverName> {
    let name = flex2csi_translators::endpoint::endpoint_of(driver);
    name.parse()
        .map_err(|error| Usage(format!("{error}; give a shorter one with --name")).into())
}

/// The name of the driver at a socket, as soon as it answers.
async fn ask(socket: &Path, served: &Condition) -> String {
    let backend = backend::Backend::new(socket.to_owned(), None);
    let mut said = String::new();
    loop {
        match backend.connection().await {
            Ok(_) => {
                if let Some(driver) = backend.driver() {
                    return driver;
                }
            }
            Err(error) => {
                let error = error.to_string();
                if error != said {
                    served.not_met(format!("waiting for the backend: {error}"));
                    tracing::warn!(%error, "waiting for the backend");
                    said = error;
                }
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
