//! NFS, which works in-tree in every version of Kubernetes: left as it is unless the
//! site asks for the CSI driver.
//!
//! # In-tree source
//! `nfs` of plugin `kubernetes.io/nfs`, in PersistentVolumes and pods.
//!
//! # CSI driver
//! `nfs.csi.k8s.io`, or as the value `driver` says; with the value `translate` only.
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `server`, `path`, the volume's name | `volumeHandle`: joined with `#`, the path without slashes at its ends |
//! | `server`, `path` | attributes `server` and `share` |
//! | `readOnly` | the same |
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! There is no in-tree provisioner.
//!
//! # What is lost
//! Nothing; kubelet may change the owner of files, which it never did in-tree.
//!
//! # References
//! csi-driver-nfs `docs/driver-parameters.md`

use super::stored::{
    About, InlineMode, Origin, Reach, Step, Store, Stored, StoredCsi, field, value, write_csi,
};
use crate::error::Error;
use crate::json::Object;
use crate::note::Code;
use crate::values::{ValueKind, ValueSpec};

pub(super) struct Nfs;

const ABOUT: About = About {
    field: "nfs",
    plugin: "kubernetes.io/nfs",
    provisioners: &[],
    driver: Some("nfs.csi.k8s.io"),
    block: false,
    inline: InlineMode::ManyOrReadOnly,
    reach: Reach::OnRequest,
    summary: "Kept, for it works in-tree; with the value `translate: true` a static volume of csi-driver-nfs.",
    known: &["server", "path", "readOnly"],
    fields: &[
        field(
            "spec.csi.driver",
            "values driver",
            "nfs.csi.k8s.io without it",
        ),
        field(
            "spec.csi.volumeHandle",
            "spec.nfs.server, spec.nfs.path, metadata.name",
            "joined with #, as the driver's own; unique for two volumes of one export",
        ),
        field("spec.csi.readOnly", "spec.nfs.readOnly", ""),
        field("spec.csi.volumeAttributes.server", "spec.nfs.server", ""),
        field("spec.csi.volumeAttributes.share", "spec.nfs.path", ""),
        field("spec.mountOptions", "spec.mountOptions", "as they are"),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    vec![
        value(
            "translate",
            ValueKind::Switch,
            false,
            Some("false"),
            "whether NFS volumes become CSI volumes; they work in-tree too",
        ),
        super::stored::text(
            "driver",
            false,
            "the CSI driver's name, if not nfs.csi.k8s.io",
        ),
    ]
}

impl Store for Nfs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        if !step.values().switch(ABOUT.field, "translate") {
            step.advise(
                Code::Kept,
                &["spec", ABOUT.field],
                "NFS works in-tree and is not planned to be removed",
                "set the value `nfs: {translate: true}` if it is to be CSI nonetheless",
            );
            return Ok(Stored::Kept);
        }
        let origin = Origin::read(pv, &ABOUT, step)?;
        let server = origin.required("server")?;
        let path = origin.required("path")?;
        let share = path.trim_matches('/');
        let driver = step.driver(&ABOUT);
        let mut attributes = Object::new();
        let mut csi = Object::new();
        csi.set("driver", driver.clone());
        csi.set(
            "volumeHandle",
            format!("{server}#{share}#{}", super::stored::name(pv)?),
        );
        csi.set("readOnly", origin.read_only);
        attributes.set("server", server);
        attributes.set("share", path);
        csi.set("volumeAttributes", attributes);
        write_csi(pv, &ABOUT, csi)?;
        step.note(
            Code::FsGroupChown,
            &["spec", ABOUT.field],
            "the in-tree plugin never changed the owner of files; the CSI driver's usual \
             fsGroupPolicy File lets kubelet do it",
        );
        step.retain_only(pv)?;
        Ok(Stored::Csi(StoredCsi::of(driver, &ABOUT)))
    }
}
