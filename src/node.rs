//! `flex2csi node`: the daemon on every node.

use clap::Args;

use crate::doors::{self, DaemonArgs, Role};
use crate::exit::Done;

const EXAMPLES: &str = "\
Examples:
  # In front of one CSI driver, to try it out
  flex2csi node --backend /csi/csi.sock --endpoint /csi/endpoint.sock

  # As the DaemonSet runs it
  flex2csi node --config /etc/flex2csi/config.yaml

SIGHUP reads the configuration again; SIGTERM ends the daemon and leaves mounts alone.";

/// Serve legacy volumes on this node through the CSI driver that has them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct NodeArgs {
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// Runs the daemon until it is told to end.
///
/// # Errors
/// The configuration is wrong, or a socket cannot be served.
pub fn run(args: &NodeArgs) -> anyhow::Result<Done> {
    doors::run(Role::Node, &args.daemon)
}
