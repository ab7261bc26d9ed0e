//! Command line of both daemons.

use std::path::PathBuf;

use clap::Args;

use crate::api_client::ClusterArgs;
use crate::log;
use crate::operations::Listen;
use crate::registration::DriverName;
use crate::site::MappingsArgs;
use crate::socket::path::argument as socket;

/// The flags of a daemon: a configuration, or one backend and its endpoint.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// The configuration: backends, endpoints and what only this site knows.
    #[arg(long, value_name = "FILE", required_unless_present = "backend", conflicts_with_all = ["backend", "endpoint", "MappingsArgs"])]
    pub config: Option<PathBuf>,
    /// Without a configuration: the socket of the CSI driver to stand in front of.
    #[arg(long, value_name = "SOCKET", requires = "endpoint", value_parser = socket)]
    pub backend: Option<PathBuf>,
    /// Without a configuration: the socket to serve.
    #[arg(long, value_name = "SOCKET", requires = "backend", value_parser = socket)]
    pub endpoint: Option<PathBuf>,
    /// The cluster to look volumes up in.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// The name of this node in the cluster; the host's without it.
    #[arg(long, value_name = "NAME", env = "NODE_NAME")]
    node_name: Option<String>,
    /// The namespace of flex2csi's Leases; the pod's own without it.
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE")]
    namespace: Option<String>,
    #[command(flatten)]
    pub(super) single: SingleArgs,
    // Not in `SingleArgs`: a group with arguments of another one has no members.
    #[command(flatten, next_help_heading = "Without a configuration")]
    pub(super) mappings: MappingsArgs,
}

/// What can be said of the one backend that has no configuration.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without a configuration")]
#[group(id = "single", multiple = true, conflicts_with = "config")]
pub struct SingleArgs {
    /// The driver's controller socket, if it is another.
    #[arg(long, value_name = "SOCKET", value_parser = socket)]
    pub controller_backend: Option<PathBuf>,
    /// The driver's name; without it the driver is asked.
    #[arg(long, value_name = "NAME")]
    pub driver: Option<DriverName>,
    /// The endpoint's name; <driver>.flex2csi.io without it.
    #[arg(long, value_name = "NAME")]
    pub name: Option<DriverName>,
    /// The provisioner whose StorageClass parameters those without a mark are.
    #[arg(long, value_name = "PROVISIONER")]
    pub legacy_provisioner: Option<String>,
    /// What only this site knows, as for `flex2csi translate`.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// PersistentVolumes from files, where there is no cluster to ask.
    #[arg(long, value_name = "FILE|DIR")]
    pub persistent_volumes: Vec<PathBuf>,
    /// The directory of records that have to outlive the daemon.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/flex2csi")]
    pub state: PathBuf,
    /// Where to serve metrics, health and the log level.
    #[arg(long, value_name = "ADDRESS|SOCKET")]
    pub operations: Option<Listen>,
    /// In which form to log.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub log_format: log::Format,
    /// How much to log, as info,flex2csi::endpoint=debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: log::Level,
}

impl DaemonArgs {
    /// The name of this node.
    pub(super) fn node_name(&self) -> String {
        self.node_name.clone().unwrap_or_else(|| {
            let names = rustix::system::uname();
            names.nodename().to_string_lossy().into_owned()
        })
    }

    /// Who this daemon is among others of its kind: the pod, or the host.
    pub(super) fn identity(&self) -> String {
        std::env::var("POD_NAME").unwrap_or_else(|_| {
            let names = rustix::system::uname();
            names.nodename().to_string_lossy().into_owned()
        })
    }

    /// The namespace of Leases.
    pub(super) fn namespace(&self, client: &kube::Client) -> String {
        let own = || client.default_namespace().to_owned();
        self.namespace.clone().unwrap_or_else(own)
    }
}
