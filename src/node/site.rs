//! Where things are on this node.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::config::{EXEC_SOCKET, Kubelet, Loaded, REGISTRY};
use crate::exit::Usage;
use crate::registration::DriverName;

/// Where things are on this node: as the daemon's configuration has them, or as
/// it has them by default.
#[derive(Debug, Args)]
pub(super) struct SiteArgs {
    /// The daemon's configuration, for what stands elsewhere than usual.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["state", "kubelet_root", "plugin_directory"])]
    config: Option<PathBuf>,
    /// The daemon's directory of records.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/flex2csi")]
    state: PathBuf,
    /// Kubelet's --root-dir.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/kubelet")]
    kubelet_root: PathBuf,
    /// Kubelet's volumePluginDir.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec"
    )]
    plugin_directory: PathBuf,
}

/// A CSI endpoint of the daemon.
#[derive(Debug)]
pub(super) struct EndpointSite {
    pub name: DriverName,
    pub socket: PathBuf,
}

/// Where things are on this node.
#[derive(Debug)]
pub(super) struct Site {
    /// The daemon's own directory.
    pub state: PathBuf,
    pub records: PathBuf,
    /// The daemon's socket for exec binaries.
    pub exec_socket: PathBuf,
    /// Where kubelet looks for plugins that want to be registered.
    pub registry: PathBuf,
    /// The CSI endpoints that the daemon serves, where that is known.
    pub endpoints: Vec<EndpointSite>,
    pub kubelet_root: PathBuf,
    pub plugin_directory: PathBuf,
    /// The exec binary that is installed.
    pub exec_binary: Option<PathBuf>,
    /// The FlexVolume drivers that the daemon is to serve, where that is known.
    pub served: Option<Vec<String>>,
}

impl Site {
    pub fn of(args: &SiteArgs) -> anyhow::Result<Self> {
        let Some(path) = &args.config else {
            return Ok(Self {
                records: args.state.join("volumes"),
                exec_socket: args.state.join(EXEC_SOCKET),
                state: args.state.clone(),
                registry: args.kubelet_root.join(REGISTRY),
                endpoints: Vec::new(),
                kubelet_root: args.kubelet_root.clone(),
                plugin_directory: args.plugin_directory.clone(),
                exec_binary: None,
                served: None,
            });
        };
        let config = Loaded::read(path)
            .map_err(|error| Usage(error.to_string()))
            .context("cannot use the configuration")?
            .config;
        let Kubelet {
            root,
            registry,
            plugin_directory,
        } = config.kubelet;
        let endpoints = config
            .backends
            .into_iter()
            .filter_map(|backend| backend.endpoint)
            .map(|endpoint| {
                let name = endpoint.name.parse()?;
                let socket = endpoint.socket;
                Ok(EndpointSite { name, socket })
            })
            .collect::<anyhow::Result<_>>()?;
        let exec_socket = config.flex_volume.as_ref().map_or_else(
            || config.state.join(EXEC_SOCKET),
            |flex_volume| flex_volume.socket.clone(),
        );
        let (served, exec_binary) = config
            .flex_volume
            .map_or((Vec::new(), None), |flex_volume| {
                let drivers = flex_volume.drivers.into_iter();
                let names = drivers.map(|driver| driver.driver).collect();
                (names, flex_volume.exec_binary)
            });
        Ok(Self {
            records: config.state.join("volumes"),
            exec_socket,
            state: config.state,
            registry,
            endpoints,
            kubelet_root: root,
            plugin_directory,
            exec_binary,
            served: Some(served),
        })
    }
}
