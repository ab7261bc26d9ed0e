//! What the configuration takes from the site: values and mappings.

use std::path::Path;

use flex2csi_translators::Values;
use flex2csi_translators::flex::Mappings;
use flex2csi_translators::in_tree;
use flex2csi_translators::json::Object;
use flex2csi_translators::values::ValuesError;
use serde_saphyr::{Location, Spanned};

use super::error::{Fault, Faults, fault};
use super::names::absolute;
use super::places::Places;
use super::seen::Seen;
use super::{schema, text};
use crate::site;

/// The built-in mappings and the site's own; `None` where one is wrong. What is
/// checked against them is then not checked: a section of the values may be that
/// mapping's.
pub(super) fn mappings(
    file: &schema::File,
    faults: &mut Faults,
    seen: &mut Seen,
) -> Option<Mappings> {
    let mut mappings = Mappings::built_in();
    let mut all_right = true;
    for given in file.mappings.iter().flatten() {
        all_right &= add_all(&mut mappings, given, faults, seen);
    }
    all_right.then_some(mappings)
}

/// Adds the mappings of a directory, or of a file; whether all are right.
fn add_all(
    mappings: &mut Mappings,
    given: &Spanned<String>,
    faults: &mut Faults,
    seen: &mut Seen,
) -> bool {
    let Some(path) = usable(given) else {
        return false;
    };
    seen.look(path);
    let files = match site::mapping_files(path) {
        Ok(files) => files,
        Err(error) => {
            faults.on(given, error.to_string());
            return false;
        }
    };
    let mut all_right = true;
    for file in files {
        seen.look(&file);
        let added = text::read(&file)
            .map_err(|message| faults.fault_on(given, message))
            .and_then(|bytes| add(mappings, &file, &bytes));
        if let Err(fault) = added {
            faults.push(fault);
            all_right = false;
        }
    }
    all_right
}

/// The path, unless it was refused as such.
fn usable(given: &Spanned<String>) -> Option<&Path> {
    absolute(&given.value).ok()?;
    Some(Path::new(&given.value))
}

fn add(mappings: &mut Mappings, file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let text = text::utf8(file, bytes)?;
    mappings.add(&file.display().to_string(), text)?;
    Ok(())
}

/// The values, from the configuration's JSON or from their own file.
pub(super) fn values(
    file: &schema::File,
    json: &str,
    mappings: &Mappings,
    faults: &mut Faults,
    seen: &mut Seen,
) -> Values {
    let values = match (&file.values, &file.values_file) {
        (Some(places), _) => inline(json, places, mappings)
            .map_err(|(place, message)| faults.fault_at(place, message)),
        (None, Some(given)) => match usable(given) {
            Some(path) => {
                seen.look(path);
                text::read(path)
                    .map_err(|message| faults.fault_on(given, message))
                    .and_then(|bytes| of_file(path, &bytes, mappings))
            }
            None => Ok(Values::default()),
        },
        (None, None) => Ok(Values::default()),
    };
    values.unwrap_or_else(|fault| {
        faults.push(fault);
        Values::default()
    })
}

/// Reports the provisioners that nothing is known of.
pub(super) fn provisioners(file: &schema::File, mappings: &Mappings, faults: &mut Faults) {
    let backends = file.backends.iter().flatten();
    for given in backends.filter_map(|backend| backend.legacy_provisioner.as_ref()) {
        let name = &given.value;
        let in_tree =
            in_tree::stored::catalogue().any(|source| source.provisioners.contains(&name.as_str()));
        let mapped = || {
            let mut known = mappings.iter().flat_map(|mapping| mapping.provisioners());
            known.any(|known| known == name)
        };
        if !in_tree && !mapped() {
            let message = format!(
                "`legacyProvisioner` {name:?} is none whose StorageClasses are known; \
                 `flex2csi explain` names those of each source"
            );
            faults.on(given, message);
        }
    }
}

fn inline(
    json: &str,
    places: &Spanned<Places>,
    mappings: &Mappings,
) -> Result<Values, (Location, String)> {
    let start = places.referenced;
    let no_sections = |_| {
        let message = "`values`: expected a section for each source, `name: {key: value}`";
        (start, message.to_owned())
    };
    let values = Object::parse(json)
        .and_then(|mut config| config.take_object("values"))
        .map_err(no_sections)?
        .unwrap_or_default();
    checked(&values.to_json(), mappings).map_err(|error| {
        let place = place(&error, &places.value).unwrap_or(start);
        (place, format!("`values`: {error}"))
    })
}

fn of_file(path: &Path, bytes: &[u8], mappings: &Mappings) -> Result<Values, Fault> {
    let text = text::utf8(path, bytes)?;
    let json = text::to_json(path, text)?;
    checked(&json, mappings).map_err(|error| {
        let places: Places = text::parse(path, text).unwrap_or_default();
        let place = place(&error, &places).unwrap_or(Location::UNKNOWN);
        fault(path, place.line(), place.column(), error.to_string())
    })
}

fn checked(json: &str, mappings: &Mappings) -> Result<Values, ValuesError> {
    let values = Values::parse(json)?;
    site::check_values(&values, mappings)?;
    Ok(values)
}

/// Where what the error is about stands.
fn place(error: &ValuesError, places: &Places) -> Option<Location> {
    match error {
        ValuesError::UnknownSection { section, .. } => places.find(&[section]),
        ValuesError::UnknownKey { section, key, .. }
        | ValuesError::WrongKind { section, key, .. } => {
            // An entry of a table is named behind its table: `table["entry"]`.
            let table = key.split_once('[').map_or(&**key, |(table, _)| table);
            places.find(&[section, table])
        }
        _ => None,
    }
}
