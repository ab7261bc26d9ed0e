//! The Secrets of a FlexVolume, and the pod that has one inline.

use std::collections::BTreeMap;

use super::{SecretRef, text};
use crate::error::Error;
use crate::json::{At, Object, Path, Value};
use crate::source::FLEX_VOLUME;

/// The Secret of a PersistentVolume in FlexVolume form; without a namespace it is
/// in the claim's, and where there is no claim in the pod's.
///
/// # Errors
/// A member has another type than the API gives it.
pub fn secret_of_flex_volume(
    pv: &mut Object<'_>,
    pod_namespace: &str,
) -> Result<Option<SecretRef>, Error> {
    let Some(spec) = pv.object("spec")? else {
        return Ok(None);
    };
    let claim = match spec.object("claimRef").at(&["spec"])? {
        Some(claim) => text(claim, "namespace").at(&["spec", "claimRef"])?,
        None => String::new(),
    };
    let Some(source) = spec.object(FLEX_VOLUME).at(&["spec"])? else {
        return Ok(None);
    };
    let at = &["spec", FLEX_VOLUME, "secretRef"];
    let Some(secret) = source.object("secretRef").at(&at[..2])? else {
        return Ok(None);
    };
    let (mut namespace, name) = (
        text(secret, "namespace").at(at)?,
        text(secret, "name").at(at)?,
    );
    for other in [claim.as_str(), pod_namespace] {
        if namespace.is_empty() {
            namespace = other.to_owned();
        }
    }
    Ok((!name.is_empty()).then_some(SecretRef { namespace, name }))
}

/// A pod with nothing but one of its inline volumes, and that volume's Secret: what
/// made the pod, and what its other volumes are, does not matter on a node.
/// `None` if it has no FlexVolume of that name.
///
/// # Errors
/// A member has another type than the API gives it.
pub fn pod_of_inline<'a>(
    pod: &mut Object<'a>,
    volume_name: &str,
) -> Result<Option<(Object<'a>, Option<SecretRef>)>, Error> {
    let mut metadata = Object::new();
    let mut namespace = String::new();
    if let Some(old) = pod.object("metadata")? {
        namespace = text(old, "namespace").at(&["metadata"])?;
        for key in ["name", "namespace"] {
            if let Some(value) = old.get(key) {
                metadata.set(key, value.clone());
            }
        }
    }
    let Some(spec) = pod.object("spec")? else {
        return Ok(None);
    };
    let Some(volumes) = spec.array("volumes").at(&["spec"])? else {
        return Ok(None);
    };
    const AT: &[&str] = &["spec", "volumes"];
    for volume in volumes {
        let Some(opened) = volume.open_object().at(AT)? else {
            continue;
        };
        if opened.str("name").at(AT)?.as_deref() != Some(volume_name) {
            continue;
        }
        let Some(source) = opened.object(FLEX_VOLUME).at(AT)? else {
            return Ok(None);
        };
        let name = match source.object("secretRef").at(AT)? {
            Some(secret) => text(secret, "name").at(AT)?,
            None => String::new(),
        };
        let secret = (!name.is_empty()).then_some(SecretRef { namespace, name });
        let mut spec = Object::new();
        spec.set("volumes", vec![volume.clone()]);
        let mut alone = Object::new();
        alone.set("apiVersion", "v1");
        alone.set("kind", "Pod");
        alone.set("metadata", metadata);
        alone.set("spec", Value::from(spec));
        return Ok(Some((alone, secret)));
    }
    Ok(None)
}

/// A Secret that a translation made: what it is called, and its values, those of
/// `data` as they stand, in base64, and those of `stringData` in plain text. Empty
/// texts are what is to be filled in by hand, and no values. `None` for objects of
/// other kinds.
///
/// # Errors
/// A member has another type than the API gives it.
#[expect(clippy::type_complexity, reason = "a pair of maps")]
pub fn secret_contents(
    object: &mut Object<'_>,
) -> Result<
    Option<(
        SecretRef,
        BTreeMap<String, String>,
        BTreeMap<String, String>,
    )>,
    Error,
> {
    if object.str("kind")?.as_deref() != Some("Secret") {
        return Ok(None);
    }
    let Some(metadata) = object.object("metadata")? else {
        return Err(Error::MissingField {
            driver: "Secret".into(),
            path: Path::of(&["metadata"]),
        });
    };
    let at = &["metadata"];
    let secret = SecretRef {
        namespace: text(metadata, "namespace").at(at)?,
        name: text(metadata, "name").at(at)?,
    };
    let mut maps = [BTreeMap::new(), BTreeMap::new()];
    for (key, map) in ["data", "stringData"].into_iter().zip(&mut maps) {
        let Some(values) = object.object(key)? else {
            continue;
        };
        for member in values.members() {
            let value = text(values, member.key()).at(&[key])?;
            if !value.is_empty() {
                map.insert(member.key().to_owned(), value);
            }
        }
    }
    let [data, string_data] = maps;
    Ok(Some((secret, data, string_data)))
}
