//! In-tree sources in objects that are kept: the runtime translation where it
//! is good enough, and what it leaves out or gets wrong for an object that the
//! API server stores, each with a note.
//!
//! What a source becomes stays what kubelet already works with at run time,
//! unless that cannot be stored or does not work: only then may a volume be
//! rewritten under running pods.

mod about;
mod allowed_topologies;
mod origin;
mod parameters;
mod runtime;
mod secret;
mod site;
mod step;

use std::borrow::Cow;

use super::aws_ebs::AwsEbs;
use super::azure_disk::AzureDisk;
use super::azure_file::AzureFile;
use super::cephfs::CephFs;
use super::cinder::Cinder;
use super::flocker::Flocker;
use super::gce_pd::GcePd;
use super::glusterfs::GlusterFs;
use super::kept;
use super::nfs::Nfs;
use super::photon::PhotonPersistentDisk;
use super::portworx::Portworx;
use super::quobyte::Quobyte;
use super::rbd::Rbd;
use super::scaleio::ScaleIo;
use super::storageos::StorageOs;
use super::vsphere::Vsphere;
use crate::context::Context;
use crate::error::Error;
use crate::json::{At, Object, Path};
use crate::note::Note;
use crate::storage_class::StorageClass;
use crate::values::Values;

pub(crate) use about::{About, InlineMode, field};
pub use about::{FieldOrigin, Reach, SourceInfo};
pub(crate) use allowed_topologies::tidy as tidy_topologies;
pub(crate) use origin::{Origin, claim_namespace, name, write_csi};
pub(crate) use parameters::dropped as parameter_dropped;
pub(crate) use parameters::{FS_TYPE, Rewrite, said_by};
pub(crate) use parameters::{provisioner as set_provisioner, read as read_parameters};
pub(crate) use runtime::{class_as_at_run_time, csi, volume_as_at_run_time};
pub(crate) use secret::{ceph_secret, ceph_secret_name};
pub(crate) use site::{choice, missing, missing_entry, table, text, value};
pub(crate) use step::Step;

/// What became of a volume.
pub(crate) enum Stored {
    /// It has a CSI source now.
    Csi(StoredCsi),
    /// It is left as it is; the notes say why.
    Kept,
}

/// A volume that has its CSI source.
pub(crate) struct StoredCsi {
    /// The CSI driver.
    pub driver: Cow<'static, str>,
    /// Who deletes and expands it: the value of the annotations.
    pub provisioner: Cow<'static, str>,
    /// Whether the driver gives block devices, to one node at a time.
    pub block: bool,
    /// New Secrets.
    pub extra: Vec<Object<'static>>,
}

impl StoredCsi {
    /// A volume of a driver that needs nothing beside it.
    pub(crate) fn of(driver: Cow<'static, str>, about: &About) -> Self {
        Self {
            provisioner: driver.clone(),
            driver,
            block: about.block,
            extra: Vec::new(),
        }
    }
}

/// An in-tree source, as far as objects that are kept are concerned.
pub(crate) trait Store: Sync {
    /// What is known of it.
    fn about(&self) -> &'static About;

    /// Gives a PersistentVolume that has this source its CSI source.
    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error>;

    /// Makes a StorageClass of one of the source's provisioners one for its CSI
    /// driver.
    fn storage_class(&self, _class: &mut Object<'_>, _step: &mut Step<'_>) -> Result<(), Error> {
        Err(Error::NoTranslation {
            path: Path::default(),
            what: format!("StorageClasses of {}", self.about().plugin),
        })
    }

    /// The parameters that the class of a volume would have after translation,
    /// if they say other Secrets than before.
    fn class_secrets(&self, _class: &StorageClass) -> Option<Vec<(String, String)>> {
        None
    }
}

/// Every in-tree source that Kubernetes has or had.
static SOURCES: [&dyn Store; 20] = [
    &AwsEbs,
    &AzureDisk,
    &AzureFile,
    &CephFs,
    &Cinder,
    &kept::FC,
    &Flocker,
    &GcePd,
    &GlusterFs,
    &kept::HOST_PATH,
    &kept::ISCSI,
    &kept::LOCAL,
    &Nfs,
    &PhotonPersistentDisk,
    &Portworx,
    &Quobyte,
    &Rbd,
    &ScaleIo,
    &StorageOs,
    &Vsphere,
];

fn by_field(field: &str) -> Option<&'static dyn Store> {
    let mut sources = SOURCES.iter().copied();
    sources.find(|source| source.about().field == field)
}

fn by_provisioner(provisioner: &str) -> Option<&'static dyn Store> {
    let mut sources = SOURCES.iter().copied();
    sources.find(|source| source.about().provisioners.contains(&provisioner))
}

