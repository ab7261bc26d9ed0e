//! Why a driver's socket is not known.

use std::io;
use std::path::PathBuf;

/// Why a driver's socket is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisteredPluginError {
    /// It is not there.
    #[error(
        "the CSI driver {driver} is not registered with kubelet on this node: no socket in {} \
         answers for it ({}); does its node pod run here?",
        registry.display(), listed(others)
    )]
    NotRegistered {
        /// The driver.
        driver: String,
        /// Where kubelet has the sockets of registrars.
        registry: PathBuf,
        /// The drivers that are registered.
        others: Vec<String>,
    },
    /// Two say that they are it.
    #[error(
        "the CSI driver {driver} is registered more than once in {}, with the sockets {}: \
         remove the registration socket that is left over, or name the driver's socket in \
         the configuration",
        registry.display(), paths(endpoints)
    )]
    Ambiguous {
        /// The driver.
        driver: String,
        /// Where kubelet has the sockets of registrars.
        registry: PathBuf,
        /// What they say its CSI socket is.
        endpoints: Vec<PathBuf>,
    },
    /// Nothing can be asked.
    #[error(
        "cannot look for CSI drivers in kubelet's registry {}: {source}; is the host's mounted \
         here at the same path?",
        registry.display()
    )]
    Registry {
        /// Where kubelet has the sockets of registrars.
        registry: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
}

fn listed(drivers: &[String]) -> String {
    if drivers.is_empty() {
        "none is registered at all".to_owned()
    } else {
        format!("registered are {}", drivers.join(", "))
    }
}

fn paths(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(" and ")
}
