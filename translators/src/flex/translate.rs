//! A FlexVolume by its mapping: first everything is worked out, then the
//! volume is changed.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::driver_pattern::Captures;
use super::evaluate::{Evaluator, note_once, required, values};
use super::legacy::Legacy;
use super::mapping::Mapping;
use super::plan::{NotePlan, Plan, SecretRefPlan, VolumePlan};
use super::view::{Map, Scope, option};
use super::{secret, volume_form};
use crate::context::Context;
use crate::error::Error;
use crate::json::{Object, Path, Value};
use crate::note::{Code, Note};
use crate::source::FLEX_VOLUME;

/// A translated FlexVolume; the volume itself was changed in place.
#[derive(Debug, Clone, PartialEq)]
pub struct FlexVolume {
    /// The CSI driver; `None` where the volume is left as it is.
    pub driver: Option<String>,
    /// New objects beside the volume: Secrets under the driver's keys.
    pub extra: Vec<Object<'static>>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// A Secret's name and namespace.
pub(super) struct SecretRef<'m> {
    pub name: Cow<'m, str>,
    pub namespace: Cow<'m, str>,
}

/// What the expressions gave. Keys and constants are the mapping's.
pub(super) struct Made<'m> {
    pub driver: Cow<'m, str>,
    pub handle: Cow<'m, str>,
    pub fs_type: Option<Cow<'m, str>>,
    pub read_only: bool,
    pub attributes: Vec<(&'m str, Cow<'m, str>)>,
    /// By the CSI source's field.
    pub secret_refs: Vec<(&'static str, SecretRef<'m>)>,
    pub mount_options: Vec<String>,
    pub access_modes: Vec<String>,
    pub topology: Vec<(&'m str, Vec<String>)>,
    pub annotations: Vec<(&'m str, Cow<'m, str>)>,
    pub capacity: Option<Cow<'m, str>>,
}

/// Translates a volume in place.
///
/// # Errors
/// The volume lacks what the mapping needs; it may then be half opened, but
/// holds what it held.
pub(super) fn volume(
    mapping: &Mapping,
    captures: &Captures<'_, '_>,
    pv: &mut Object<'_>,
    context: &Context<'_>,
) -> Result<FlexVolume, Error> {
    let plan = mapping.plan()?;
    let legacy = Legacy::open(pv, plan, context)?;
    if let Some((reason, instead)) = mapping.not_translatable() {
        return Err(Error::NotTranslatable {
            path: Path::of(&["spec", FLEX_VOLUME, "driver"]),
            driver: legacy.driver.into_owned().into(),
            reason: reason.to_owned(),
            instead: instead.to_owned(),
        });
    }
    if let Some(reason) = mapping.kept() {
        let path = Path::of(&["spec", FLEX_VOLUME, "driver"]);
        return Ok(FlexVolume {
            driver: None,
            extra: Vec::new(),
            notes: vec![Note::new(Code::Kept, path, reason.to_owned())],
        });
    }
    required(mapping, &legacy.driver, context)?;
    let mut notes = Vec::new();
    let mut extra = Vec::new();
    let made = {
        let wanted = AtomicBool::new(false);
        let mut evaluator = evaluator(mapping, captures, pv, &legacy, context);
        if legacy.unknown_class {
            evaluator.scope.class_wanted = Some(&wanted);
        }
        let made = make(&evaluator, plan, &legacy)?;
        evaluator.scope.class_wanted = None;
        evaluator.notes(&plan.notes, &mut notes)?;
        if let (Some(plan), Some(spec)) = (&plan.secret, &mapping.file.secret) {
            let options = options(pv);
            let secret = secret::secret(&evaluator, plan, spec, &legacy, options, context)?;
            extra.extend(secret.map(|secret| secret.object(&mut notes)));
        }
        let says_so = |note: &NotePlan| note.code == Code::StorageClassUnknown;
        if wanted.load(Ordering::Relaxed) && !plan.notes.iter().any(says_so) {
            let message = "the volume's StorageClass is not known; what it says was left out";
            let path = &["spec", "storageClassName"];
            note_once(&mut notes, Code::StorageClassUnknown, path, message);
        }
        note(&made, &legacy, &mut notes);
        if let Some(options) = options(pv) {
            note_options(mapping, plan, options, context, &mut notes);
        }
        if !legacy.secret_name.is_empty() && made.secret_refs.is_empty() && extra.is_empty() {
            let message =
                "the CSI driver takes no Secret from the volume; the reference is dropped";
            note_once(
                &mut notes,
                Code::SecretDropped,
                &["spec", FLEX_VOLUME, "secretRef"],
                message,
            );
        }
        made
    };
    let driver = made.driver.clone().into_owned();
    volume_form::write(pv, made, &mut notes)?;
    Ok(FlexVolume {
        driver: Some(driver),
        extra,
        notes,
    })
}

