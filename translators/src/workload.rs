//! Pods and what makes pods: inline volumes in legacy form become a volume and
//! a claim of their own, and the workload names the claim.

use std::borrow::Cow;

use crate::context::{Context, TargetForm};
use crate::error::Error;
use crate::inline_volume::{self, Inline, Owner};
use crate::json::{At, JsonError, Object, Path, Value};
use crate::kind::PodSpecPlace;
use crate::note::{Code, Note};
use crate::outcome::Outcome;
use crate::source;

/// Translates the inline volumes of a workload.
///
/// # Errors
/// One of them cannot be translated; the workload then stays as it was.
pub(crate) fn translate<'a>(
    workload: PodSpecPlace,
    mut object: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    if context.target_form == TargetForm::InTree || !has_legacy(workload, &mut object)? {
        return Ok(Outcome::unchanged(object));
    }
    if let Some(controller) = controller(&mut object)? {
        let note = Note::new(
            Code::InlineKept,
            Path::of(workload.pod_path()),
            format!("its inline volumes are those of {controller}, which made it"),
        );
        return Ok(Outcome {
            notes: vec![note.remedy(format!("translate {controller}"))],
            ..Outcome::unchanged(object)
        });
    }
    let owner = owner(workload, &mut object, context)?;
    let mut outcome = Outcome::unchanged(Object::new());
    if let Some(volumes) = volumes(workload, &mut object)? {
        for (index, volume) in volumes.iter_mut().enumerate() {
            let said = outcome.notes.len();
            let replaced = replace(volume, &owner, context, &mut outcome)
                .map_err(|error| at(error, workload, index))?;
            match replaced {
                Replaced::Nothing => {}
                Replaced::Nameless => return Err(nameless(&owner)),
                Replaced::Noted(code, message) => {
                    let note = Note::new(code, Path::default(), message);
                    outcome.notes.push(note);
                }
            }
            for note in &mut outcome.notes[said..] {
                note.path = place(&note.path, workload, index);
            }
        }
    }
    if outcome.changed && owner.several_pods {
        outcome.notes.push(Note::new(
            Code::InlineShared,
            Path::of(workload.pod_path()),
            "all pods of this workload will use the same volume, as they did inline",
        ));
    }
    outcome.object = object;
    Ok(outcome)
}

/// The place of something in a pod's volume.
fn place(path: &Path, workload: PodSpecPlace, index: usize) -> Path {
    let index = index.to_string();
    let keys = workload.pod_path().iter().copied();
    path.under(&keys.chain(["volumes", &index]).collect::<Vec<_>>())
}

/// Adds the volume's place to an error that is about something inside it.
fn at(error: Error, workload: PodSpecPlace, index: usize) -> Error {
    let path = place(error.path(), workload, index);
    error.with_path(path)
}

/// Opens the pod's volumes.
fn volumes<'o, 'a>(
    workload: PodSpecPlace,
    object: &'o mut Object<'a>,
) -> Result<Option<&'o mut Vec<Value<'a>>>, Error> {
    let path = workload.pod_path();
    let mut inner = object;
    for (depth, key) in path.iter().enumerate() {
        match inner.object(key).at(&path[..depth])? {
            Some(next) => inner = next,
            None => return Ok(None),
        }
    }
    Ok(inner.array("volumes").at(path)?)
}

