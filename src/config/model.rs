//! The configuration with its defaults filled in.

use std::path::PathBuf;
use std::time::Duration;

use crate::log;
use crate::operations::Listen;

/// What the file says; what it leaves out has its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The CSI drivers that hold the data: at least one, unless FlexVolumes are
    /// served, whose drivers are found where kubelet has them.
    pub backends: Vec<Backend>,
    /// The FlexVolume drivers that the node daemon stands in for.
    pub flex_volume: Option<FlexVolume>,
    /// Where kubelet is.
    pub kubelet: Kubelet,
    /// Where the site's values stand, if not in the configuration itself.
    pub values_file: Option<PathBuf>,
    /// Directories, or files, of the site's own mappings.
    pub mappings: Vec<PathBuf>,
    /// Directories, or files, of PersistentVolumes, where there is no cluster.
    pub persistent_volumes: Vec<PathBuf>,
    /// The directory of durable records.
    pub state: PathBuf,
    /// Where operations are served, if anywhere.
    pub operations: Option<Listen>,
    /// What is logged.
    pub log: Log,
}

/// A CSI driver that holds data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// What it has to answer to GetPluginInfo. No two backends have the same.
    pub driver: String,
    /// Its node socket.
    pub socket: PathBuf,
    /// Its controller socket.
    pub controller_socket: PathBuf,
    /// The provisioner whose StorageClass parameters CreateVolume gets where
    /// nothing marks them.
    pub legacy_provisioner: Option<String>,
    /// The CSI endpoint in front of it, if there is one.
    pub endpoint: Option<Endpoint>,
}

/// A CSI endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its driver name. No other endpoint or backend has it.
    pub name: String,
    /// Its socket.
    pub socket: PathBuf,
    /// Whether the node daemon registers it with kubelet.
    pub register: bool,
}

/// How kubelet's FlexVolume calls are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlexVolume {
    /// The drivers, at least one. No two have the same name.
    pub drivers: Vec<FlexVolumeDriver>,
    /// The daemon's socket for exec binaries, at the same path on the host.
    pub socket: PathBuf,
    /// The exec binary to install; the one beside this program without it.
    pub exec_binary: Option<PathBuf>,
    /// How long a call may take.
    pub timeout: Duration,
}

/// A FlexVolume driver whose calls are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlexVolumeDriver {
    /// As `vendor/driver`.
    pub driver: String,
    /// Whether the container runtime relabels its volumes on SELinux nodes.
    pub selinux_relabel: bool,
    /// Whether kubelet measures its volumes with statfs.
    pub supports_metrics: bool,
}

/// Where kubelet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubelet {
    /// Its root directory.
    pub root: PathBuf,
    /// The directory that it watches for plugins to register.
    pub registry: PathBuf,
    /// The directory in which it looks for FlexVolume drivers.
    pub plugin_directory: PathBuf,
}

/// Where kubelet keeps everything unless it is told otherwise.
pub(super) const KUBELET_ROOT: &str = "/var/lib/kubelet";
/// Where it looks for plugins, below its root.
pub(crate) const REGISTRY: &str = "plugins_registry";
/// Where it looks for FlexVolume drivers.
pub(super) const PLUGIN_DIRECTORY: &str = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";

impl Default for Kubelet {
    fn default() -> Self {
        let root = PathBuf::from(KUBELET_ROOT);
        Self {
            registry: root.join(REGISTRY),
            root,
            plugin_directory: PLUGIN_DIRECTORY.into(),
        }
    }
}

/// What is logged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// In which form.
    pub format: log::Format,
    /// How much.
    pub level: log::Level,
}
