//! PersistentVolumeClaims whose annotations name a legacy provisioner.

use super::evaluate::{Evaluator, note_once, values};
use super::mapping::Mapping;
use super::view::{Map, Scope};
use crate::claim::STORAGE_PROVISIONER;
use crate::context::Context;
use crate::error::Error;
use crate::json::{At, JsonError, Object};
use crate::kind::Kind;
use crate::note::{Code, Note};
use crate::storage_class::{self, StorageClass};

/// The provisioners that the claim's annotations name.
pub(super) fn provisioners(claim: &mut Object<'_>) -> Result<Vec<String>, Error> {
    let Some(annotations) = annotations(claim)? else {
        return Ok(Vec::new());
    };
    let mut provisioners = Vec::new();
    for key in STORAGE_PROVISIONER {
        provisioners.extend(annotations.str(key).map_err(under)?.map(String::from));
    }
    Ok(provisioners)
}

fn under(error: JsonError) -> JsonError {
    error.under("annotations").under("metadata")
}

fn annotations<'c, 'a>(claim: &'c mut Object<'a>) -> Result<Option<&'c mut Object<'a>>, JsonError> {
    match claim.object("metadata")? {
        Some(metadata) => metadata.object("annotations").at(&["metadata"]),
        None => Ok(None),
    }
}

/// Translates a claim of which an annotation names one of the mapping's
/// provisioners.
pub(super) fn translate(
    mapping: &Mapping,
    claim: &mut Object<'_>,
    context: &Context<'_>,
) -> Result<Vec<Note>, Error> {
    let mut notes = Vec::new();
    let plan = mapping.plan()?;
    let Some(class) = &plan.class else {
        return Ok(notes);
    };
    let driver = mapping.provisioners().first().map_or("", String::as_str);
    // A class's name can say as much as its parameters do.
    let named = StorageClass {
        name: storage_class::name_of(Kind::PersistentVolumeClaim, claim)?
            .unwrap_or_default()
            .into_owned(),
        ..StorageClass::default()
    };
    let scope = Scope {
        storage_class: Map::Class(context.storage_class.unwrap_or(&named)),
        values: values(mapping, context),
        ..Scope::default()
    };
    let evaluator = Evaluator {
        mapping,
        scope,
        driver,
    };
    let provisioner = evaluator.text(&class.provisioner)?.ok_or_else(|| {
        evaluator.error(&class.provisioner, "it gives nothing, and a claim needs it")
    })?;
    let extra = evaluator.map(&plan.claim_annotations)?;
    let Some(annotations) = annotations(claim)? else {
        return Ok(notes);
    };
    for key in STORAGE_PROVISIONER {
        let legacy = annotations.str(key).map_err(under)?;
        let known = |legacy: &str| mapping.provisioners().iter().any(|known| known == legacy);
        if legacy.is_some_and(|legacy| known(&legacy)) {
            annotations.set(key, provisioner.clone().into_owned());
            let message = format!("the claim's provisioner is now {provisioner}");
            note_once(
                &mut notes,
                Code::ProvisionerChanged,
                &["metadata", "annotations", key],
                message,
            );
        }
    }
    for (key, value) in extra {
        annotations.set(key.to_owned(), value.into_owned());
    }
    Ok(notes)
}
