//! Where the CSI drivers of this node listen: asked, as kubelet does, of the
//! sockets that they registered themselves with.
//!
//! A driver's registrar answers `GetInfo` with the driver's name and the path of
//! its CSI socket as kubelet sees it; so kubelet's root has to be mounted at
//! the same path here. A socket there may be left over, hang or lie about
//! itself: each is asked for a second, and one that is wrong costs nobody else
//! anything.

mod ask;
mod error;
mod sockets;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

pub use error::RegisteredPluginError;

/// How many sockets are asked at once.
const AT_ONCE: usize = 16;

/// The CSI drivers that are registered with kubelet on this node.
#[derive(Debug)]
pub struct RegisteredPlugins {
    registry: PathBuf,
    /// Held while asking: who comes meanwhile has use for the same answers.
    known: Mutex<BTreeMap<String, BTreeSet<PathBuf>>>,
}

impl RegisteredPlugins {
    /// Those in a registry directory, `plugins_registry` below kubelet's root.
    #[must_use]
    pub fn new(registry: PathBuf) -> Self {
        Self {
            registry,
            known: Mutex::default(),
        }
    }

    /// The CSI socket of a driver. All are asked again where it is not known, or
    /// no socket is any more where it was.
    ///
    /// # Errors
    /// It is not registered, or more than once with different sockets.
    pub async fn endpoint(&self, driver: &str) -> Result<PathBuf, RegisteredPluginError> {
        let mut known = self.known.lock().await;
        if let Ok(endpoint) = self.only(&known, driver)
            && is_socket(&endpoint)
        {
            return Ok(endpoint);
        }
        *known = self.ask_all().await?;
        self.only(&known, driver)
    }

    /// Every driver that answers now, with its CSI sockets: one, unless something
    /// is wrong.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub async fn all(&self) -> Result<BTreeMap<String, BTreeSet<PathBuf>>, RegisteredPluginError> {
        let mut known = self.known.lock().await;
        *known = self.ask_all().await?;
        Ok(known.clone())
    }

    fn only(
        &self,
        known: &BTreeMap<String, BTreeSet<PathBuf>>,
        driver: &str,
    ) -> Result<PathBuf, RegisteredPluginError> {
        let endpoints = known.get(driver).into_iter().flatten();
        let mut endpoints: Vec<PathBuf> = endpoints.cloned().collect();
        match (endpoints.pop(), endpoints.is_empty()) {
            (None, _) => Err(RegisteredPluginError::NotRegistered {
                driver: driver.to_owned(),
                registry: self.registry.clone(),
                others: known.keys().cloned().collect(),
            }),
            (Some(endpoint), true) => Ok(endpoint),
            (Some(last), false) => {
                endpoints.push(last);
                Err(RegisteredPluginError::Ambiguous {
                    driver: driver.to_owned(),
                    registry: self.registry.clone(),
                    endpoints,
                })
            }
        }
    }

    async fn ask_all(&self) -> Result<BTreeMap<String, BTreeSet<PathBuf>>, RegisteredPluginError> {
        let registry = self.registry.clone();
        let found = tokio::task::spawn_blocking(move || sockets::find(&registry)).await;
        let found = found.map_err(std::io::Error::other).and_then(|found| found);
        let sockets = found.map_err(|source| RegisteredPluginError::Registry {
            registry: self.registry.clone(),
            source,
        })?;
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        let mut asked = JoinSet::new();
        for socket in sockets {
            let turns = turns.clone();
            asked.spawn(async move {
                // It is never closed.
                let _turn = turns.acquire().await;
                let info = ask::info(&socket).await;
                (socket, info)
            });
        }
        let mut known = BTreeMap::<String, BTreeSet<PathBuf>>::new();
        while let Some(answered) = asked.join_next().await {
            match answered {
                Ok((_, Ok(plugin))) => {
                    let endpoints = known.entry(plugin.driver).or_default();
                    endpoints.insert(plugin.endpoint);
                }
                Ok((socket, Err(why))) => {
                    tracing::debug!(socket = %socket.display(), why, "no CSI driver is registered by it");
                }
                Err(error) => tracing::debug!(%error, "a socket was not asked"),
            }
        }
        Ok(known)
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata()
        .is_ok_and(|found| found.file_type().is_socket())
}
