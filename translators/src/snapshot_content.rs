//! VolumeSnapshotContents: named where the handle of their volume changes.

use crate::context::{Context, TargetForm};
use crate::error::Error;
use crate::in_tree;
use crate::json::{At, Object, Path};
use crate::note::{Code, Note};
use crate::outcome::Outcome;

/// Looks at the handle by which a snapshot names its volume. The object is left
/// as it is: its source is immutable.
///
/// # Errors
/// A member has another type than the API gives it.
pub(crate) fn translate<'a>(
    mut content: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    if context.target_form != TargetForm::Csi {
        return Ok(Outcome::unchanged(content));
    }
    let mut notes = Vec::new();
    if let Some(spec) = content.object("spec")? {
        let driver = spec.str("driver").at(&["spec"])?.unwrap_or_default();
        let handle = match spec.object("source").at(&["spec"])? {
            Some(source) => source.str("volumeHandle").at(&["spec", "source"])?,
            None => None,
        };
        if let Some(handle) = handle
            && in_tree::stored::handle_changes(&driver, &handle, context.values)
        {
            notes.push(Note::new(
                Code::SnapshotHandleChanges,
                Path::of(&["spec", "source", "volumeHandle"]),
                format!("the volume {handle:?} of {driver} is stored under another handle"),
            ));
        }
    }
    Ok(Outcome {
        notes,
        ..Outcome::unchanged(content)
    })
}
