//! `flex2csi controller`: what a cluster needs once.

use clap::Args;

use crate::doors::{self, DaemonArgs, Role};
use crate::exit::Done;

const EXAMPLES: &str = "\
Examples:
  # In front of a copy of a vendor's controller container, in one pod with it
  flex2csi controller --backend /csi/csi.sock --endpoint /csi/endpoint.sock

  # As the Deployment runs it
  flex2csi controller --config /etc/flex2csi/config.yaml

SIGHUP reads the configuration again; SIGTERM ends the daemon.";

/// Detach what dead nodes hold and nobody else would release, and serve the CSI sidecars for
/// legacy volumes: snapshots, expansion, new volumes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ControllerArgs {
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// Runs the daemon until it is told to end.
///
/// # Errors
/// The configuration is wrong, or a socket cannot be served.
pub fn run(args: &ControllerArgs) -> anyhow::Result<Done> {
    doors::run(Role::Controller, &args.daemon)
}
