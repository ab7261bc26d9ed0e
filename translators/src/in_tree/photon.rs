//! Photon Controller.
//!
//! # In-tree source
//! `photonPersistentDisk` of plugin `kubernetes.io/photon-pd`, in PersistentVolumes
//! and pods, up to Kubernetes 1.16.
//!
//! # CSI driver
//! None: the product ended in 2017.
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
//! vmware/photon-controller

use super::stored::{About, InlineMode, Reach, Step, Store, Stored};
use crate::error::Error;
use crate::json::{Object, Path};

pub(super) struct PhotonPersistentDisk;

const ABOUT: About = About {
    field: "photonPersistentDisk",
    plugin: "kubernetes.io/photon-pd",
    provisioners: &["kubernetes.io/photon-pd"],
    driver: None,
    block: false,
    inline: InlineMode::Once,
    reach: Reach::NotTranslatable,
    summary: "The product ended without a CSI driver.",
    known: &[],
    fields: &[],
    values: Vec::new,
};

fn error() -> Error {
    Error::NotTranslatable {
        path: Path::default(),
        driver: ABOUT.plugin.into(),
        reason: "the Photon Controller ended in 2017 and has no CSI driver".to_owned(),
        instead: "copy the data to a volume of another StorageClass".to_owned(),
    }
}

impl Store for PhotonPersistentDisk {
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