fn has_legacy(workload: PodSpecPlace, object: &mut Object<'_>) -> Result<bool, Error> {
    let Some(volumes) = volumes(workload, object)? else {
        return Ok(false);
    };
    for (index, volume) in volumes.iter_mut().enumerate() {
        let opened = volume
            .open_object()
            .map_err(|error| at(error.into(), workload, index))?;
        if let Some(volume) = opened
            && inline_volume::is_legacy(volume)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The object that made this one and would make it again as it was.
fn controller(object: &mut Object<'_>) -> Result<Option<String>, Error> {
    let Some(metadata) = object.object("metadata")? else {
        return Ok(None);
    };
    let Some(owners) = metadata.array("ownerReferences").at(&["metadata"])? else {
        return Ok(None);
    };
    for owner in owners {
        if let Some(name) = controller_of(owner).at(&["metadata", "ownerReferences"])? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn controller_of(owner: &mut Value<'_>) -> Result<Option<String>, JsonError> {
    let Some(owner) = owner.open_object()? else {
        return Ok(None);
    };
    if owner.bool("controller")? != Some(true) {
        return Ok(None);
    }
    let kind = owner.str("kind")?.unwrap_or_default();
    let name = owner.str("name")?.unwrap_or_default();
    Ok(Some(format!("{kind} {name}")))
}

fn owner(
    workload: PodSpecPlace,
    object: &mut Object<'_>,
    context: &Context<'_>,
) -> Result<Owner, Error> {
    let several_pods = match workload {
        PodSpecPlace::Template => several_pods(object)?,
        PodSpecPlace::Pod | PodSpecPlace::CronJob | PodSpecPlace::PodTemplate => false,
    };
    let kind = object.str("kind")?.unwrap_or_default().into_owned();
    let mut name = Cow::Borrowed("");
    let mut namespace = None;
    if let Some(metadata) = object.object("metadata")? {
        // A name that is yet to be generated ends in "-".
        let text = |key| metadata.str(key).at(&["metadata"]);
        let given = |key| Ok::<_, JsonError>(text(key)?.filter(|name| !name.is_empty()));
        name = given("name")?
            .or(given("generateName")?)
            .unwrap_or_default();
        namespace = text("namespace")?;
    }
    let namespace = match (namespace, context.namespace) {
        (Some(namespace), _) if !namespace.is_empty() => namespace.into_owned(),
        (_, Some(namespace)) => namespace.to_owned(),
        _ => "default".to_owned(),
    };
    Ok(Owner {
        kind,
        name: name.trim_end_matches(['-', '.']).to_owned(),
        written_name: name.into_owned(),
        namespace,
        several_pods,
    })
}

/// Whether the workload runs several pods at a time.
fn several_pods(object: &mut Object<'_>) -> Result<bool, Error> {
    if object.str("kind")?.as_deref() == Some("DaemonSet") {
        return Ok(true);
    }
    let Some(spec) = object.object("spec")? else {
        return Ok(false);
    };
    let number = |key| spec.i32(key).at(&["spec"]);
    let replicas = number("replicas")?.unwrap_or(1);
    let parallelism = number("parallelism")?.unwrap_or(1);
    Ok(replicas > 1 || parallelism > 1)
}

/// What became of a pod's volume.
enum Replaced {
    /// It is none in legacy form.
    Nothing,
    /// This is to be said of it.
    Noted(Code, String),
    /// The new objects would have no names.
    Nameless,
}

fn nameless(owner: &Owner) -> Error {
    let kind = if owner.kind.is_empty() {
        "workload"
    } else {
        &owner.kind
    };
    Error::MissingField {
        driver: kind.to_owned().into(),
        path: Path::of(&["metadata", "name"]),
    }
}

/// Puts a claim in the place of a legacy source.
fn replace(
    volume: &mut Value<'_>,
    owner: &Owner,
    context: &Context<'_>,
    outcome: &mut Outcome<'_>,
) -> Result<Replaced, Error> {
    let Some(volume) = volume.open_object()? else {
        return Ok(Replaced::Nothing);
    };
    let Some(field) = source::only_source(volume)? else {
        return Ok(Replaced::Nothing);
    };
    if !inline_volume::is_legacy_source(field) {
        return Ok(Replaced::Nothing);
    }
    let made = match inline_volume::translate(volume, field, owner, context)? {
        Inline::Kept(reason) => return Ok(Replaced::Noted(Code::InlineKept, reason)),
        Inline::Nameless => return Ok(Replaced::Nameless),
        Inline::Made(made) => made,
    };
    let mut reference = Object::new();
    reference.set("claimName", made.claim.clone());
    if made.read_only {
        reference.set("readOnly", true);
    }
    volume.replace(field, "persistentVolumeClaim", reference);
    outcome.changed = true;
    outcome.extra.extend(made.objects);
    outcome.notes.extend(made.notes);
    let message = format!(
        "it is the claim {} now, with a volume of its own",
        made.claim
    );
    Ok(Replaced::Noted(Code::InlineVolume, message))
}
