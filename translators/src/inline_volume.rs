//! Inline volumes: the volume and the claim that take their place.
//!
//! An inline volume is first given the form of a PersistentVolume with the same
//! legacy source, and that is translated like any other.

use crate::context::{ClaimRef, Context, Direction};
use crate::error::Error;
use crate::json::{At, Object, Value};
use crate::note::Note;
use crate::persistent_volume;
use crate::source;
use crate::{endpoint, in_tree};

/// An inline volume has no size; neither kubelet nor a CSI driver's node part
/// looks at that of a volume that is there already.
const CAPACITY: &str = "1Gi";

/// Kubernetes' limit for the name of an object.
const NAME_BYTES: usize = 253;

/// The workload that has the inline volume.
pub(crate) struct Owner {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether it runs several pods at a time.
    pub several_pods: bool,
}

/// What takes the place of an inline volume.
pub(crate) struct Made {
    /// The claim's name.
    pub claim: String,
    /// Whether the pods are not to write (hazards 34: only the claim reference
    /// says so to kubelet).
    pub read_only: bool,
    /// The volume, the claim, and Secrets where new ones are needed.
    pub objects: Vec<Object<'static>>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// Sources of a pod's volume that stay what they are, whatever is asked for.
const LOCAL: [&str; 2] = ["hostPath", source::CSI];

/// Whether a pod's volume has a source that may have to be translated.
pub(crate) fn is_legacy(volume: &Object<'_>) -> bool {
    matches!(source::only_source(volume), Ok(Some(field)) if is_legacy_source(field))
        || source::only_source(volume).is_err()
}

/// Whether a source may have to be translated.
pub(crate) fn is_legacy_source(field: &str) -> bool {
    !LOCAL.contains(&field)
}

/// What becomes of an inline volume.
pub(crate) enum Inline {
    /// A volume and a claim of its own.
    Made(Box<Made>),
    /// Its source stays as it is, for the reason that is said.
    Kept(String),
}

/// Makes a volume and a claim of an inline volume.
pub(crate) fn translate(
    volume: &mut Object<'_>,
    field: &'static str,
    owner: &Owner,
    context: &Context<'_>,
) -> Result<Inline, Error> {
    let volume_name = volume.str("name")?.unwrap_or_default().into_owned();
    let claim = shortened(&[&owner.name, &volume_name]);
    let name = shortened(&[&owner.namespace, &owner.name, &volume_name]);
    let mut legacy = match volume.object(field)? {
        Some(legacy) => legacy.clone().into_owned().at(&[field])?,
        None => return Ok(Inline::Kept("it is empty".to_owned())),
    };
    let read_only = legacy.bool("readOnly").at(&[field])? == Some(true);
    complete(field, &mut legacy, &owner.namespace)?;
    let mode = match field {
        source::FLEX_VOLUME => context.mappings.inline_access_mode(&mut legacy, context)?,
        field => in_tree::stored::inline_access_modes(field, read_only).to_owned(),
    };
    let pv = volume_object(&name, &mode, field, legacy, owner, &claim);
    let context = Context {
        claim: Some(ClaimRef {
            namespace: &owner.namespace,
            name: &claim,
        }),
        storage_class: None,
        ..*context
    };
    let outcome = match context.direction {
        Direction::ToEndpoint => endpoint::volume(pv, &context)?,
        _ => persistent_volume::to_stored(pv, &context)?,
    };
    if !outcome.changed {
        let reasons = outcome.notes.iter().map(|note| &*note.message);
        return Ok(Inline::Kept(reasons.collect::<Vec<_>>().join("; ")));
    }
    let mut pv = outcome.object;
    let modes = match pv.object("spec")? {
        Some(spec) => spec.get("accessModes").cloned(),
        None => None,
    };
    let modes = modes.unwrap_or_else(|| vec![Value::from(mode)].into());
    let claim_object = claim_object(&claim, &name, modes, owner);
    let mut objects = vec![pv.into_owned()?, claim_object.into_owned()?];
    objects.extend(outcome.extra);
    let notes = outcome.notes.into_iter();
    Ok(Inline::Made(Box::new(Made {
        claim,
        read_only,
        objects,
        notes: notes
            .filter(|note| !(read_only && note.code == crate::Code::ReadOnlyDiffers))
            .collect(),
    })))
}

/// What a source in a pod leaves to the pod and a volume has to say itself.
fn complete(field: &str, source: &mut Object<'_>, namespace: &str) -> Result<(), Error> {
    if field == "azureFile" {
        source.set("secretNamespace", namespace.to_owned());
        return Ok(());
    }
    if let Some(secret) = source.object("secretRef").at(&[field])?
        && !secret.contains("namespace")
    {
        secret.set("namespace", namespace.to_owned());
    }
    Ok(())
}

fn volume_object(
    name: &str,
    mode: &str,
    field: &'static str,
    source: Object<'static>,
    owner: &Owner,
    claim: &str,
) -> Object<'static> {
    let metadata: Object<'static> = [("name", name.to_owned())].into_iter().collect();
    let capacity: Object<'static> = [("storage", CAPACITY)].into_iter().collect();
    let claim_ref: Object<'static> = [("apiVersion", "v1"), ("kind", "PersistentVolumeClaim")]
        .into_iter()
        .map(|(key, value)| (key, value.to_owned()))
        .chain([
            ("namespace", owner.namespace.clone()),
            ("name", claim.to_owned()),
        ])
        .collect();
    let mut spec = Object::new();
    spec.set("capacity", capacity);
    spec.set("accessModes", vec![Value::from(mode.to_owned())]);
    spec.set("persistentVolumeReclaimPolicy", "Retain");
    spec.set("storageClassName", "");
    spec.set("volumeMode", "Filesystem");
    spec.set("claimRef", claim_ref);
    spec.set(field, source);
    let mut pv = Object::new();
    pv.set("apiVersion", "v1");
    pv.set("kind", "PersistentVolume");
    pv.set("metadata", metadata);
    pv.set("spec", spec);
    pv
}

fn claim_object<'a>(name: &str, volume: &str, modes: Value<'a>, owner: &Owner) -> Object<'a> {
    let mut metadata = Object::new();
    metadata.set("name", name.to_owned());
    // Said outright: beside a volume bound to this namespace, applying the claim
    // to another one has to fail and not to wait for ever.
    metadata.set("namespace", owner.namespace.clone());
    let requests: Object<'_> = [("storage", CAPACITY)].into_iter().collect();
    let resources: Object<'_> = [("requests", requests)].into_iter().collect();
    let mut spec = Object::new();
    spec.set("accessModes", modes);
    spec.set("resources", resources);
    spec.set("storageClassName", "");
    spec.set("volumeMode", "Filesystem");
    spec.set("volumeName", volume.to_owned());
    let mut claim = Object::new();
    claim.set("apiVersion", "v1");
    claim.set("kind", "PersistentVolumeClaim");
    claim.set("metadata", metadata);
    claim.set("spec", spec);
    claim
}

/// The parts joined by `-`; where that is too long, cut and told apart by a hash.
fn shortened(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    let name = parts.join("-");
    if name.len() <= NAME_BYTES {
        return name;
    }
    let hash = crate::digest::sha256_hex(name.as_bytes());
    let mut end = NAME_BYTES - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{}", &name[..end], &hash[..8])
}
