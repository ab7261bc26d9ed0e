//! Sources that stay what they are: kubelet serves them itself in every version of
//! Kubernetes, and no CSI driver would do better.
//!
//! # In-tree source
//! `fc`, `iscsi`, `hostPath` and `local`, in PersistentVolumes; all but `local` in pods.
//!
//! # CSI driver
//! None: a vendor's driver knows only volumes that it made.
//!
//! # Fields
//! None.
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! There is no in-tree provisioner.
//!
//! # What is lost
//! Nothing: objects stay as they are.
//!
//! # References
//! kubernetes `staging/src/k8s.io/api/core/v1/types.go`, `PersistentVolumeSource`

use super::stored::{About, InlineMode, Reach, Step, Store, Stored};
use crate::error::Error;
use crate::json::Object;
use crate::note::Code;

pub(super) struct Kept(&'static About);

const fn about(field: &'static str, plugin: &'static str, summary: &'static str) -> About {
    About {
        field,
        plugin,
        provisioners: &[],
        driver: None,
        block: false,
        inline: InlineMode::OnceOrReadOnly,
        reach: Reach::Kept,
        summary,
        known: &[],
        fields: &[],
        values: Vec::new,
    }
}

/// Fibre Channel.
pub(super) static FC: Kept = Kept(
    const {
        &about(
            "fc",
            "kubernetes.io/fc",
            "Fibre Channel works in-tree and names the device itself; a vendor's CSI driver knows \
             only volumes that it made",
        )
    },
);

/// iSCSI.
pub(super) static ISCSI: Kept = Kept(
    const {
        &about(
            "iscsi",
            "kubernetes.io/iscsi",
            "iSCSI works in-tree and names the target itself; a vendor's CSI driver knows only \
             volumes that it made, or that the vendor's own tool imports",
        )
    },
);

/// Directories of nodes.
pub(super) static HOST_PATH: Kept = Kept(
    const {
        &about(
            "hostPath",
            "kubernetes.io/host-path",
            "a directory of a node needs no driver",
        )
    },
);

/// Disks and directories of one node.
pub(super) static LOCAL: Kept = Kept(
    const {
        &about(
            "local",
            "kubernetes.io/local-volume",
            "a local volume needs no driver",
        )
    },
);

impl Store for Kept {
    fn about(&self) -> &'static About {
        self.0
    }

    fn volume(&self, _: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        step.note(Code::Kept, &["spec", self.0.field], self.0.summary);
        Ok(Stored::Kept)
    }
}
