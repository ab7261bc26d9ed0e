//! `flex2csi node`: the daemon on every node, and what is asked on a node.

mod kept;
mod mount_row;
mod site;
mod status;
mod table;
mod uninstall;

use clap::{Args, Subcommand};

use crate::doors::{self, DaemonArgs, Role};
use crate::exit::Done;

pub use mount_row::{MountRow, RowState};
pub use status::StatusArgs;
pub use uninstall::UninstallArgs;

const EXAMPLES: &str = "\
Examples:
  # In front of one CSI driver, to try it out
  flex2csi node --backend /csi/csi.sock --endpoint /csi/endpoint.sock

  # As the DaemonSet runs it
  flex2csi node --config /etc/flex2csi/config.yaml

  # What is mounted on this node, by whom and for which pod
  flex2csi node status

SIGHUP reads the configuration again; SIGTERM ends the daemon and leaves mounts alone.";

/// Serve legacy volumes on this node through the CSI driver that has them.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct NodeArgs {
    #[command(flatten)]
    daemon: DaemonArgs,
    #[command(subcommand)]
    verb: Option<NodeVerb>,
}

/// What is asked on a node, beside the daemon.
#[derive(Debug, Subcommand)]
enum NodeVerb {
    /// List what is mounted through the daemon, and what is still the original driver's.
    Status(StatusArgs),
    /// Remove the exec binaries from kubelet's plugin directory, once nothing needs them.
    Uninstall(UninstallArgs),
}

/// Runs the daemon until it is told to end, or does what is asked on a node.
///
/// # Errors
/// The configuration is wrong, a socket cannot be served, or what is on the node
/// cannot be read.
pub fn run(args: &NodeArgs) -> anyhow::Result<Done> {
    match &args.verb {
        None => doors::run(Role::Node, &args.daemon),
        Some(NodeVerb::Status(args)) => status::run(args),
        Some(NodeVerb::Uninstall(args)) => uninstall::run(args),
    }
}
