//! Volumes.

use std::borrow::Cow;

use super::backend_volume::OWN_ATTRIBUTES as OWN;
use super::{AFFINITY, CLASS, CONTEXT, SOURCE, VERSION, endpoint_of, source_in};
use crate::context::Context;
use crate::digest::sha256_hex;
use crate::error::Error;
use crate::in_tree;
use crate::json::{At, Member, Object, Path};
use crate::note::{Code, Note, Severity};
use crate::outcome::Outcome;
use crate::persistent_volume;
use crate::source::{self, CSI};
use crate::stored_volume::{self, Backend, PROVISIONED_BY};

/// CSI 1.12, "Size Limits": a map of strings is at most 4 KiB.
pub(super) const ATTRIBUTES_BYTES: usize = 4096;

/// With what the handle of a volume begins that lacked a value: a digest follows.
pub(super) const UNDECIDED: &str = "flex2csi-";

/// Annotations that no translation reads and that can be long, beside flex2csi's own: these
/// say what a rewrite was about to do, and would make the same volume another one each time.
const NOISE: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bound-by-controller",
];

/// Writes a legacy volume in the endpoint's form. Where a value is missing, the
/// endpoint will ask for it: the handle is then a name for the source.
///
/// # Errors
/// The volume cannot be translated, or its source is too long for attributes.
pub(crate) fn to_endpoint<'a>(
    mut pv: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    let field = match pv.object("spec")? {
        Some(spec) => source::only_source(spec).map_err(|error| error.about(&["spec"]))?,
        None => None,
    };
    let Some(field) = field.filter(|field| *field != CSI) else {
        return Ok(Outcome::unchanged(pv));
    };
    let legacy = legacy_source(&mut pv, field)?;
    let told = told(&mut pv, field, context)?;
    if VERSION.len() + SOURCE.len() + CONTEXT.len() + legacy.len() + told.len() > ATTRIBUTES_BYTES {
        return Err(Error::Invalid {
            driver: "CSI".into(),
            path: Path::of(&["spec", field]),
            reason: format!(
                "the source and what is read beside it have more than the {ATTRIBUTES_BYTES} \
                 bytes that CSI gives to attributes"
            ),
        });
    }
    let mut outcome = match persistent_volume::to_stored(pv.clone(), context) {
        Err(missing @ Error::MissingValue { .. }) => {
            undecided(pv, field, &legacy, missing, context)?
        }
        outcome => outcome?,
    };
    if !outcome.changed {
        return Ok(outcome);
    }
    let spec = outcome.object.object_or_new("spec")?;
    let csi = spec.object_or_new(CSI).at(&["spec"])?;
    let backend = csi.str("driver").at(&["spec", CSI])?.unwrap_or_default();
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

/// A volume whose handle only the endpoint will know.
fn undecided<'a>(
    mut pv: Object<'a>,
    field: &'static str,
    legacy: &str,
    missing: Error,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    let driver = match field {
        source::FLEX_VOLUME => context
            .mappings
            .csi_driver(&mut pv, context)?
            .map(Cow::Owned),
        field => in_tree::stored::driver_of(field, context.values),
    };
    let Some(driver) = driver else {
        return Err(missing);
    };
    let spec = pv.object_or_new("spec")?;
    let fs_type = match spec.object(field).at(&["spec"])? {
        // A FlexVolume's can be the name of a protocol.
        Some(source) if field != source::FLEX_VOLUME => {
            source.str("fsType").at(&["spec", field])?
        }
        _ => None,
    };
    let mut csi = Object::new();
    csi.set("driver", driver.clone().into_owned());
    csi.set("volumeHandle", format!("{UNDECIDED}{}", sha256_hex(legacy)));
    if let Some(fs_type) = fs_type {
        csi.set("fsType", fs_type);
    }
    spec.replace(field, CSI, csi);
    let mut note = Note::from(&missing);
    note.severity = Severity::Warn;
    let mut notes = vec![note];
    let backend = Backend {
        provisioner: Some(driver.clone()),
        driver,
        block: false,
    };
    stored_volume::finish(&mut pv, &backend, context, &mut notes)?;
    Ok(Outcome {
        notes,
        ..Outcome::changed(pv)
    })
}

