//! The form of flex2csi's own CSI endpoint: the legacy source verbatim in the
//! volume's attributes, translated when a call comes.
//!
//! Everything that kubelet and the sidecars read themselves (access modes,
//! mount options, node affinity, Secrets, fsType) is as in the backend's form;
//! only the driver's name and the attributes are the endpoint's.

use std::borrow::Cow;

use crate::context::Context;
use crate::error::Error;
use crate::json::{At, Object, Path, Value};
use crate::note::{Code, Note};
use crate::outcome::Outcome;
use crate::{persistent_volume, source, storage_class};

/// The version of this form.
pub const VERSION: &str = "flex2csi.io/version";
/// The legacy source: `{"<member of spec>": {…}}`, compact JSON.
pub const SOURCE: &str = "flex2csi.io/source";
/// What a translation reads beside the source: the volume's name, labels and
/// annotations, its claim, its StorageClass's parameters; compact JSON.
pub const CONTEXT: &str = "flex2csi.io/context";

/// What stands behind a backend's name in that of its endpoint.
pub const DRIVER_SUFFIX: &str = ".flex2csi.io";

/// CSI 1.12, "Size Limits": a map of strings is at most 4 KiB.
const ATTRIBUTES_BYTES: usize = 4096;

/// Annotations that no translation reads and that can be long.
const NOISE: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bound-by-controller",
];

const CSI: &[&str] = &["spec", source::CSI];

/// What external-provisioner reads itself.
const SECRET_AND_FSTYPE: &str = "csi.storage.k8s.io/";

/// Writes a legacy volume in the endpoint's form.
///
/// # Errors
/// The volume cannot be translated, or its source is too long for attributes.
pub(crate) fn volume<'a>(mut pv: Object<'a>, context: &Context<'_>) -> Result<Outcome<'a>, Error> {
    let field = match pv.object("spec")? {
        Some(spec) => source::only_source(spec)?,
        None => None,
    };
    let Some(field) = field.filter(|field| *field != source::CSI) else {
        return Ok(Outcome::unchanged(pv));
    };
    let legacy = legacy_source(&mut pv, field)?;
    let told = told(&mut pv, context)?;
    let mut outcome = persistent_volume::to_stored(pv, context)?;
    if !outcome.changed {
        return Ok(outcome);
    }
    let spec = outcome.object.object("spec")?;
    let csi = match spec {
        Some(spec) => spec.object(source::CSI).at(&["spec"])?,
        None => None,
    };
    let Some(csi) = csi else {
        return Ok(outcome);
    };
    let backend = csi.str("driver").at(CSI)?.unwrap_or_default().into_owned();
    if VERSION.len() + SOURCE.len() + CONTEXT.len() + legacy.len() + told.len() > ATTRIBUTES_BYTES {
        return Err(Error::Invalid {
            driver: backend.into(),
            path: Path::of(&["spec", field]),
            reason: format!(
                "the source and what is read beside it have more than the {ATTRIBUTES_BYTES} bytes that CSI gives to attributes"
            ),
        });
    }
    let mut attributes = Object::new();
    attributes.set(VERSION, "1");
    attributes.set(SOURCE, legacy);
    attributes.set(CONTEXT, told);
    csi.set("driver", endpoint_of(&backend));
    csi.set("volumeAttributes", attributes);
    outcome.notes.push(Note::new(
        Code::ViaEndpoint,
        Path::of(&["spec", field]),
        format!("written for the endpoint of {backend}"),
    ));
    Ok(outcome)
}

/// The endpoint's name for a backend.
fn endpoint_of(backend: &str) -> String {
    format!("{backend}{DRIVER_SUFFIX}")
}

fn legacy_source(pv: &mut Object<'_>, field: &'static str) -> Result<String, Error> {
    let mut source = Object::new();
    if let Some(spec) = pv.object("spec")?
        && let Some(value) = spec.get(field)
    {
        source.set(field, value.clone().into_owned().at(&["spec", field])?);
    }
    Ok(source.to_json())
}

