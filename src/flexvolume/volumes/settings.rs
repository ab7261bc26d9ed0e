//! What the engine is given.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use flex2csi_translators::Values;
use flex2csi_translators::flex::Mappings;

use super::MountPoints;
use crate::attachment::Attacher;
use crate::backend::Backend;
use crate::cluster::Cluster;

/// What does not change while the daemon runs.
pub struct Settings {
    /// Kubelet's root directory, as the CSI drivers know it.
    pub root: PathBuf,
    /// The directory of what has to outlive the daemon.
    pub state: PathBuf,
    /// Which boot of the node it is ([`crate::node_record::boot_id`]).
    pub boot_id: String,
    /// What knows the pods and volumes.
    pub cluster: Arc<dyn Cluster>,
    /// What attaches volumes; nothing where there is no cluster.
    pub attacher: Option<Arc<dyn Attacher>>,
    /// Where CSI drivers are.
    pub backends: Arc<dyn Backends>,
    /// What is mounted.
    pub mount_points: Arc<dyn MountPoints>,
    /// When a volume is released that no pod here has any more.
    pub release: ReleaseWhen,
}

/// When a volume is released that no pod here has any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseWhen {
    /// Before the unmount is answered: nothing has to be asked that could be down.
    AtOnce,
    /// After it is answered: an unmount never waits for the API server.
    Later,
}

/// What volumes are translated with; the configuration can change it.
#[derive(Clone)]
pub struct Knowledge {
    /// What only the site knows.
    pub values: Arc<Values>,
    /// The known FlexVolume drivers.
    pub mappings: Arc<Mappings>,
}

/// The sockets of a CSI driver.
#[derive(Debug, Clone)]
pub struct Sockets {
    /// Of its node part.
    pub node: Arc<Backend>,
    /// Of its controller part, where it can be reached.
    pub controller: Option<Arc<Backend>>,
}

/// The sockets of a driver, or why there are none and what to do.
pub type Finding<'a> = Pin<Box<dyn Future<Output = Result<Sockets, String>> + Send + 'a>>;

/// Where CSI drivers are.
pub trait Backends: Send + Sync {
    /// The sockets of a driver. The same [`Backend`] for the same socket, so that
    /// its connection is kept.
    fn find<'a>(&'a self, driver: &'a str) -> Finding<'a>;
}