fn is_noise(annotation: &str) -> bool {
    NOISE.contains(&annotation) || annotation.starts_with(OWN)
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

/// What a translation reads beside the source.
fn told(pv: &mut Object<'_>, field: &'static str, context: &Context<'_>) -> Result<String, Error> {
    let mut told = Object::new();
    if let Some(metadata) = pv.object("metadata")? {
        for key in ["name", "labels", "annotations"] {
            if let Some(value) = metadata.get(key) {
                told.set(key, value.clone().into_owned().at(&["metadata", key])?);
            }
        }
    }
    if let Some(annotations) = told.object("annotations").at(&["metadata"])? {
        let keys = annotations.members().iter().map(Member::to_key);
        let keys: Vec<String> = keys.map(Cow::into_owned).collect();
        for key in keys.iter().filter(|key| is_noise(key)) {
            annotations.remove(key);
        }
        if annotations.is_empty() {
            told.remove("annotations");
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
    // In-tree volumes can have their zone there; what mappings write into it is
    // written already.
    if field != source::FLEX_VOLUME
        && let Some(spec) = pv.object("spec")?
        && let Some(affinity) = spec.get(AFFINITY)
    {
        let affinity = affinity.clone().into_owned();
        told.set(AFFINITY, affinity.at(&["spec", AFFINITY])?);
    }
    if let Some(class) = context.storage_class {
        let parameters = class.parameters.iter().cloned();
        let mut named = Object::new();
        named.set("name", class.name.clone());
        let mut known = Object::new();
        known.set("metadata", named);
        known.set("provisioner", class.provisioner.clone());
        known.set("parameters", parameters.collect::<Object<'_>>());
        told.set(CLASS, known);
    }
    Ok(told.to_json())
}

/// Gives a volume in the endpoint's form that of its backend; `None` if it is
/// not in that form. All but the source is the backend's already, except where a
/// value was missing: then nothing else was translated either.
///
/// # Errors
/// What the attributes hold is not what the endpoint's form has, or cannot be
/// translated.
pub(crate) fn from_endpoint<'a>(
    pv: &mut Object<'a>,
    context: &Context<'_>,
) -> Result<Option<Outcome<'a>>, Error> {
    let Some(spec) = pv.object("spec")? else {
        return Ok(None);
    };
    let Some(csi) = spec.object(CSI).at(&["spec"])? else {
        return Ok(None);
    };
    let handle = csi.str("volumeHandle").at(&["spec", CSI])?;
    let attributes = csi.object("volumeAttributes").at(&["spec", CSI])?;
    let Some(legacy) = source_in(attributes)? else {
        return Ok(None);
    };
    let undecided = handle.is_some_and(|handle| handle.starts_with(UNDECIDED));
    let mut restored = pv.clone();
    if undecided {
        restore_provisioner(&mut restored)?;
    }
    let spec = restored.object_or_new("spec")?;
    for member in legacy.members() {
        let key: Cow<'static, str> = Cow::Owned(member.key().to_owned());
        spec.replace(CSI, key, member.value.clone());
    }
    let mut outcome = persistent_volume::to_stored(restored, context)?;
    if undecided {
        return Ok(Some(outcome));
    }
    let translated = match outcome.object.object("spec")? {
        Some(spec) => spec.take_object(CSI).at(&["spec"])?,
        None => None,
    };
    if let Some(translated) = translated {
        pv.object_or_new("spec")?.set(CSI, translated);
    }
    outcome.object = std::mem::take(pv);
    Ok(Some(outcome))
}

/// Names the provisioner as it was before [`undecided`] did.
fn restore_provisioner(pv: &mut Object<'_>) -> Result<(), Error> {
    const ATTRIBUTES: &[&str] = &["spec", CSI, "volumeAttributes"];
    const CONTEXT_AT: &[&str] = &["spec", CSI, "volumeAttributes", CONTEXT];
    let text = match pv.object("spec")? {
        Some(spec) => match spec.object(CSI).at(&["spec"])? {
            Some(csi) => match csi.object("volumeAttributes").at(&["spec", CSI])? {
                Some(attributes) => attributes.str(CONTEXT).at(ATTRIBUTES)?,
                None => None,
            },
            None => None,
        },
        None => None,
    };
    let Some(text) = text else {
        return Ok(());
    };
    let mut told = Object::parse(&text).at(CONTEXT_AT)?;
    let before = match told.object("annotations").at(CONTEXT_AT)? {
        Some(annotations) => annotations.str(PROVISIONED_BY).at(CONTEXT_AT)?,
        None => None,
    };
    if let Some(before) = before
        && let Some(metadata) = pv.object("metadata")?
        && let Some(annotations) = metadata.object("annotations").at(&["metadata"])?
    {
        annotations.set(PROVISIONED_BY, before.into_owned());
    }
    Ok(())
}
