//! The sidecars of a CSI driver that grow and snapshot volumes, and what a cluster needs
//! beside them.

use std::path::{Path, PathBuf};

use super::{Backend, Lab, containerd, images};
use crate::process::Process;
use crate::{StartError, programs};

/// external-resizer and external-snapshotter beside a driver, until the handle is dropped.
/// They run on this machine, with all rights: what the rights of `deploy/` are enough for
/// is seen where they run from there.
#[derive(Debug)]
pub struct Sidecars {
    _resizer: Process,
    _snapshotter: Process,
}

impl Sidecars {
    /// Starts them beside a driver of the backend, in a lab that knows VolumeSnapshots.
    /// One at a time in a lab.
    ///
    /// # Errors
    /// A program is not built, or cannot be executed.
    pub fn beside(lab: &Lab, backend: Backend) -> Result<Self, StartError> {
        let start = |program: &str| {
            let address = format!("--csi-address={}", backend.socket(lab).display());
            start(lab, program, &[&address])
        };
        Ok(Self {
            _resizer: start("csi-resizer")?,
            _snapshotter: start("csi-snapshotter")?,
        })
    }
}

impl Lab {
    /// Has the cluster know VolumeSnapshots: their definitions, and snapshot-controller;
    /// once.
    ///
    /// # Errors
    /// A program is not built, or the server refuses the definitions.
    pub async fn install_snapshots(&self) -> Result<(), StartError> {
        let installed = self.snapshots.get_or_try_init(async || {
            let definitions = programs::built("snapshot-crds")?;
            let apply = [
                Path::new("apply"),
                Path::new("--server-side"),
                Path::new("-f"),
            ];
            self.kubectl(apply.into_iter().chain([&*definitions]))
                .await?;
            let wait = ["wait", "--for=condition=Established", "--timeout=120s"];
            self.kubectl(wait.into_iter().chain(["crd", "--all"]))
                .await?;
            start(self, "snapshot-controller", &[])
        });
        installed.await.map(drop)
    }

    /// Gives all nodes the images of the sidecars: `csi-resizer:test` and
    /// `csi-snapshotter:test`.
    ///
    /// # Errors
    /// `testing/image/build` has not made them, or containerd refuses them.
    pub async fn import_sidecars(&self) -> Result<(), StartError> {
        let import = containerd::import(images::SIDECARS)?;
        let importing = self.nodes.iter().map(|node| node.run(&import));
        futures::future::try_join_all(importing).await.map(drop)
    }
}

fn start(lab: &Lab, program: &str, arguments: &[&str]) -> Result<Process, StartError> {
    let path: PathBuf = programs::built(program)?;
    let kubeconfig = format!("--kubeconfig={}", lab.cluster.kubeconfig().display());
    let arguments = arguments.iter().copied().chain([kubeconfig.as_str()]);
    Process::start(program, &path, arguments, lab.cluster.directory())
}
