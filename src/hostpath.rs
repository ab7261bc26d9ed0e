//! A CSI driver of our own, to try, test and demonstrate with: `flex2csi hostpath`.
//!
//! Volumes are directories, or files behind loop devices. Every call is a
//! method of [`driver::Driver`] that blocks and is done on a thread of its own;
//! [`services`] has them as tonic wants them.
//!
//! What is known is in records, a JSON file each ([`records`]), under a lock each
//! ([`lock`]) that also keeps out other processes that share the state directory.
//! What is about to be done is recorded first, and every step can be done twice:
//! an end at any point leaves what [`recovery`] puts right. What is mounted and
//! attached is recorded before, and then asked of the kernel: a record says only
//! where a volume may be.
//!
//! ```text
//! <state directory>/
//!   volumes/<id>.json, snapshots/…, groups/…, nodes/…   records, locks/ beside them
//!   data/volumes/<id>, data/snapshots/<id>              directories and images
//! ```
//!
//! The SnapshotMetadata service (alpha in CSI 1.12) is left out.

use crate::exit::{Done, Usage};
use crate::metrics::{Door, Metrics};
use crate::operations::{Conditions, Operations, Server};
use crate::{daemon, log};

mod args;
mod capability;
mod capacity;
mod contents;
mod controller;
mod driver;
mod error;
mod faults;
mod file_copy;
mod filesystem;
mod freeze;
mod group_controller;
mod id;
mod identity;
mod kind;
mod kubelet;
mod limits;
mod lock;
mod loop_device;
mod mount_options;
mod mounts;
mod node;
mod node_record;
mod open;
mod parameters;
mod program;
mod record_file;
mod records;
mod recovery;
mod rpc;
mod serve;
mod services;
mod size;
mod snapshot;
mod topology;
mod tree_copy;
mod volume;

pub use args::{GivenVolume, GivenVolumeError, HostpathArgs, ServiceArg};
pub use faults::{Fault, FaultError};
pub use kind::Kind;
pub use size::{Size, SizeError};

use crate::user_namespace::{self, Rights};
use services::Services;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// The state directory cannot be used or has records that are damaged, or a
/// socket cannot be had.
pub fn run(args: &HostpathArgs) -> anyhow::Result<Done> {
    if args.controller_endpoint.as_deref() == Some(&args.endpoint) {
        return Err(
            Usage("--endpoint and --controller-endpoint are the same socket".into()).into(),
        );
    }
    if args.kubelet_registry.is_some() && !args.services.contains(&ServiceArg::Node) {
        let message =
            "kubelet registers drivers that have the node service: leave --kubelet-registry out";
        return Err(Usage(message.into()).into());
    }
    let log = log::install(args.log_format, &args.log_level)?;
    let rights = user_namespace::enter()?;
    if rights == Rights::Namespace {
        tracing::warn!(
            "not root: directories alone are served, and their mounts are to be seen by this \
             process alone; filesystems and block devices are left out"
        );
    }
    let driver = open::open(args, rights == Rights::Root)?;
    daemon::run(async |shutdown| {
        let metrics = Metrics::new();
        let calls = metrics.calls(Door::Hostpath, &driver.name);
        if let Some(listen) = &args.operations {
            let operations = Operations {
                metrics,
                conditions: Conditions::default(),
                log,
            };
            let server = Server::bind(listen).await?;
            tokio::spawn(server.serve(operations, shutdown.clone()));
        }
        let services = Services::new(driver, calls);
        serve::serve(services, args, shutdown).await?;
        Ok(Done::All)
    })
}
