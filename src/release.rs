//! What `flex2csi controller` does for node daemons: it has volumes detached that
//! nobody else would, of nodes that died, of volumes that were rewritten and not
//! taken over, and of nodes that could not reach the API server when they let go.
//!
//! It looks at all of it every 15 seconds, and at little: what flex2csi made, by
//! label, and the nodes of that. When a thing may go is decided in
//! [`flex2csi_translators::attachment`]. Of several controllers one does this at a
//! time ([`leader`]); that another one still had a request under way would do no
//! harm, since each deletes exactly what it saw.

mod csi_volumes;
mod nodes;
mod round;

pub mod leader;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use round::{Releases, Round};

/// How the controller works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The namespace of the Leases: flex2csi's own.
    pub namespace: String,
    /// Who this is: the pod's name.
    pub identity: String,
    /// How often it looks.
    pub every: Duration,
    /// How long a node has to be gone before what it had is given away.
    pub node_gone: Duration,
}

impl Settings {
    /// How often it looks.
    pub const EVERY: Duration = Duration::from_secs(15);

    /// As long as the attach/detach controller waits before it takes a volume from a
    /// node that may be writing (kubernetes `pkg/controller/volume/attachdetach`,
    /// `ReconcilerMaxWaitForUnmountDuration`, v1.36).
    pub const NODE_GONE: Duration = Duration::from_secs(360);

    /// In a namespace.
    #[must_use]
    pub fn new(namespace: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            identity: identity.into(),
            every: Self::EVERY,
            node_gone: Self::NODE_GONE,
        }
    }
}

/// Releases, whenever this is the leader, until it is told to end. What the API
/// server refuses or does not answer is said and tried again.
pub async fn run(client: kube::Client, settings: Settings, shutdown: CancellationToken) {
    let election = leader::Election::new(client.clone(), &settings.namespace, &settings.identity);
    let lead = async || {
        // What was seen before by who led then is not known here: all of it is seen anew.
        let mut releases = Releases::new(client.clone(), settings.clone());
        loop {
            releases.look().await;
            tokio::time::sleep(settings.every).await;
        }
    };
    election.run(lead, &shutdown).await;
}
