//! CephFS.
//!
//! # In-tree source
//! `cephfs` of plugin `kubernetes.io/cephfs`, in PersistentVolumes and pods, up to
//! Kubernetes 1.30; classes of the external provisioner `ceph.com/cephfs`. No
//! runtime translation ever existed.
//!
//! # CSI driver
//! `cephfs.csi.ceph.com`, or as the value `driver` says.
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | the volume's name | `volumeHandle` |
//! | `monitors` | attribute `clusterID`, by the values `clusters` or `clusterID` |
//! | `path` | attribute `rootPath`, `/` where it is unset |
//! | `user`, `secretRef` | `nodeStageSecretRef`: a new Secret with `userID` and `userKey`, or that of the values |
//! | `readOnly` | the same |
//!
//! The attribute `fsName` is a value's.
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! `monitors` gives `clusterID` and `fsName`; the administrator's Secret is that of
//! all calls.
//!
//! # What is lost
//! `secretFile`. A static volume is neither deleted nor expanded nor snapshotted.
//!
//! # References
//! ceph-csi `docs/static-pvc.md`

use super::ceph;
use super::stored::{
    About, InlineMode, Origin, Reach, Rewrite, Step, Store, Stored, StoredCsi, field, missing,
    table, text, write_csi,
};
use crate::error::Error;
use crate::json::Object;
use crate::note::Code;
use crate::values::ValueSpec;

pub(super) struct CephFs;

const ABOUT: About = About {
    field: "cephfs",
    plugin: "kubernetes.io/cephfs",
    provisioners: &["ceph.com/cephfs"],
    driver: Some("cephfs.csi.ceph.com"),
    block: false,
    inline: InlineMode::ManyOrReadOnly,
    reach: Reach::NeedsValue,
    summary: "A static volume of ceph-csi; it cannot be deleted, expanded or snapshotted through CSI.",
    known: &[
        "monitors",
        "path",
        "user",
        "secretFile",
        "secretRef",
        "readOnly",
    ],
    fields: &[
        field(
            "spec.csi.driver",
            "values driver",
            "cephfs.csi.ceph.com without it",
        ),
        field(
            "spec.csi.volumeHandle",
            "metadata.name",
            "any text that no other volume has",
        ),
        field("spec.csi.readOnly", "spec.cephfs.readOnly", ""),
        field(
            "spec.csi.nodeStageSecretRef",
            "spec.cephfs.secretRef",
            "a new Secret with the keys userID and userKey; or values secretName and secretNamespace",
        ),
        field(
            "spec.csi.volumeAttributes.clusterID",
            "values clusters, clusterID",
            "by spec.cephfs.monitors joined with commas",
        ),
        field("spec.csi.volumeAttributes.fsName", "values fsName", ""),
        field(
            "spec.csi.volumeAttributes.rootPath",
            "spec.cephfs.path",
            "/ where it is unset",
        ),
        field("spec.csi.volumeAttributes.staticVolume", "", "true"),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    let mut values = ceph::values(true);
    values.push(text(
        "fsName",
        true,
        "the name of the Ceph filesystem (`ceph fs ls`)",
    ));
    values.push(table(
        "fsNames",
        false,
        "the names of the filesystems by clusterID, where there are several clusters",
    ));
    values
}

fn fs_name(cluster: &str, step: &Step<'_>) -> Result<String, Error> {
    let values = step.values();
    let name = values
        .entry(ABOUT.field, "fsNames", cluster)
        .or_else(|| values.text(ABOUT.field, "fsName"));
    name.map(str::to_owned)
        .ok_or_else(|| missing(&ABOUT, "fsName"))
}

impl Store for CephFs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let origin = Origin::read(pv, &ABOUT, step)?;
        let cluster = ceph::cluster_id(&ABOUT, &ceph::monitors(&origin, &ABOUT)?, step)?;
        let credentials = ceph::static_credentials(pv, &origin, &ABOUT, step)?;
        origin.dropped(
            "secretFile",
            "the driver takes keys from Secrets only",
            step,
        );
        let path = origin.text("path")?;
        let mut attributes = Object::new();
        attributes.set("clusterID", cluster.clone());
        attributes.set("fsName", fs_name(&cluster, step)?);
        attributes.set("staticVolume", "true");
        attributes.set("rootPath", if path.is_empty() { "/".into() } else { path });
        let driver = step.driver(&ABOUT);
        let mut csi = Object::new();
        csi.set("driver", driver.clone());
        csi.set("volumeHandle", super::stored::name(pv)?);
        csi.set("readOnly", origin.read_only);
        csi.set("nodeStageSecretRef", credentials.reference);
        csi.set("volumeAttributes", attributes);
        write_csi(pv, &ABOUT, csi)?;
        step.note(
            Code::FsGroupChown,
            &["spec", ABOUT.field],
            "the in-tree plugin never changed the owner of files; the CSI driver's usual \
             fsGroupPolicy File lets kubelet do it",
        );
        ceph::static_limits(pv, step)?;
        Ok(Stored::Csi(StoredCsi {
            extra: credentials.extra,
            ..StoredCsi::of(driver, &ABOUT)
        }))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        let old = super::stored::read_parameters(class)?;
        let monitors = ceph::parameter(&old, "monitors");
        let cluster = ceph::cluster_id(&ABOUT, monitors, step)?;
        let mut new = Rewrite::default();
        new.set("clusterID", cluster.clone());
        new.set("fsName", fs_name(&cluster, step)?);
        ceph::class_secrets(
            &old,
            &["provisioner", "controller-expand", "node-stage"],
            &[],
            &ABOUT,
            &mut new,
            step,
        );
        for (key, value) in old {
            match key.to_lowercase().as_str() {
                "adminid" | "adminsecretname" | "adminsecretnamespace" => {}
                "monitors" | "cluster" => {
                    super::stored::said_by(&key, "clusterID", step);
                }
                _ => new.rest(&key, value, step),
            }
        }
        new.write(class);
        super::stored::set_provisioner(class, &step.driver(&ABOUT), step);
        Ok(())
    }
}