/// Gives a PersistentVolume the CSI source in which it is kept. `field` is the
/// member of `spec` that holds its source.
///
/// # Errors
/// The source cannot be translated, or not without a value that is missing.
pub(crate) fn volume<'a>(
    field: &str,
    pv: &mut Object<'a>,
    context: &Context<'_>,
    notes: &mut Vec<Note>,
) -> Result<Stored, Error> {
    let source = by_field(field).ok_or_else(|| Error::NoTranslation {
        path: Path::of(&["spec"]),
        what: format!("the source {field}"),
    })?;
    let result = source.volume(pv, &mut Step { context, notes });
    result.map_err(|error| error.about(&["spec", source.about().field]))
}

/// Makes a StorageClass one for the CSI driver that succeeds its provisioner;
/// false if the provisioner is none of an in-tree source, and nothing was done.
///
/// # Errors
/// A parameter has no form for the CSI driver, or a value is missing.
pub(crate) fn storage_class<'a>(
    class: &mut Object<'a>,
    context: &Context<'_>,
    notes: &mut Vec<Note>,
) -> Result<bool, Error> {
    let provisioner = class.str("provisioner")?.unwrap_or_default();
    let Some(source) = by_provisioner(&provisioner) else {
        return Ok(false);
    };
    let result = source.storage_class(class, &mut Step { context, notes });
    result.map_err(|error| error.about(&["provisioner"]))?;
    Ok(true)
}

/// The CSI driver that takes over from a legacy provisioner.
pub(crate) fn provisioner_of(legacy: &str, values: &Values) -> Option<Cow<'static, str>> {
    by_provisioner(legacy)?.about().driver_for(values)
}

/// The CSI driver that takes over from a source.
pub(crate) fn driver_of(field: &str, values: &Values) -> Option<Cow<'static, str>> {
    by_field(field)?.about().driver_for(values)
}

/// A class's parameters as they are for the CSI driver, as far as Secrets are
/// concerned.
pub(crate) fn class_parameters(class: &StorageClass) -> Cow<'_, [(String, String)]> {
    let secrets = by_provisioner(&class.provisioner).and_then(|source| source.class_secrets(class));
    match secrets {
        Some(parameters) => Cow::Owned(parameters),
        None => Cow::Borrowed(&class.parameters),
    }
}

/// Whether a handle is the runtime translation's and a kept volume has another:
/// GCE's without a project, and vSphere's path.
pub(crate) fn handle_changes(driver: &str, handle: &str, values: &Values) -> bool {
    match driver {
        "pd.csi.storage.gke.io" => {
            let kept = values.text("gcePersistentDisk", "project") == Some("UNSPECIFIED");
            handle.starts_with("projects/UNSPECIFIED/") && !kept
        }
        "csi.vsphere.vmware.com" => handle.starts_with('['),
        _ => false,
    }
}

/// Refuses a volume that went back to a source which does not say any more what
/// it names: the library leaves a vSphere path and RBD monitors empty.
pub(crate) fn check_back(pv: &mut Object<'_>) -> Result<(), Error> {
    let Some(spec) = pv.object("spec")? else {
        return Ok(());
    };
    let lost = |source: &'static str, field: &'static str| Error::NotTranslatable {
        path: Path::of(&["spec", source, field]),
        driver: source.into(),
        reason: format!("its CSI form does not say the {field} of the in-tree source"),
        instead: "restore the volume from a backup of the object as it was".to_owned(),
    };
    if let Some(source) = spec.object("vsphereVolume").at(&["spec"])? {
        let path = source.str("volumePath").at(&["spec", "vsphereVolume"])?;
        if path.is_none_or(|path| path.is_empty()) {
            return Err(lost("vsphereVolume", "volumePath"));
        }
    }
    if spec.object("rbd").at(&["spec"])?.is_some() {
        return Err(lost("rbd", "monitors"));
    }
    Ok(())
}

/// The access mode of a volume made of an inline volume of that source.
pub(crate) fn inline_access_modes(field: &str, read_only: bool) -> &'static str {
    let mode = by_field(field).map_or(InlineMode::Once, |source| source.about().inline);
    match (mode, read_only) {
        (InlineMode::Once, _) | (InlineMode::OnceOrReadOnly, false) => "ReadWriteOnce",
        (InlineMode::OnceOrReadOnly | InlineMode::ManyOrReadOnly, true) => "ReadOnlyMany",
        (InlineMode::Many, _) | (InlineMode::ManyOrReadOnly, false) => "ReadWriteMany",
    }
}

/// The members of a volume whose source does not stay what it is whatever is asked for.
pub(crate) fn moving() -> impl Iterator<Item = &'static str> {
    let abouts = SOURCES.iter().map(|source| source.about());
    let moving = abouts.filter(|about| about.reach != Reach::Kept);
    moving.map(|about| about.field)
}

/// Every in-tree source, for `flex2csi drivers` and `flex2csi explain`.
pub fn catalogue() -> impl Iterator<Item = SourceInfo> {
    SOURCES.iter().map(|source| source.about().info())
}
