//! PersistentVolumeClaims: only annotations that name a legacy provisioner.

use crate::context::{Context, TargetForm};
use crate::error::Error;
use crate::in_tree;
use crate::json::{At, Object, Path};
use crate::note::{Code, Note};
use crate::outcome::Outcome;
use crate::stored_volume::MIGRATED_TO;

/// Who is to provision the claim's volume, under the name of 1.23 and under
/// that of all versions before, which are still written both.
pub(crate) const STORAGE_PROVISIONER: [&str; 2] = [
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
];

/// Translates a claim's annotations.
///
/// # Errors
/// An annotation is not a string, or a mapping's expression fails.
pub(crate) fn translate<'a>(
    mut claim: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    if context.target_form != TargetForm::Csi {
        return Ok(Outcome::unchanged(claim));
    }
    let mut notes = Vec::new();
    let mut changed = in_tree_annotations(&mut claim, context, &mut notes)?;
    if let Some(more) = context.mappings.claim(&mut claim, context)? {
        notes.extend(more);
        changed = true;
    }
    Ok(Outcome {
        object: claim,
        changed,
        extra: Vec::new(),
        notes,
    })
}

fn in_tree_annotations(
    claim: &mut Object<'_>,
    context: &Context<'_>,
    notes: &mut Vec<Note>,
) -> Result<bool, Error> {
    let Some(metadata) = claim.object("metadata")? else {
        return Ok(false);
    };
    let Some(annotations) = metadata.object("annotations").at(&["metadata"])? else {
        return Ok(false);
    };
    let mut changed = false;
    for key in STORAGE_PROVISIONER {
        let provisioner = match annotations.str(key).at(&["metadata", "annotations"])? {
            Some(legacy) => in_tree::stored::provisioner_of(&legacy, context.values),
            None => None,
        };
        let Some(provisioner) = provisioner else {
            continue;
        };
        changed = true;
        notes.push(Note::new(
            Code::ProvisionerChanged,
            Path::of(&["metadata", "annotations", key]),
            format!("the claim's provisioner is now {provisioner}"),
        ));
        annotations.set(key, provisioner.into_owned());
    }
    if changed {
        annotations.remove(MIGRATED_TO);
    }
    Ok(changed)
}
