//! One object: from its text to what it becomes.

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::json::{At, Object};
use flex2csi_translators::{Context, Direction, Error, Kind, Outcome, Target, Values};

use super::known::Known;

/// What holds for a whole run.
pub struct Settings {
    /// What the result is for.
    pub target: Target,
    /// Which way to translate.
    pub direction: Direction,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// What only the site knows.
    pub values: Values,
    /// The FlexVolume drivers.
    pub mappings: Mappings,
}

/// The older way in which a volume or a claim names its class.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// Translates the object in a JSON text. `kind` is that of an item whose list
/// says it.
///
/// # Errors
/// The text is not an object, or cannot be translated.
pub fn translate<'a>(
    json: &'a str,
    kind: Option<Kind>,
    settings: &Settings,
    known: &Known,
) -> Result<Outcome<'a>, Error> {
    let mut object = Object::parse(json)?;
    let kind = match kind {
        Some(kind) if !object.contains("kind") => kind,
        _ => Kind::of(&object)?,
    };
    if matches!(kind, Kind::Other | Kind::List) {
        return Ok(Outcome::unchanged(object));
    }
    let class = if known.has_no_classes() {
        None
    } else {
        class_name(kind, &mut object)?
    };
    let context = Context {
        target: settings.target,
        direction: settings.direction,
        namespace: settings.namespace.as_deref(),
        claim: None,
        storage_class: class.and_then(|name| known.class(&name)),
        values: &settings.values,
        mappings: &settings.mappings,
        secrets: known.secrets(),
    };
    flex2csi_translators::translate_as(kind, object, &context)
}

/// The class that a volume or a claim names.
fn class_name(kind: Kind, object: &mut Object<'_>) -> Result<Option<String>, Error> {
    if !matches!(kind, Kind::PersistentVolume | Kind::PersistentVolumeClaim) {
        return Ok(None);
    }
    if let Some(spec) = object.object("spec")?
        && let Some(name) = spec.str("storageClassName").at(&["spec"])?
    {
        return Ok(Some(name.into_owned()));
    }
    if let Some(metadata) = object.object("metadata")?
        && let Some(annotations) = metadata.object("annotations").at(&["metadata"])?
        && let Some(name) = annotations
            .str(CLASS_ANNOTATION)
            .at(&["metadata", "annotations"])?
    {
        return Ok(Some(name.into_owned()));
    }
    Ok(None)
}
