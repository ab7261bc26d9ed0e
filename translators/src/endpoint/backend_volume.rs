//! A volume of the endpoint's form as its backend is asked for it, when a call
//! comes: from the attributes alone, since CSI gives no more.

use std::borrow::Cow;

use super::volume::{ATTRIBUTES_BYTES, UNDECIDED};
use super::{AFFINITY, CLASS, CONTEXT, FORM, SOURCE, attribute, source_of};
use crate::context::Context;
use crate::digest::sha256_hex;
use crate::error::Error;
use crate::flex::Mappings;
use crate::json::{At, Object, Path, Value};
use crate::source::CSI;
use crate::storage_class::StorageClass;
use crate::values::Values;
use crate::{in_tree, persistent_volume};

/// With what the endpoint's own attributes begin; a backend never sees them.
pub const OWN_ATTRIBUTES: &str = "flex2csi.io/";

/// What a call is translated with.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// What only the site knows.
    pub values: &'a Values,
    /// The known FlexVolume drivers.
    pub mappings: &'a Mappings,
}

impl<'a> Site<'a> {
    /// The context of a translation to the backend's form.
    pub(super) fn context(&self, storage_class: Option<&'a StorageClass>) -> Context<'a> {
        Context {
            storage_class,
            ..Context::new(self.values, self.mappings)
        }
    }
}

/// A volume as its backend knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendVolume {
    /// The CSI driver that has it.
    pub driver: String,
    /// The id by which that driver knows it.
    pub handle: String,
    /// `fsType`, where the volume has one.
    pub fs_type: Option<String>,
    /// `spec.mountOptions`, in their order.
    pub mount_options: Vec<String>,
    /// `volumeAttributes`.
    pub attributes: Vec<(String, String)>,
    /// The members of `spec.csi` that name Secrets, as `nodeStageSecretRef`.
    pub secret_refs: Vec<String>,
}

/// Translates the attributes of a volume in the endpoint's form; `None` where
/// they are not in this form, and so the backend's own.
///
/// # Errors
/// They are not what the endpoint's form has (a version of tomorrow, a source that
/// is no JSON, more than CSI's 4 KiB), or the volume cannot be translated.
pub fn backend_volume(
    attributes: &[(&str, &str)],
    site: Site<'_>,
) -> Result<Option<BackendVolume>, Error> {
    let Some(legacy) = source_of(attributes)? else {
        return Ok(None);
    };
    let bytes: usize = attributes
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > ATTRIBUTES_BYTES {
        return Err(invalid(
            Path::default(),
            format!("the attributes have {bytes} bytes; CSI allows {ATTRIBUTES_BYTES}"),
        ));
    }
    let text = attribute(attributes, CONTEXT).unwrap_or("{}");
    let mut told = Object::parse(text).at(&[CONTEXT])?;
    let class = class_told(&mut told)?;
    let pv = volume_told(&legacy, told)?;
    let outcome = persistent_volume::to_stored(pv, &site.context(class.as_ref()))?;
    let mut pv = outcome.object;
    let spec = pv.object_or_new("spec")?;
    let mount_options = texts(spec, "mountOptions")?;
    let Some(csi) = spec.object(CSI).at(&["spec"])? else {
        return Err(invalid(
            Path::of(&[SOURCE]),
            "the source stays as it is, so no CSI driver has it".to_owned(),
        ));
    };
    read(csi, mount_options).map(Some)
}

/// The handle that a volume got whose own was not known; the endpoint alone can
/// say what it stands for.
pub fn is_undecided(handle: &str) -> bool {
    handle.starts_with(UNDECIDED)
}

/// Whether an undecided handle is that of the source in these attributes.
pub fn is_handle_of(handle: &str, attributes: &[(&str, &str)]) -> bool {
    let digest = handle.strip_prefix(UNDECIDED);
    let source = attribute(attributes, SOURCE);
    digest
        .zip(source)
        .is_some_and(|(digest, source)| digest == sha256_hex(source))
}

