//! The endpoints of a configuration.

use std::sync::Arc;

use tokio::sync::watch;

use super::Role;
use super::backends::Backends;
use crate::config::{Backend, Loaded};
use crate::endpoint::{Endpoint, Handles, Knowledge, LegacyVolumes, Settings, Upstreams};
use crate::metrics::{Door, Metrics};

/// One endpoint, its backend as it is configured, and the sockets of that.
pub struct Served {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// What is configured.
    pub backend: Backend,
    /// Its backend's sockets.
    pub upstreams: Upstreams,
}

/// The endpoints of a configuration.
pub fn endpoints(
    role: Role,
    loaded: &Loaded,
    backends: &mut Backends,
    volumes: &LegacyVolumes,
    metrics: &Metrics,
) -> Vec<Served> {
    let mut served = Vec::new();
    for backend in &loaded.config.backends {
        let Some(endpoint) = &backend.endpoint else {
            continue;
        };
        let node = backends.at(&backend.socket, &backend.driver);
        let controller = backends.at(&backend.controller_socket, &backend.driver);
        let upstreams = Upstreams {
            identity: match role {
                Role::Node => node.clone(),
                Role::Controller => controller.clone(),
            },
            node,
            controller,
        };
        let settings = Settings {
            name: endpoint.name.clone(),
            driver: backend.driver.clone(),
            upstreams: upstreams.clone(),
            handles: Handles::new(loaded.config.state.join("handles").join(&backend.driver)),
            volumes: volumes.clone(),
            calls: metrics.calls(Door::Csi, &backend.driver),
        };
        served.push(Served {
            endpoint: Arc::new(Endpoint::new(settings, knowledge(loaded, backend))),
            backend: backend.clone(),
            upstreams,
        });
    }
    served
}

fn knowledge(loaded: &Loaded, backend: &Backend) -> Knowledge {
    Knowledge {
        values: loaded.values.clone(),
        mappings: loaded.mappings.clone(),
        legacy_provisioner: backend.legacy_provisioner.as_deref().map(Arc::from),
    }
}

/// Gives the endpoints each new configuration.
pub async fn follow(mut configs: watch::Receiver<Arc<Loaded>>, endpoints: Vec<Arc<Endpoint>>) {
    while configs.changed().await.is_ok() {
        let loaded = configs.borrow_and_update().clone();
        for endpoint in &endpoints {
            let mut backends = loaded.config.backends.iter();
            let backend = backends.find(|backend| backend.driver == endpoint.driver());
            if let Some(backend) = backend {
                endpoint.learn(knowledge(&loaded, backend));
            }
        }
    }
}
