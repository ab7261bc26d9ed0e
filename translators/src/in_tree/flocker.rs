//! Flocker.
//!
//! # In-tree source
//! `flocker` of plugin `kubernetes.io/flocker`, in PersistentVolumes and pods, up to
//! Kubernetes 1.24.
//!
//! # CSI driver
//! None: the product ended in 2016.
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
//! ClusterHQ/flocker

use super::stored::{About, InlineMode, Reach, Step, Store, Stored};
use crate::error::Error;
use crate::json::{Object, Path};

pub(super) struct Flocker;

const ABOUT: About = About {
    field: "flocker",
    plugin: "kubernetes.io/flocker",
    provisioners: &["kubernetes.io/flocker"],
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
        reason: "Flocker ended in 2016 and has no CSI driver".to_owned(),
        instead:
            "find the cloud disk behind the dataset, and write a volume for that disk's CSI driver"
                .to_owned(),
    }
}

impl Store for Flocker {
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
