//! The one function behind all doors.

use crate::context::{Context, Target};
use crate::error::Error;
use crate::json::Object;
use crate::kind::Kind;
use crate::outcome::Outcome;
use crate::{claim, persistent_volume, snapshot_content, storage_class, workload};

/// Translates one object: legacy volume in, CSI volume out, or back.
///
/// An object that holds nothing to translate comes back unchanged, and so does
/// a list: its items are objects, to be given one by one.
///
/// What is worth knowing about the result is said in notes:
///
/// ```
/// use flex2csi_translators::flex::Mappings;
/// use flex2csi_translators::{Code, Context, Values, parse, translate};
///
/// let class = r#"{
///     "apiVersion": "storage.k8s.io/v1",
///     "kind": "StorageClass",
///     "metadata": {"name": "fast"},
///     "provisioner": "kubernetes.io/aws-ebs",
///     "parameters": {"type": "gp3"}
/// }"#;
/// let (values, mappings) = (Values::default(), Mappings::built_in());
/// let outcome = translate(parse(class)?, &Context::new(&values, &mappings))?;
/// let provisioner = outcome.object.str("provisioner")?;
/// assert_eq!(provisioner.as_deref(), Some("ebs.csi.aws.com"));
/// assert_eq!(outcome.notes[0].code, Code::ProvisionerChanged);
/// # Ok::<(), flex2csi_translators::Error>(())
/// ```
///
/// # Errors
/// The object cannot be translated as asked; it is then to be kept as it was.
pub fn translate<'a>(object: Object<'a>, context: &Context<'_>) -> Result<Outcome<'a>, Error> {
    let kind = Kind::of(&object)?;
    translate_as(kind, object, context)
}

/// Translates an object whose kind the caller knows, as that of an item of a
/// `PersistentVolumeList`, which does not say it itself.
///
/// # Errors
/// As [`translate`].
pub fn translate_as<'a>(
    kind: Kind,
    object: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    match kind {
        Kind::PersistentVolume => persistent_volume::translate(object, context),
        Kind::StorageClass => storage_class::translate(object, context),
        Kind::List | Kind::Other => Ok(Outcome::unchanged(object)),
        _ if context.target == Target::Runtime => Ok(Outcome::unchanged(object)),
        Kind::PersistentVolumeClaim => claim::translate(object, context),
        Kind::VolumeSnapshotContent => snapshot_content::translate(object, context),
        Kind::Workload(workload) => workload::translate(workload, object, context),
    }
}
