//! What an in-tree plugin's translation has to provide.

use std::borrow::Cow;

use super::csi_source::{CSI, CsiSource};
use super::fields::Fields;
use crate::error::Error;
use crate::json::{Object, Path, Value};

/// An in-tree plugin and the CSI driver that succeeds it.
pub(crate) trait Plugin: Sync {
    /// The plugin's name, as StorageClasses have it for their provisioner.
    fn name(&self) -> &'static str;

    /// The CSI driver's name.
    fn driver(&self) -> &'static str;

    /// Gives a PersistentVolume that has the plugin's source its CSI source, as
    /// kubelet and the attach/detach controller see it.
    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error>;

    /// What the source of a pod's volume becomes.
    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error>;

    /// Gives a PersistentVolume that has a CSI source the plugin's.
    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error>;

    /// Makes a StorageClass one for the CSI driver.
    fn storage_class(&self, class: &mut Object<'_>) -> Result<(), Error>;

    /// The fields of the source that nodes list a volume by, with `:` between them
    /// (kubernetes v1.23 `pkg/volume`, each plugin's `GetVolumeName`); none where the
    /// plugin has no attacher, and they list none.
    fn listed_by(&self) -> &'static [&'static str] {
        &[]
    }

    /// Completes a handle with what the id of a node tells.
    fn repair_handle<'h>(&self, handle: &'h str, _node_id: &str) -> Result<Cow<'h, str>, Error> {
        Ok(Cow::Borrowed(handle))
    }
}

/// What is particular to the PersistentVolume of a pod's volume.
pub(crate) struct Inline<'a> {
    /// The volume's name: unique for each disk, and rarely one that the API
    /// server would accept, so the volume exists in memory only.
    pub name: Cow<'a, str>,
    /// Its source.
    pub csi: CsiSource<'a>,
    /// Its one access mode.
    pub access_mode: &'static str,
}

impl<'a> Inline<'a> {
    /// The name that most plugins give: driver and handle.
    pub(crate) fn named_by_handle(csi: CsiSource<'a>, access_mode: &'static str) -> Self {
        Self {
            name: Cow::Owned(format!("{}-{}", csi.driver, csi.handle)),
            csi,
            access_mode,
        }
    }

    /// The PersistentVolume.
    pub(crate) fn into_volume(self) -> Object<'a> {
        let mut spec = Object::new();
        spec.set(CSI, self.csi.into_object());
        spec.set("accessModes", vec![Value::from(self.access_mode)]);
        spec.set("volumeMode", "Filesystem");
        let mut metadata = Object::new();
        metadata.set("name", self.name);
        let mut pv = Object::new();
        pv.set("metadata", metadata);
        pv.set("spec", spec);
        pv
    }
}

/// Puts an in-tree source where the CSI source of a PersistentVolume stands.
pub(crate) fn place_in_tree<'a>(
    pv: &mut Object<'a>,
    source: &'static str,
    value: Object<'a>,
) -> Result<(), Error> {
    pv.object_or_new("spec")?.replace(CSI, source, value);
    Ok(())
}

/// An access mode that follows `readOnly`.
pub(crate) fn access_mode(read_only: bool) -> &'static str {
    if read_only {
        "ReadOnlyMany"
    } else {
        "ReadWriteOnce"
    }
}

/// The error for a field that has no form in the target.
pub(crate) fn invalid(driver: &'static str, path: &[&str], reason: impl Into<String>) -> Error {
    Error::Invalid {
        driver: driver.into(),
        path: Path::of(path),
        reason: reason.into(),
    }
}
