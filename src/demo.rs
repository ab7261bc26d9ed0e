//! `flex2csi demo`: the whole loop on one machine, without a cluster.

mod backend;
mod children;
mod csi;
mod daemon;
mod kubelet;
mod place;
mod report;
mod story;
mod volumes;

use clap::Args;

use crate::daemon as runtime;
use crate::exit::Done;
use crate::user_namespace::{self, Rights};
use place::Place;
use report::Report;

const EXAMPLES: &str = "\
Example:
  flex2csi demo

As root it mounts below a temporary directory of its own. Without root it does so in a user
namespace (unshare, of util-linux), where only its own processes see the mounts.";

/// Show the whole loop on this machine: a CSI driver, the node daemon, and what kubelet calls.
///
/// A FlexVolume and an in-tree volume are mounted through CSI drivers, written, expanded,
/// snapshotted and restored; the daemon is killed in between. Nothing is left behind.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {}

/// Shows it.
///
/// # Errors
/// A step failed, or we may not mount.
pub fn run(_: &DemoArgs) -> anyhow::Result<Done> {
    let rights = user_namespace::enter()?;
    runtime::run(async |shutdown| {
        let mut report = Report::new();
        let place = Place::new()?;
        report.say(&match rights {
            Rights::Root => format!("As root, in {}.", place.path().display()),
            Rights::Namespace => format!(
                "Not as root: in a user namespace, in {}. Left out: nothing but that others see \
                 the mounts.",
                place.path().display()
            ),
        })?;
        let told = shutdown
            .run_until_cancelled(story::tell(&place, &mut report))
            .await;
        match told {
            Some(told) => told?,
            None => anyhow::bail!("interrupted; what was mounted is unmounted"),
        }
        place.remove()?;
        report.end()?;
        Ok(Done::All)
    })
}