/// The CSI driver of a volume, as far as it can be told.
pub(super) fn csi_driver(
    mapping: &Mapping,
    captures: &Captures<'_, '_>,
    pv: &mut Object<'_>,
    context: &Context<'_>,
) -> Result<Option<String>, Error> {
    let plan = mapping.plan()?;
    let legacy = Legacy::open(pv, plan, context)?;
    let Some(driver) = &plan.driver else {
        return Ok(None);
    };
    let driver = evaluator(mapping, captures, pv, &legacy, context).text(driver)?;
    Ok(driver.map(Cow::into_owned))
}

/// The access modes of a volume made of an inline one; none where the mapping does not
/// say.
pub(super) fn inline_access_modes(
    mapping: &Mapping,
    captures: &Captures<'_, '_>,
    pv: &mut Object<'_>,
    context: &Context<'_>,
) -> Result<Vec<String>, Error> {
    let plan = mapping.plan()?;
    let legacy = Legacy::open(pv, plan, context)?;
    match &plan.inline_access_modes {
        Some(field) => evaluator(mapping, captures, pv, &legacy, context).texts(field),
        None => Ok(Vec::new()),
    }
}

fn evaluator<'r>(
    mapping: &'r Mapping,
    captures: &'r Captures<'_, '_>,
    pv: &'r Object<'_>,
    legacy: &'r Legacy<'_>,
    context: &Context<'r>,
) -> Evaluator<'r> {
    let scope = Scope {
        pv: Map::Object(pv),
        options: options(pv).map_or(Map::Empty, Map::Options),
        storage_class: context.storage_class.map_or(Map::UnknownClass, Map::Class),
        values: values(mapping, context),
        captures: Map::Captures(captures),
        secret_name: &legacy.secret_name,
        secret_namespace: &legacy.secret_namespace,
        class_wanted: None,
    };
    Evaluator {
        mapping,
        scope,
        driver: &legacy.driver,
    }
}

/// The options of a volume that was opened.
fn options<'p, 'a>(pv: &'p Object<'a>) -> Option<&'p Object<'a>> {
    let member = |object: &'p Object<'a>, key| match object.get(key) {
        Some(Value::Object(member)) => Some(member),
        _ => None,
    };
    member(member(member(pv, "spec")?, FLEX_VOLUME)?, "options")
}

fn make<'m>(
    evaluator: &Evaluator<'_>,
    plan: &'m Plan,
    legacy: &Legacy<'_>,
) -> Result<Made<'m>, Error> {
    let (Some(volume), Some(driver)) = (&plan.volume, &plan.driver) else {
        return Err(Error::NoTranslation {
            path: Path::default(),
            what: evaluator.driver.to_owned(),
        });
    };
    let missing = |field| evaluator.error(field, "it gives nothing, and a volume needs it");
    let handle = evaluator.text(&volume.handle)?;
    let name = evaluator.text(driver)?;
    let mut topology = Vec::with_capacity(volume.topology.len());
    for (key, field) in &volume.topology {
        let values = evaluator.texts(field)?;
        if !values.is_empty() {
            topology.push((key.as_str(), values));
        }
    }
    let list = |field: &'m Option<_>| match field {
        Some(field) => evaluator.texts(field),
        None => Ok(Vec::new()),
    };
    let read_only = match &volume.read_only {
        Some(field) => evaluator.truth(field)?.unwrap_or(false),
        None => legacy.read_only,
    };
    Ok(Made {
        driver: name.ok_or_else(|| missing(driver))?,
        handle: handle.ok_or_else(|| missing(&volume.handle))?,
        fs_type: evaluator.optional_text(volume.fs_type.as_ref())?,
        read_only,
        attributes: evaluator.map(&volume.attributes)?,
        secret_refs: secret_refs(evaluator, volume, legacy)?,
        mount_options: list(&volume.mount_options)?,
        access_modes: list(&volume.access_modes)?,
        topology,
        annotations: evaluator.map(&volume.annotations)?,
        capacity: evaluator.optional_text(volume.capacity.as_ref())?,
    })
}

