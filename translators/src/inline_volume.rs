//! Inline volumes: the volume and the claim that take their place.
//!
//! An inline volume is first given the form of a PersistentVolume with the same
//! legacy source, and that is translated like any other.

mod names;

use names::Names;

use crate::context::{ClaimRef, Context, TargetForm};
use crate::error::Error;
use crate::json::{At, Object, Path, Value};
use crate::note::Note;
use crate::persistent_volume;
use crate::source;
use crate::{endpoint, in_tree};

/// An inline volume has no size; neither kubelet nor a CSI driver's node part
/// looks at that of a volume that is there already.
const CAPACITY: &str = "1Gi";

/// The workload that has the inline volume.
pub(crate) struct Owner {
    /// Its kind; empty where neither it nor its list says one.
    pub kind: String,
    /// Its name as written, or what its name is to be generated from.
    pub written_name: String,
    /// Its name without what separates a generated end; empty without either.
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
    /// Whether the pods are not to write. Only the claim reference says so to
    /// kubelet, which does not look at `csi.readOnly` when it mounts (kubernetes
    /// `pkg/volume/csi/csi_plugin.go`).
    pub read_only: bool,
    /// The volume, the claim, and Secrets where new ones are needed.
    pub objects: Vec<Object<'static>>,
    /// What is worth knowing; paths are the pod's volume's.
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
    /// Its owner has no name from which theirs could be made.
    Nameless,
}

/// Makes a volume and a claim of an inline volume.
pub(crate) fn translate(
    volume: &mut Object<'_>,
    field: &'static str,
    owner: &Owner,
    context: &Context<'_>,
) -> Result<Inline, Error> {
    let volume_name = volume.str("name")?.unwrap_or_default().into_owned();
    let mut legacy = match volume.object(field)? {
        Some(legacy) => legacy.clone().into_owned().at(&[field])?,
        None => return Ok(Inline::Kept("it is empty".to_owned())),
    };
    let read_only = legacy.bool("readOnly").at(&[field])? == Some(true);
    complete(field, &mut legacy, &owner.namespace)?;
    let Names {
        volume: name,
        claim,
    } = Names::of(owner, &volume_name, &legacy);
    let place = |path: &Path| place_in_pod(path, field);
    let in_pod = |error: Error| {
        let path = place(error.path());
        error.with_path(path)
    };
    let mode = match field {
        source::FLEX_VOLUME => context
            .mappings
            .inline_access_mode(&mut legacy, context)
            .map_err(in_pod)?,
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
    let outcome = match context.target_form {
        TargetForm::Endpoint => endpoint::volume(pv, &context),
        _ => persistent_volume::to_stored(pv, &context),
    };
    let outcome = outcome.map_err(in_pod)?;
    if !outcome.changed {
        let reasons = outcome.notes.iter().map(|note| &*note.message);
        return Ok(Inline::Kept(reasons.collect::<Vec<_>>().join("; ")));
    }
    if owner.name.is_empty() {
        return Ok(Inline::Nameless);
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
    let notes = outcome.notes.into_iter().map(|mut note| {
        note.path = place(&note.path);
        note
    });
    Ok(Inline::Made(Box::new(Made {
        claim,
        read_only,
        objects,
        notes: notes
            .filter(|note| !(read_only && note.code == crate::Code::ReadOnlyDiffers))
            .collect(),
    })))
}

/// Where in a pod's volume stands what was seen at `path` of the PersistentVolume
/// made of it; the volume itself for what only the latter has.
fn place_in_pod(path: &Path, field: &str) -> Path {
    let inside = path.inside(&["spec", field]);
    inside.map_or_else(Path::default, |path| path.under(&[field]))
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
