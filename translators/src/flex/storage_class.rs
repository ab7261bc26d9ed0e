//! StorageClasses by the mapping that knows their provisioner.

use super::evaluate::{Evaluator, note_once, values};
use super::mapping::Mapping;
use super::view::{Map, Scope};
use crate::context::Context;
use crate::error::Error;
use crate::json::{At, JsonError, Object, Path};
use crate::note::{Code, Note};
use crate::storage_class::StorageClass;
use crate::stored_volume::PROVISIONER_SECRET;

/// Translates a StorageClass in place.
pub(super) fn translate(
    mapping: &Mapping,
    class: &mut Object<'_>,
    context: &Context<'_>,
) -> Result<Vec<Note>, Error> {
    let mut notes = Vec::new();
    let (Some(plan), Some(spec)) = (&mapping.plan()?.class, &mapping.file.storage_class) else {
        return Ok(notes);
    };
    let legacy = StorageClass::read(class.clone())?;
    let scope = Scope {
        storage_class: Map::Class(&legacy),
        values: values(mapping, context),
        ..Scope::default()
    };
    let evaluator = Evaluator {
        mapping,
        scope,
        driver: &legacy.provisioner,
    };
    let provisioner = evaluator.text(&plan.provisioner)?.ok_or_else(|| {
        evaluator.error(
            &plan.provisioner,
            "it gives nothing, and a StorageClass needs it",
        )
    })?;
    let parameters = evaluator.map(&plan.parameters)?;
    evaluator.notes(&plan.notes, &mut notes)?;

    let dropped: Vec<&str> = legacy
        .parameters
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| !spec.reads.iter().any(|read| read == key))
        .filter(|key| !reads(plan, key))
        .filter(|key| legacy.parameter(key).is_some_and(|value| !value.is_empty()))
        .collect();
    if !dropped.is_empty() {
        let dropped = dropped.join(", ");
        let message = format!("parameters without a counterpart are dropped: {dropped}");
        let path = Path::of(&["parameters"]);
        notes.push(Note::new(Code::ParameterDropped, path, message));
    }
    if legacy.provisioner != provisioner {
        let message = format!("the provisioner is now {provisioner}");
        note_once(
            &mut notes,
            Code::ProvisionerChanged,
            &["provisioner"],
            message,
        );
    }
    class.set("provisioner", provisioner.into_owned());
    if parameters.is_empty() {
        class.remove("parameters");
    } else {
        let mut object = Object::new();
        for (key, value) in parameters {
            object.set(key.to_owned(), value.into_owned());
        }
        class.set("parameters", object);
    }
    topology_keys(class, spec.topology_keys.0.as_slice()).at(&["allowedTopologies"])?;
    Ok(notes)
}

/// With which Secret volumes of the class are made and deleted: the parameters
/// that say so after translation.
pub(super) fn provisioner_secret(
    mapping: &Mapping,
    class: &StorageClass,
    context: &Context<'_>,
) -> Result<Vec<(String, String)>, Error> {
    let mut secret = Vec::new();
    let Some(plan) = &mapping.plan()?.class else {
        return Ok(secret);
    };
    let scope = Scope {
        storage_class: Map::Class(class),
        values: values(mapping, context),
        ..Scope::default()
    };
    let evaluator = Evaluator {
        mapping,
        scope,
        driver: &class.provisioner,
    };
    for (key, field) in &plan.parameters {
        if PROVISIONER_SECRET.contains(&key.as_str())
            && let Some(value) = evaluator.text(field)?
        {
            secret.push((key.clone(), value.into_owned()));
        }
    }
    Ok(secret)
}

/// Whether an expression reads a parameter by its name.
fn reads(plan: &super::plan::ClassPlan, key: &str) -> bool {
    let parameters = plan.parameters.iter().map(|(_, field)| field);
    parameters
        .chain([&plan.provisioner])
        .any(|field| field.expression.reads_parameter(key))
}

/// Renames the keys of `allowedTopologies`.
fn topology_keys(class: &mut Object<'_>, renames: &[(String, String)]) -> Result<(), JsonError> {
    if renames.is_empty() {
        return Ok(());
    }
    let Some(terms) = class.array("allowedTopologies")? else {
        return Ok(());
    };
    for term in terms {
        let Some(term) = term.open_object()? else {
            continue;
        };
        let Some(expressions) = term.array("matchLabelExpressions")? else {
            continue;
        };
        for expression in expressions {
            let Some(expression) = expression.open_object()? else {
                continue;
            };
            let key = expression.str("key")?.unwrap_or_default();
            if let Some((_, new)) = renames.iter().find(|(old, _)| *old == key) {
                expression.set("key", new.clone());
            }
        }
    }
    Ok(())
}
