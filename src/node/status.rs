//! `flex2csi node status`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::mount_row::{self, MountRow};
use super::site::{Site, SiteArgs};
use super::table;
use crate::exit::Done;
use crate::installation::{FlexDriver, InstallError, installed_drivers};
use crate::listing::{self, ListFormat};
use crate::mountinfo::MountTable;
use crate::node_record;
use crate::original_mounts::OriginalMounts;

const EXAMPLES: &str = "\
Examples:
  flex2csi node status
  kubectl exec -n flex2csi-system POD -- /flex2csi node status -o json

It reads the daemon's record and what is mounted, and asks neither the daemon nor the
cluster.";

/// List what is mounted through the daemon on this node, and what is still the
/// original driver's.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t = ListFormat::Table, value_name = "FORMAT")]
    output: ListFormat,
    #[command(flatten)]
    site: SiteArgs,
}

/// Lists.
///
/// # Errors
/// What is on the node cannot be read, or the output not be written.
pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Done> {
    let site = Site::of(&args.site)?;
    let mounts = MountTable::read().context("cannot read what is mounted")?;
    let looked = node_record::look(&site.records, &site.kubelet_root)?;
    let mut rows: Vec<MountRow> = looked
        .records
        .iter()
        .flat_map(|record| mount_row::of_record(record, &mounts))
        .collect();

    let recorded = mount_row::targets(&looked.records);
    for driver in drivers(&site)? {
        let are_mounted =
            |paths: &[PathBuf]| Ok(paths.iter().map(|path| mounts.at(path).is_some()).collect());
        let recorded = || recorded.clone();
        let found = OriginalMounts::find(&site.kubelet_root, &driver, are_mounted, recorded)
            .with_context(|| format!("cannot look for mounts of {driver}"))?;
        rows.extend(found.pods.into_iter().map(mount_row::of_original));
    }
    let done = match args.output {
        ListFormat::Table => listing::print(&table::mounts(&rows))?,
        format => listing::structured(&rows, format)?,
    };
    for refused in &looked.refused {
        // Nobody is left to tell if this fails.
        let _ = writeln!(
            anstream::stderr(),
            "error: the record {} cannot be trusted: {}; its volume is not listed",
            refused.file.display(),
            refused.why
        );
    }
    Ok(if looked.refused.is_empty() {
        done
    } else {
        Done::Some
    })
}

/// Every FlexVolume driver that we know of here.
fn drivers(site: &Site) -> anyhow::Result<BTreeSet<FlexDriver>> {
    let installed = match installed_drivers(&site.plugin_directory) {
        Ok(installed) => installed,
        Err(InstallError::NoPluginDirectory { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let served = site.served.iter().flatten();
    Ok(installed
        .into_iter()
        .map(|installed| installed.driver)
        .chain(served.filter_map(|driver| driver.parse().ok()))
        .collect())
}
