//! An API server that fails: a proxy that answers some calls itself, or loses
//! the answers to others.

mod fault;
mod rule;
mod serve;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use kube::Client;
use kube::config::AuthInfo;
use tokio::net::TcpListener;

pub use fault::Fault;
pub use rule::Rule;

use crate::seed::Seed;
use crate::users::User;
use crate::{Cluster, StartError, kubeconfig};

/// Stands between a program and a cluster's API server, until it is dropped.
/// Callers keep their own tokens, so that their rights and the audit log are theirs.
#[derive(Debug)]
pub struct Proxy {
    /// Where it is reached, without TLS.
    pub url: String,
    shared: Arc<Shared>,
    // Closed on drop, which ends the thread.
    _end: tokio::sync::oneshot::Sender<()>,
}

/// What random calls meet.
#[derive(Debug, Clone)]
pub struct Weather {
    /// What determines which.
    pub seed: u64,
    /// How many of a thousand.
    pub per_mille: u64,
    /// What happens to them, each as often as another.
    pub faults: Vec<Fault>,
}

impl Weather {
    /// Every kind of fault that is over at once.
    #[must_use]
    pub fn stormy(seed: u64, per_mille: u64) -> Self {
        Self {
            seed,
            per_mille,
            faults: Fault::BRIEF.to_vec(),
        }
    }

    /// No fault but those that rules ask for.
    #[must_use]
    pub fn calm() -> Self {
        Self::stormy(0, 0)
    }
}

#[derive(Debug)]
struct Shared {
    chance: Mutex<Seed>,
    weather: Weather,
    rules: Mutex<Vec<Rule>>,
    met: Mutex<BTreeMap<Fault, usize>>,
}

impl Shared {
    /// What a call meets, if anything.
    fn fault(&self, method: &http::Method, path: &str) -> Option<Fault> {
        let by_rule = self.rules.lock().ok().and_then(|mut rules| {
            let mut matching = rules.iter_mut();
            matching.find_map(|rule| rule.takes(method, path))
        });
        // What changes no object is not answered with a conflict.
        let only_asks = *method == http::Method::GET || path.contains("accessreviews");
        let is_real = |fault: &Fault| *fault != Fault::Conflict || !only_asks;
        let fault = by_rule.or_else(|| self.by_chance().filter(is_real))?;
        if let Ok(mut met) = self.met.lock() {
            *met.entry(fault).or_default() += 1;
        }
        Some(fault)
    }

    fn by_chance(&self) -> Option<Fault> {
        let mut chance = self.chance.lock().ok()?;
        if !chance.chance(self.weather.per_mille) {
            return None;
        }
        let index = chance.below(self.weather.faults.len().max(1) as u64);
        let index = usize::try_from(index).unwrap_or(0);
        self.weather.faults.get(index).copied()
    }
}

impl Proxy {
    /// Starts a proxy to the API server of a cluster.
    ///
    /// # Errors
    /// It cannot listen, or the cluster's certificate is not usable.
    pub async fn start(cluster: &Cluster, weather: Weather) -> Result<Self, StartError> {
        let mut server = cluster.apiserver.admin.clone();
        // Callers say themselves who they are.
        server.auth_info = AuthInfo::default();
        // What the server says is for the caller.
        server.default_retry = false;
        let shared = Arc::new(Shared {
            chance: Mutex::new(Seed::new(weather.seed)),
            weather,
            rules: Mutex::default(),
            met: Mutex::default(),
        });
        let system = |source| StartError::System {
            what: "the proxy cannot serve",
            source,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(system)?;
        listener.set_nonblocking(true).map_err(system)?;
        let address = listener.local_addr().map_err(system)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(system)?;
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let (start, started) = tokio::sync::oneshot::channel();
        let serving = shared.clone();
        // A thread of its own, so that it answers while a test waits for a program.
        std::thread::spawn(move || {
            runtime.block_on(async move {
                let opened = TcpListener::from_std(listener).map_err(system);
                let client = Client::try_from(server).map_err(StartError::from);
                let (listener, client) = match opened.and_then(|open| Ok((open, client?))) {
                    Ok(opened) => opened,
                    Err(error) => return drop(start.send(Err(error))),
                };
                start.send(Ok(())).ok();
                tokio::select! {
                    () = serve::connections(&listener, &client, &serving) => {}
                    _ = ended => {}
                }
            });
        });
        let gone = |_| system(std::io::Error::other("its thread has ended"));
        started.await.map_err(gone)??;
        Ok(Self {
            url: format!("http://{address}"),
            shared,
            _end: end,
        })
    }

    /// Has a call that comes meet a fault.
    pub fn rule(&self, rule: Rule) {
        if let Ok(mut rules) = self.shared.rules.lock() {
            rules.push(rule);
        }
    }

    /// How many calls met which fault.
    #[must_use]
    pub fn met(&self) -> BTreeMap<Fault, usize> {
        let met = self.shared.met.lock();
        met.map(|met| met.clone()).unwrap_or_default()
    }

    /// Writes a kubeconfig with which a user calls through the proxy.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn kubeconfig(&self, cluster: &Cluster, user: &User) -> Result<PathBuf, StartError> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        let path = user
            .kubeconfig(cluster.directory())
            .with_added_extension(format!("proxy-{port}"));
        let text = kubeconfig::text(&self.url, None, &user.token());
        match std::fs::write(&path, text) {
            Ok(()) => Ok(path),
            Err(source) => Err(StartError::File { path, source }),
        }
    }
}