fn secret_refs<'m>(
    evaluator: &Evaluator<'_>,
    volume: &'m VolumePlan,
    legacy: &Legacy<'_>,
) -> Result<Vec<(&'static str, SecretRef<'m>)>, Error> {
    let mut refs = Vec::with_capacity(volume.secret_refs.len());
    for (field, plan) in &volume.secret_refs {
        if let Some(secret) = secret_ref(evaluator, plan, legacy)? {
            refs.push((*field, secret));
        }
    }
    Ok(refs)
}

/// A Secret's name and namespace; `None` without a name.
pub(super) fn secret_ref<'m>(
    evaluator: &Evaluator<'_>,
    plan: &'m SecretRefPlan,
    legacy: &Legacy<'_>,
) -> Result<Option<SecretRef<'m>>, Error> {
    let Some(name) = evaluator.text(&plan.name)? else {
        return Ok(None);
    };
    let namespace = evaluator.optional_text(plan.namespace.as_ref())?;
    let namespace = match namespace {
        Some(namespace) => namespace,
        // FlexVolume's own default is the pod's, which is the claim's.
        None if legacy.secret_namespace.is_empty() => {
            return Err(Error::MissingField {
                driver: evaluator.driver.to_owned().into(),
                path: Path::of(&["spec", FLEX_VOLUME, "secretRef", "namespace"]),
            });
        }
        None => Cow::Owned(legacy.secret_namespace.to_string()),
    };
    Ok(Some(SecretRef { name, namespace }))
}

/// The engine's own notes.
fn note(made: &Made<'_>, legacy: &Legacy<'_>, notes: &mut Vec<Note>) {
    if legacy.read_only || made.read_only {
        let message = "kubelet does not pass readOnly of a CSI volume on when it mounts it";
        let path = &["spec", FLEX_VOLUME, "readOnly"];
        note_once(notes, Code::ReadOnlyDiffers, path, message);
    }
    let of_claim = |(_, secret): &(_, SecretRef<'_>)| secret.namespace == legacy.secret_namespace;
    if legacy.namespace_assumed && made.secret_refs.iter().any(of_claim) {
        let message = format!(
            "the Secret is looked for in the claim's namespace, {}",
            legacy.secret_namespace
        );
        let path = &["spec", FLEX_VOLUME, "secretRef", "namespace"];
        note_once(notes, Code::SecretNamespaceAssumed, path, message);
    }
}

/// Names the options that are dropped, and those that are credentials; their
/// values never.
fn note_options(
    mapping: &Mapping,
    plan: &Plan,
    options: &Object<'_>,
    context: &Context<'_>,
    notes: &mut Vec<Note>,
) {
    let path = &["spec", FLEX_VOLUME, "options"];
    let keys = options.members().iter().map(|member| member.key());
    let dropped: Vec<&str> = keys
        .filter(|key| !key.starts_with("kubernetes.io/"))
        .filter(|key| !plan.understands(key))
        .collect();
    if !dropped.is_empty() {
        let message = format!(
            "options without a counterpart are dropped: {}",
            dropped.join(", ")
        );
        notes.push(Note::new(Code::OptionDropped, Path::of(path), message));
    }
    let file = &mapping.file;
    let in_secret = |key: &str| {
        // Without leave to write values, the new Secret is to be filled in.
        let secret = file.secret.as_ref().filter(|_| context.secrets.is_some());
        secret.is_some_and(|secret| {
            let mut keys = secret.options.iter().flat_map(|(_, keys)| keys.iter());
            keys.any(|carried| carried.eq_ignore_ascii_case(key))
        })
    };
    let given = |key: &str| option(options, key).is_some_and(|value| !value.is_empty());
    let credentials = file.credentials.iter().map(String::as_str);
    let found: Vec<&str> = credentials
        .filter(|key| given(key) && !in_secret(key))
        .collect();
    if !found.is_empty() {
        let message = format!("options hold credentials: {}", found.join(", "));
        note_once(notes, Code::CredentialsInOptions, path, message);
    }
}
