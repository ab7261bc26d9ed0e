//! `flex2csi node uninstall`.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use clap::Args;

use super::kept;
use super::site::{Site, SiteArgs};
use crate::daemon;
use crate::exit::{self, Done, Usage};
use crate::installation::{FlexDriver, InstalledDriver, Restored, Uninstaller, installed_drivers};
use crate::node_record::{self, Looked};

const EXAMPLES: &str = "\
Examples:
  # When the node is drained, and after that the daemon gone from it
  flex2csi node uninstall

  # And what the daemon has kept: nothing of flex2csi is left on the node
  flex2csi node uninstall --everything --config /etc/flex2csi/config.yaml

  # One driver, which was taken out of the daemon's configuration before
  flex2csi node uninstall --config /etc/flex2csi/config.yaml ceph.rook.io/rook

While a pod of this node has a volume of a driver, the driver stays: kubelet could not
unmount it any more. What was there before is there again afterwards.";

/// Remove the exec binaries from kubelet's plugin directory, and put back the drivers
/// that were there before.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UninstallArgs {
    /// FlexVolume drivers, as vendor/driver; all that are installed without any.
    #[arg(value_name = "DRIVER")]
    drivers: Vec<FlexDriver>,
    /// Remove also what the daemon keeps: its records, its sockets, and the registration
    /// of its CSI endpoints, once no volume needs them.
    #[arg(long, conflicts_with = "drivers")]
    everything: bool,
    /// Stay when all is done, until told to end: for a DaemonSet, which starts again what
    /// ends.
    #[arg(long)]
    stay: bool,
    #[command(flatten)]
    site: SiteArgs,
}

/// Uninstalls what nothing needs.
///
/// # Errors
/// It cannot be told what is installed and needed.
pub(super) fn run(args: &UninstallArgs) -> anyhow::Result<Done> {
    let done = uninstall_all(args)?;
    if args.stay && done == Done::All {
        return daemon::run(async |shutdown| {
            say("nothing is left to do; staying until told to end")?;
            shutdown.cancelled().await;
            Ok(done)
        });
    }
    Ok(done)
}

fn uninstall_all(args: &UninstallArgs) -> anyhow::Result<Done> {
    let site = Site::of(&args.site)?;
    let installed = installed_drivers(&site.plugin_directory)?;
    let looked = node_record::look(&site.records, &site.kubelet_root)?;
    if let Some(refused) = looked.refused.first() {
        return Err(Usage(format!(
            "the record {} cannot be trusted, so it cannot be told which drivers are needed: {}; \
             put it right, or remove it when nothing of its volume is mounted on this node",
            refused.file.display(),
            refused.why
        ))
        .into());
    }
    let drivers = if args.drivers.is_empty() {
        let all = installed.iter().map(|installed| installed.driver.clone());
        all.collect()
    } else {
        args.drivers.clone()
    };
    if drivers.is_empty() {
        say(&format!(
            "nothing of flex2csi is installed in {}",
            site.plugin_directory.display()
        ))?;
    }
    for record in looked
        .records
        .iter()
        .filter(|record| record.mounts.is_empty())
    {
        warn(&format!(
            "the volume {} of {} is still to be unstaged or detached, which the daemon does",
            record.volume.handle, record.volume.driver
        ));
    }
    let mut done = Done::All;
    for driver in drivers {
        match uninstall(&site, &installed, &looked, &driver) {
            Ok(text) => say(&format!("{driver}: {text}"))?,
            Err(error) => {
                done = Done::Some;
                // Nobody is left to tell if this fails.
                let _ = writeln!(anstream::stderr(), "error: {error:#}");
            }
        }
    }
    if args.everything {
        anyhow::ensure!(
            done == Done::All,
            "the daemon's records and sockets stay while a driver is needed"
        );
        kept::remove(&site, &looked)?;
        say("the daemon's records and sockets are removed")?;
    }
    Ok(done)
}

fn uninstall(
    site: &Site,
    installed: &[InstalledDriver],
    looked: &Looked,
    driver: &FlexDriver,
) -> anyhow::Result<String> {
    let is_served = site
        .served
        .as_ref()
        .is_none_or(|served| served.contains(&driver.to_string()));
    let socket = installed
        .iter()
        .find(|installed| installed.driver == *driver)
        .and_then(|installed| installed.socket.as_ref());
    if let Some(socket) = socket
        && is_served
        && UnixStream::connect(socket).is_ok()
    {
        anyhow::bail!(
            "{driver} is served by a daemon at {}, which would install it again: delete the \
             DaemonSet first, or take the driver out of its configuration and give that with \
             --config",
            socket.display()
        );
    }
    let name = driver.to_string();
    let mounts: Vec<PathBuf> = looked
        .records
        .iter()
        .filter(|record| *record.legacy_driver == *name)
        .flat_map(|record| &record.mounts)
        .map(|mount| mount.target.to_path_buf())
        .collect();
    let uninstaller = Uninstaller {
        plugin_directory: site.plugin_directory.clone(),
        kubelet_root: site.kubelet_root.clone(),
        driver: driver.clone(),
        exec_binary: site.exec_binary.clone(),
    };
    Ok(match uninstaller.uninstall(&mounts)? {
        Restored::NothingThere => "nothing of flex2csi is installed".to_owned(),
        Restored::Original => "the driver that was there before is there again".to_owned(),
        Restored::Removed => "removed; nothing was there before".to_owned(),
        Restored::Others(names) => {
            let names = names.join(", ");
            format!("removed; files that are not flex2csi's stay in its directory: {names}")
        }
    })
}

fn warn(text: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(anstream::stderr(), "warning: {text}");
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}").map_err(exit::output)
}
