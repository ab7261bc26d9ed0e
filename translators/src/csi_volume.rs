//! What CSI calls need of a PersistentVolume in CSI form, and what kubelet makes of
//! it: access modes, paths, the files beside them, which errors are final.

mod access_mode;
mod kubelet;
mod legacy_secret;
mod ownership;
mod status;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use access_mode::{AccessMode, CsiAccessMode};
pub use kubelet::{POD_INFO, staging_directory, volume_data};
pub use legacy_secret::{pod_of_inline, secret_contents, secret_of_flex_volume};
pub use ownership::{Ownership, OwnershipPolicy};
pub use status::is_final;

use crate::error::Error;
use crate::json::{At, Object, Path, Value};
use crate::source::CSI;

const SPEC: &[&str] = &["spec"];
const AT: &[&str] = &["spec", CSI];

/// A PersistentVolume in CSI form, as far as its driver is told of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsiVolume {
    /// `metadata.name`
    pub name: String,
    /// `spec.csi.driver`
    pub driver: String,
    /// `spec.csi.volumeHandle`
    pub handle: String,
    /// `spec.csi.fsType`; empty where it has none.
    pub fs_type: String,
    /// `spec.csi.volumeAttributes`
    pub attributes: BTreeMap<String, String>,
    /// `spec.csi.readOnly`, of which only ControllerPublish is told.
    pub read_only: bool,
    /// The Secrets that it names.
    pub secrets: SecretRefs,
    /// `spec.mountOptions`, in their order.
    pub mount_options: Vec<String>,
    /// `spec.accessModes`, in their order.
    pub access_modes: Vec<AccessMode>,
    /// `spec.volumeMode` is `Block`.
    pub is_block: bool,
}

/// A Secret that a volume names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The Secrets that a volume names for its driver's calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretRefs {
    /// For NodeStageVolume.
    pub node_stage: Option<SecretRef>,
    /// For NodePublishVolume.
    pub node_publish: Option<SecretRef>,
    /// For NodeExpandVolume.
    pub node_expand: Option<SecretRef>,
    /// For ControllerExpandVolume.
    pub controller_expand: Option<SecretRef>,
}

impl CsiVolume {
    /// Reads a PersistentVolume; `None` if it is in another form.
    ///
    /// # Errors
    /// A member has another type than the API gives it, or one that every call
    /// needs is missing.
    pub fn read(pv: &mut Object<'_>) -> Result<Option<Self>, Error> {
        let name = match pv.object("metadata")? {
            Some(metadata) => text(metadata, "name").at(&["metadata"])?,
            None => String::new(),
        };
        let Some(spec) = pv.object("spec")? else {
            return Ok(None);
        };
        let mount_options = texts(spec, "mountOptions")?;
        let access_modes = texts(spec, "accessModes")?;
        let is_block = spec.str("volumeMode").at(SPEC)?.as_deref() == Some("Block");
        let Some(csi) = spec.object(CSI).at(SPEC)? else {
            return Ok(None);
        };
        let volume = Self {
            name,
            driver: required(csi, "driver")?,
            handle: required(csi, "volumeHandle")?,
            fs_type: text(csi, "fsType").at(AT)?,
            read_only: csi.bool("readOnly").at(AT)? == Some(true),
            attributes: attributes(csi)?,
            secrets: SecretRefs {
                node_stage: secret_ref(csi, "nodeStageSecretRef")?,
                node_publish: secret_ref(csi, "nodePublishSecretRef")?,
                node_expand: secret_ref(csi, "nodeExpandSecretRef")?,
                controller_expand: secret_ref(csi, "controllerExpandSecretRef")?,
            },
            mount_options,
            access_modes: access_modes
                .iter()
                .map(|mode| AccessMode::of(mode))
                .collect(),
            is_block,
        };
        Ok(Some(volume))
    }

    /// What drivers are told: the first mode alone, and ReadWriteOnce without any
    /// (kubernetes v1.36 `pkg/volume/csi/csi_mounter.go`, `SetUpAt`).
    pub fn access_mode(&self) -> AccessMode {
        let first = self.access_modes.first().copied();
        first.unwrap_or(AccessMode::ReadWriteOnce)
    }

    /// Whether several nodes may have it at a time.
    pub fn is_shared(&self) -> bool {
        let mut modes = self.access_modes.iter();
        modes.any(|mode| matches!(mode, AccessMode::ReadWriteMany | AccessMode::ReadOnlyMany))
    }
}

fn text(object: &Object<'_>, key: &str) -> Result<String, crate::json::JsonError> {
    Ok(object.str(key)?.map(Cow::into_owned).unwrap_or_default())
}

fn required(csi: &Object<'_>, key: &'static str) -> Result<String, Error> {
    let value = text(csi, key).at(AT)?;
    if value.is_empty() {
        return Err(Error::MissingField {
            driver: "PersistentVolume".into(),
            path: Path::of(&["spec", CSI, key]),
        });
    }
    Ok(value)
}

fn texts(spec: &mut Object<'_>, key: &str) -> Result<Vec<String>, Error> {
    let Some(items) = spec.array(key).at(SPEC)? else {
        return Ok(Vec::new());
    };
    let texts = items.iter().map(Value::to_str);
    let texts: Result<Vec<_>, _> = texts.collect();
    let texts = texts.at(&["spec", key])?;
    Ok(texts.into_iter().flatten().map(Cow::into_owned).collect())
}

fn attributes(csi: &mut Object<'_>) -> Result<BTreeMap<String, String>, Error> {
    const KEY: &str = "volumeAttributes";
    let Some(map) = csi.object(KEY).at(AT)? else {
        return Ok(BTreeMap::new());
    };
    let members = map.members().iter();
    let pairs = members.map(|member| {
        let value = text(map, member.key()).at(&["spec", CSI, KEY])?;
        Ok((member.key().to_owned(), value))
    });
    pairs.collect()
}

fn secret_ref(csi: &mut Object<'_>, key: &str) -> Result<Option<SecretRef>, Error> {
    let Some(secret) = csi.object(key).at(AT)? else {
        return Ok(None);
    };
    let at = &["spec", CSI, key];
    let (namespace, name) = (
        text(secret, "namespace").at(at)?,
        text(secret, "name").at(at)?,
    );
    Ok((!name.is_empty()).then_some(SecretRef { namespace, name }))
}
