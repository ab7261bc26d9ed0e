//! StorageClasses.

use super::{PROVISIONERS_OWN, SOURCE, VERSION, endpoint_of, source_in};
use crate::context::Context;
use crate::error::Error;
use crate::json::{At, Object, Path};
use crate::note::{Code, Note};
use crate::outcome::Outcome;
use crate::storage_class::{self, DRIVER_NAME};

/// What the endpoint's form holds of a class.
const KEPT: [&str; 2] = ["provisioner", "parameters"];

/// Writes a legacy StorageClass in the endpoint's form: what sidecars read is
/// in CSI's words, all else as it was, for the endpoint's CreateVolume.
///
/// # Errors
/// The class cannot be translated.
pub(crate) fn to_endpoint<'a>(
    mut class: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    let mut legacy = Object::new();
    // Mappings may tell classes apart by their names.
    if let Some(metadata) = class.object("metadata")?
        && let Some(name) = metadata.str("name").at(&["metadata"])?
    {
        let mut named = Object::new();
        named.set("name", name.into_owned());
        legacy.set("metadata", named);
    }
    for key in KEPT {
        if let Some(value) = class.get(key) {
            legacy.set(key, value.clone().into_owned().at(&[key])?);
        }
    }
    if source_in(class.object("parameters")?)?.is_some() {
        return Ok(Outcome::unchanged(class));
    }
    let mut outcome = storage_class::to_stored(class, context)?;
    if !outcome.changed {
        return Ok(outcome);
    }
    let backend = storage_class::driver_of(&outcome.object)?;
    let mut parameters = Object::new();
    parameters.set(VERSION, "1");
    parameters.set(SOURCE, legacy.to_json());
    if let Some(translated) = outcome.object.object("parameters")? {
        for member in translated.members() {
            // The driver is the endpoint itself, and external-provisioner takes nothing of
            // that prefix that it does not know.
            if member.key().starts_with(PROVISIONERS_OWN) && member.key() != DRIVER_NAME {
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

/// Gives a StorageClass in the endpoint's form that of its backend; `None` if it
/// is not in that form. All but provisioner and parameters is the backend's.
///
/// # Errors
/// What the parameters hold is not what the endpoint's form has, or cannot be
/// translated.
pub(crate) fn from_endpoint<'a>(
    class: &mut Object<'a>,
    context: &Context<'_>,
) -> Result<Option<Outcome<'a>>, Error> {
    let Some(legacy) = source_in(class.object("parameters")?)? else {
        return Ok(None);
    };
    let mut restored = class.clone();
    // They are translated, and would contradict parameters that say the same.
    restored.remove("allowedTopologies");
    restored.remove("parameters");
    for member in legacy.members() {
        restored.set(member.key().to_owned(), member.value.clone());
    }
    let mut outcome = storage_class::to_stored(restored, context)?;
    for key in KEPT {
        class.remove(key);
        if let Some(value) = outcome.object.remove(key) {
            class.set(key, value);
        }
    }
    outcome.object = std::mem::take(class);
    Ok(Some(outcome))
}
