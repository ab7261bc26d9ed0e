//! A mapping's own examples, run when it is loaded.

use serde_json::Value;

use super::mapping::Mapping;
use super::mappings::Mappings;
use super::schema::Example;
use super::{claim, legacy, storage_class, translate};
use crate::context::Context;
use crate::error::Error;
use crate::json::Object;
use crate::note::Note;
use crate::storage_class::StorageClass;
use crate::values::Values;

/// What became of an example's object.
struct Result {
    out: std::result::Result<(), Error>,
    extra: Vec<Object<'static>>,
    notes: Vec<Note>,
}

/// Runs an example.
///
/// # Errors
/// What came out is something else than the example says, in words.
pub(super) fn run(mapping: &Mapping, example: &Example) -> std::result::Result<(), String> {
    let input = example.input.to_string();
    let mut object = Object::parse(&input).map_err(|error| error.to_string())?;
    let mut values = Values::default();
    for (name, value) in &example.values {
        values.set(mapping.name(), name, value.clone());
    }
    values
        .check([(mapping.name(), mapping.values())])
        .map_err(|error| error.to_string())?;
    let class = match &example.storage_class {
        Some(class) => Some(storage_class(&class.to_string()).map_err(|error| error.to_string())?),
        None => None,
    };
    let mappings = Mappings::default();
    let context = Context {
        storage_class: class.as_ref(),
        ..Context::new(&values, &mappings)
    };
    let result = translate(mapping, &mut object, &context)?;
    compare(example, &result, &object)
}

fn storage_class(text: &str) -> std::result::Result<StorageClass, Error> {
    StorageClass::read(Object::parse(text)?)
}

fn translate(
    mapping: &Mapping,
    object: &mut Object<'_>,
    context: &Context<'_>,
) -> std::result::Result<Result, String> {
    let kind = object.str("kind").map_err(|error| error.to_string())?;
    let (out, extra, notes) = match kind.as_deref() {
        Some("PersistentVolume") => match volume(mapping, object, context)? {
            Ok(volume) => (Ok(()), volume.extra, volume.notes),
            Err(error) => (Err(error), Vec::new(), Vec::new()),
        },
        Some("StorageClass") => split(storage_class::translate(mapping, object, context)),
        Some("PersistentVolumeClaim") => split(claim::translate(mapping, object, context)),
        _ => {
            return Err(
                "expected a PersistentVolume, a StorageClass or a PersistentVolumeClaim in `in`"
                    .into(),
            );
        }
    };
    Ok(Result { out, extra, notes })
}

type Parts = (
    std::result::Result<(), Error>,
    Vec<Object<'static>>,
    Vec<Note>,
);

fn split(notes: std::result::Result<Vec<Note>, Error>) -> Parts {
    match notes {
        Ok(notes) => (Ok(()), Vec::new(), notes),
        Err(error) => (Err(error), Vec::new(), Vec::new()),
    }
}

/// Translates a volume as if the mapping were the only one.
fn volume(
    mapping: &Mapping,
    pv: &mut Object<'_>,
    context: &Context<'_>,
) -> std::result::Result<std::result::Result<translate::FlexVolume, Error>, String> {
    let said = |error: Error| error.to_string();
    let none = Object::new();
    let driver = legacy::driver_of(legacy::source_of(pv).map_err(said)?).map_err(said)?;
    let driver = driver.into_owned();
    let captures = {
        let source = legacy::source_of(pv).map_err(said)?;
        let options = legacy::options_of(source).map_err(said)?;
        let options = options.unwrap_or(&none);
        match mapping.captures(&driver) {
            Some(captures) if mapping.fits(&captures, options).map_err(said)? => captures,
            Some(_) => return Err("`when` does not let its options pass".into()),
            None if mapping.has_shape(options).map_err(said)? => Vec::new(),
            None => return Err(format!("the mapping does not know the driver {driver}")),
        }
    };
    Ok(translate::volume(mapping, &captures, pv, context))
}

fn compare(
    example: &Example,
    result: &Result,
    object: &Object<'_>,
) -> std::result::Result<(), String> {
    match (&result.out, &example.error, &example.out) {
        (_, None, None) => return Err("expected `out` or `error`".into()),
        (_, Some(_), Some(_)) => return Err("expected either `out` or `error`, found both".into()),
        (Err(error), Some(code), None) if error.code().as_str() == code => return Ok(()),
        (Err(error), Some(code), None) => {
            let found = error.code();
            return Err(format!("expected the error {code}, found {found}: {error}"));
        }
        (Err(error), None, Some(_)) => return Err(error.to_string()),
        (Ok(()), Some(code), None) => return Err(format!("expected the error {code}, found none")),
        (Ok(()), None, Some(expected)) => differs("", &parsed(object)?, expected)?,
    }
    let mut codes: Vec<&str> = result.notes.iter().map(|note| note.code.as_str()).collect();
    codes.sort_unstable();
    if codes != example.notes {
        let (expected, found) = (example.notes.join(", "), codes.join(", "));
        return Err(format!("expected the notes [{expected}], found [{found}]"));
    }
    let extra: std::result::Result<Vec<Value>, String> = result.extra.iter().map(parsed).collect();
    differs(
        " of extra",
        &Value::Array(extra?),
        &Value::Array(example.extra.clone()),
    )
}

fn parsed(object: &Object<'_>) -> std::result::Result<Value, String> {
    serde_json::from_str(&object.to_json()).map_err(|error| error.to_string())
}

/// The first difference, by its place.
fn differs(place: &str, found: &Value, expected: &Value) -> std::result::Result<(), String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (key, value) in found {
                match expected.get(key) {
                    Some(expected) => differs(&format!("{place}.{key}"), value, expected)?,
                    None => return Err(format!("`out` lacks {place}.{key}, which is {value}")),
                }
            }
            match expected.keys().find(|key| !found.contains_key(*key)) {
                Some(key) => Err(format!("{place}.{key} was expected and is not there")),
                None => Ok(()),
            }
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => found
            .iter()
            .zip(expected)
            .enumerate()
            .try_for_each(|(index, (found, expected))| {
                differs(&format!("{place}[{index}]"), found, expected)
            }),
        _ if found == expected => Ok(()),
        _ => Err(format!("{place} is {found}, expected {expected}")),
    }
}