fn told(pv: &mut Object<'_>, context: &Context<'_>) -> Result<String, Error> {
    let mut told = Object::new();
    if let Some(metadata) = pv.object("metadata")? {
        for key in ["name", "labels", "annotations"] {
            if let Some(value) = metadata.get(key) {
                told.set(key, value.clone().into_owned().at(&["metadata", key])?);
            }
        }
    }
    if let Some(annotations) = told.object("annotations").at(&["metadata"])? {
        for noise in NOISE {
            annotations.remove(noise);
        }
    }
    if let Some(spec) = pv.object("spec")?
        && let Some(claim) = spec.object("claimRef").at(&["spec"])?
    {
        let mut reference = Object::new();
        for key in ["namespace", "name"] {
            if let Some(text) = claim.str(key).at(&["spec", "claimRef"])? {
                reference.set(key, text.into_owned());
            }
        }
        told.set("claim", reference);
    }
    if let Some(class) = context.storage_class {
        let parameters = class.parameters.iter().cloned();
        told.set("parameters", parameters.collect::<Object<'_>>());
    }
    Ok(told.to_json())
}

/// Whether a volume or a StorageClass is written in the endpoint's form.
fn is_written(attributes: Option<&Object<'_>>) -> bool {
    attributes.is_some_and(|attributes| attributes.contains(VERSION) && attributes.contains(SOURCE))
}

/// Gives a volume in the endpoint's form its legacy source back; tells whether
/// it was in that form.
///
/// # Errors
/// What the attributes hold is not what the endpoint's form has.
pub(crate) fn restore_volume(pv: &mut Object<'_>) -> Result<bool, Error> {
    let Some(spec) = pv.object("spec")? else {
        return Ok(false);
    };
    let Some(csi) = spec.object(source::CSI).at(&["spec"])? else {
        return Ok(false);
    };
    let attributes = csi.object("volumeAttributes").at(CSI)?;
    if !is_written(attributes.as_deref()) {
        return Ok(false);
    }
    let text = match attributes {
        Some(attributes) => attributes.str(SOURCE).at(&["volumeAttributes"]).at(CSI)?,
        None => None,
    };
    let text = text.unwrap_or_default().into_owned();
    let source = parsed(&text)?;
    for member in source.members() {
        let key: Cow<'static, str> = Cow::Owned(member.key().to_owned());
        spec.replace(source::CSI, key, member.value.clone());
    }
    Ok(true)
}

fn parsed(text: &str) -> Result<Object<'static>, Error> {
    let parsed = Object::parse(text).and_then(Object::into_owned);
    Ok(parsed.at(&[SOURCE])?)
}

/// Writes a legacy StorageClass in the endpoint's form: what sidecars read is
/// in CSI's words, all else as it was, for the endpoint's CreateVolume.
///
/// # Errors
/// The class cannot be translated.
pub(crate) fn storage_class<'a>(
    mut class: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    let mut legacy = Object::new();
    for key in ["provisioner", "parameters"] {
        if let Some(value) = class.get(key) {
            legacy.set(key, value.clone().into_owned().at(&[key])?);
        }
    }
    if is_written(class.object("parameters")?.as_deref()) {
        return Ok(Outcome::unchanged(class));
    }
    let mut outcome = storage_class::to_stored(class, context)?;
    if !outcome.changed {
        return Ok(outcome);
    }
    let backend = outcome.object.str("provisioner")?.unwrap_or_default();
    let mut parameters = Object::new();
    parameters.set(VERSION, "1");
    parameters.set(SOURCE, legacy.to_json());
    if let Some(translated) = outcome.object.object("parameters")? {
        for member in translated.members() {
            if member.key().starts_with(SECRET_AND_FSTYPE) {
                parameters.set(member.to_key(), member.value.clone());
            }
        }
    }
    outcome.object.set("provisioner", endpoint_of(&backend));
    outcome.object.set("parameters", parameters);
    outcome.notes.push(Note::new(
        Code::ViaEndpoint,
        Path::of(&["provisioner"]),
        format!("written for the endpoint of {backend}"),
    ));
    Ok(outcome)
}

/// Gives a StorageClass in the endpoint's form its legacy words back.
///
/// # Errors
/// What the parameters hold is not what the endpoint's form has.
pub(crate) fn restore_storage_class(class: &mut Object<'_>) -> Result<(), Error> {
    let parameters = class.object("parameters")?;
    if !is_written(parameters.as_deref()) {
        return Ok(());
    }
    let text = match parameters {
        Some(parameters) => parameters.str(SOURCE).at(&["parameters"])?,
        None => None,
    };
    let legacy = parsed(&text.unwrap_or_default())?;
    class.remove("parameters");
    for member in legacy.members() {
        let key: Cow<'static, str> = Cow::Owned(member.key().to_owned());
        let value: Value<'static> = member.value.clone();
        class.set(key, value);
    }
    Ok(())
}
