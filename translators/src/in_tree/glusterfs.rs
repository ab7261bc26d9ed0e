//! GlusterFS.
//!
//! # In-tree source
//! `glusterfs` of plugin `kubernetes.io/glusterfs`, in PersistentVolumes and pods, up
//! to Kubernetes 1.25.
//!
//! # CSI driver
//! None: gluster-csi-driver is archived, and Kadalu names directories in an index of
//! its own.
//!
//! # Fields
//! None.
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! Not translated.
//!
//! # What is lost
//! Nothing: objects stay as they are.
//!
//! # References
//! gluster/gluster-csi-driver, kadalu/kadalu

use super::stored::{About, InlineMode, Reach, Step, Store, Stored};
use crate::error::Error;
use crate::json::{Object, Path};

pub(super) struct GlusterFs;

const ABOUT: About = About {
    field: "glusterfs",
    plugin: "kubernetes.io/glusterfs",
    provisioners: &["kubernetes.io/glusterfs"],
    driver: None,
    block: false,
    inline: InlineMode::ManyOrReadOnly,
    reach: Reach::NotTranslatable,
    summary: "No CSI driver takes an existing directory of a GlusterFS volume.",
    known: &[],
    fields: &[],
    values: Vec::new,
};

fn error() -> Error {
    Error::NotTranslatable {
        path: Path::default(),
        driver: ABOUT.plugin.into(),
        reason: "its CSI driver is archived, and Kadalu, which mounts existing GlusterFS volumes, names directories in an index of its own".to_owned(),
        instead: "let Kadalu make a volume on the same GlusterFS (a KadaluStorage of type External) and copy the data into it, or mount the GlusterFS volume on the nodes and use a hostPath or local volume".to_owned(),
    }
}

impl Store for GlusterFs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, _: &mut Object<'_>, _: &mut Step<'_>) -> Result<Stored, Error> {
        Err(error())
    }

    fn storage_class(&self, _: &mut Object<'_>, _: &mut Step<'_>) -> Result<(), Error> {
        Err(error())
    }
}
