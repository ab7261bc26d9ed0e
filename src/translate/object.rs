//! One object: from its text to what it becomes.

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::{
    Context, Error, Kind, Outcome, Target, TargetForm, Values, storage_class,
};

use super::known::View;

use super::readers::Readers;

/// What holds for a whole run.
pub struct Settings {
    /// What the result is for.
    pub target: Target,
    /// Which way to translate.
    pub target_form: TargetForm,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// What only the site knows.
    pub values: Values,
    /// The FlexVolume drivers.
    pub mappings: Mappings,
    /// Who reads the notes.
    pub readers: Readers,
}

/// Translates the object in a JSON text. `kind` is that of an item whose list
/// says it.
///
/// # Errors
/// The text is not an object, or cannot be translated.
pub fn translate<'a>(
    json: &'a str,
    kind: Option<Kind>,
    settings: &Settings,
    known: &View,
) -> Result<Outcome<'a>, Error> {
    let mut object = flex2csi_translators::parse(json)?;
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
        storage_class::name_of(kind, &mut object)?
    };
    let context = Context {
        target: settings.target,
        target_form: settings.target_form,
        namespace: settings.namespace.as_deref(),
        storage_class: class.and_then(|name| known.class(&name)),
        secrets: known.secrets(),
        ..Context::new(&settings.values, &settings.mappings)
    };
    flex2csi_translators::translate_as(kind, object, &context)
}