/// The backend's form of an id that Kubernetes made from an in-tree source:
/// what it leaves open is completed from the id of the node, where a call has one.
///
/// # Errors
/// The id, or the node's, has not the form that the driver's ids have.
pub fn backend_id<'h>(
    driver: &str,
    id: &'h str,
    node_id: Option<&str>,
) -> Result<Cow<'h, str>, Error> {
    if !in_tree::is_migrated_driver(driver) {
        return Ok(Cow::Borrowed(id));
    }
    match node_id {
        Some(node_id) => in_tree::repair_handle(driver, id, node_id),
        None => Ok(Cow::Borrowed(id)),
    }
}

/// Whether [`backend_id`] can give another id, if it is told the node's.
pub fn needs_node_id(driver: &str, id: &str) -> bool {
    in_tree::is_migrated_driver(driver) && id.contains("UNSPECIFIED")
}

fn class_told(told: &mut Object<'_>) -> Result<Option<StorageClass>, Error> {
    let Some(class) = told.take_object(CLASS).at(&[CONTEXT])? else {
        return Ok(None);
    };
    let class = StorageClass::read(class);
    class.map(Some).map_err(|error| error.about(&[CONTEXT]))
}

/// The volume that the source and what was told beside it stand for.
fn volume_told<'a>(legacy: &Object<'a>, told: Object<'a>) -> Result<Object<'a>, Error> {
    let mut metadata = Object::new();
    let mut spec = Object::new();
    for member in legacy.members() {
        spec.set(member.to_key(), member.value.clone());
    }
    for member in told.members() {
        match member.key() {
            "claim" => spec.set("claimRef", member.value.clone()),
            AFFINITY => spec.set(AFFINITY, member.value.clone()),
            _ => metadata.set(member.to_key(), member.value.clone()),
        }
    }
    let mut pv = Object::new();
    pv.set("apiVersion", "v1");
    pv.set("kind", "PersistentVolume");
    pv.set("metadata", metadata);
    pv.set("spec", spec);
    Ok(pv)
}

fn read(csi: &mut Object<'_>, mount_options: Vec<String>) -> Result<BackendVolume, Error> {
    const AT: &[&str] = &["spec", CSI];
    let text =
        |key| -> Result<Option<String>, Error> { Ok(csi.str(key).at(AT)?.map(Cow::into_owned)) };
    let driver = text("driver")?.unwrap_or_default();
    let handle = text("volumeHandle")?.unwrap_or_default();
    let fs_type = text("fsType")?.filter(|text| !text.is_empty());
    let names = csi.members().iter().map(|member| member.key());
    let secret_refs = names
        .filter(|name| name.ends_with("SecretRef"))
        .map(str::to_owned)
        .collect();
    Ok(BackendVolume {
        driver,
        handle,
        fs_type,
        mount_options,
        attributes: match csi.object("volumeAttributes").at(AT)? {
            Some(attributes) => pairs(attributes)?,
            None => Vec::new(),
        },
        secret_refs,
    })
}

/// The members of a map of texts.
pub(super) fn pairs(map: &Object<'_>) -> Result<Vec<(String, String)>, Error> {
    let members = map.members().iter();
    let pairs = members.map(|member| -> Result<_, Error> {
        let value = map.str(member.key())?.unwrap_or_default();
        Ok((member.key().to_owned(), value.into_owned()))
    });
    pairs.collect()
}

fn texts(spec: &mut Object<'_>, key: &str) -> Result<Vec<String>, Error> {
    let Some(items) = spec.array(key).at(&["spec"])? else {
        return Ok(Vec::new());
    };
    let texts = items.iter().map(Value::to_str);
    let texts: Result<Vec<_>, _> = texts.collect();
    let texts = texts.at(&["spec", key])?;
    Ok(texts.into_iter().flatten().map(Cow::into_owned).collect())
}

pub(super) fn invalid(path: Path, reason: String) -> Error {
    Error::Invalid {
        driver: FORM.into(),
        path,
        reason,
    }
}
