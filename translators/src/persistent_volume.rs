//! PersistentVolumes.

use crate::context::{Context, Target, TargetForm};
use crate::error::Error;
use crate::in_tree::stored::Stored;
use crate::json::{At, JsonError, Object, Path};
use crate::note::{Code, Note};
use crate::outcome::Outcome;
use crate::stored_volume::{self, Backend};
use crate::{endpoint, in_tree, source};

/// Translates a PersistentVolume.
///
/// # Errors
/// Its source cannot be translated as asked.
pub(crate) fn translate<'a>(
    mut pv: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    match (context.target, context.target_form) {
        (Target::Runtime, TargetForm::InTree) => to_in_tree(pv),
        (Target::Runtime, _) => {
            if in_tree::is_migratable(&mut pv)? {
                in_tree::to_csi(pv).map(Outcome::changed)
            } else {
                Ok(Outcome::unchanged(pv))
            }
        }
        (Target::Stored, TargetForm::InTree) => {
            let mut outcome = to_in_tree(pv)?;
            if outcome.changed {
                in_tree::stored::check_back(&mut outcome.object)?;
                stored_volume::provisioned_in_tree(&mut outcome.object)?;
            }
            Ok(outcome)
        }
        (Target::Stored, TargetForm::Endpoint) => endpoint::volume(pv, context),
        (Target::Stored, TargetForm::Csi) => {
            match endpoint::volume_from_endpoint(&mut pv, context)? {
                Some(outcome) => Ok(outcome),
                None => to_stored(pv, context),
            }
        }
    }
}

fn to_in_tree(mut pv: Object<'_>) -> Result<Outcome<'_>, Error> {
    let driver = match pv.object("spec")? {
        Some(spec) => csi_driver(spec).at(&["spec"])?,
        None => None,
    };
    match driver {
        Some(driver) if in_tree::plugin_of_driver(&driver).is_some() => {
            in_tree::to_in_tree(pv).map(Outcome::changed)
        }
        _ => Ok(Outcome::unchanged(pv)),
    }
}

fn csi_driver(spec: &mut Object<'_>) -> Result<Option<String>, JsonError> {
    match spec.object(source::CSI)? {
        Some(csi) => {
            let driver = csi.str("driver").at(&[source::CSI])?;
            Ok(driver.map(std::borrow::Cow::into_owned))
        }
        None => Ok(None),
    }
}

/// Handles are made from the volume's name, and two without one would be one.
fn named(pv: &mut Object<'_>) -> Result<(), Error> {
    if let Some(metadata) = pv.object("metadata")? {
        for key in ["name", "generateName"] {
            if metadata
                .str(key)
                .at(&["metadata"])?
                .is_some_and(|name| !name.is_empty())
            {
                return Ok(());
            }
        }
    }
    Err(Error::MissingField {
        driver: "PersistentVolume".into(),
        path: Path::of(&["metadata", "name"]),
    })
}

/// Gives a volume the form in which its backend keeps it.
pub(crate) fn to_stored<'a>(
    mut pv: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    let found = match pv.object("spec")? {
        Some(spec) => source::only_source(spec).map_err(|error| error.about(&["spec"]))?,
        None => None,
    };
    let mut notes = Vec::new();
    let mut extra = Vec::new();
    let backend = match found {
        Some(source::CSI) => return Ok(Outcome::unchanged(pv)),
        Some(source::FLEX_VOLUME) => {
            let volume = context.mappings.volume(&mut pv, context)?;
            notes.extend(volume.notes);
            extra.extend(volume.extra);
            let Some(driver) = volume.driver else {
                return Ok(Outcome {
                    notes,
                    ..Outcome::unchanged(pv)
                });
            };
            Backend::mapped(driver)
        }
        Some(field) => match in_tree::stored::volume(field, &mut pv, context, &mut notes)? {
            Stored::Kept => {
                return Ok(Outcome {
                    notes,
                    ..Outcome::unchanged(pv)
                });
            }
            Stored::Csi(volume) => {
                extra.extend(volume.extra);
                Backend {
                    driver: volume.driver,
                    provisioner: Some(volume.provisioner),
                    block: volume.block,
                }
            }
        },
        None => {
            notes.push(Note::new(
                Code::UnknownSource,
                Path::of(&["spec"]),
                "the volume has no source that is known here",
            ));
            return Ok(Outcome {
                notes,
                ..Outcome::unchanged(pv)
            });
        }
    };
    named(&mut pv)?;
    stored_volume::finish(&mut pv, &backend, context, &mut notes)?;
    Ok(Outcome {
        object: pv,
        changed: true,
        extra,
        notes,
    })
}
