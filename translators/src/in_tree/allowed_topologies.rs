//! `allowedTopologies` of StorageClasses, and the parameters that stood for
//! them before there were any.

use std::borrow::Cow;

use super::plugin::invalid;
use super::topology::{BETA_ZONE, ZONE};
use crate::error::Error;
use crate::json::{At, JsonError, Object, Value};

const TOPOLOGIES: &str = "allowedTopologies";
const EXPRESSIONS: &str = "matchLabelExpressions";

/// The zones that a parameter `zone` or `zones` names.
pub(crate) type Zones<'a> = Option<Vec<Cow<'a, str>>>;

/// The zones in a parameter `zones`, which is taken apart and not tidied.
pub(crate) fn split<'a>(zones: &Cow<'a, str>) -> Vec<Cow<'a, str>> {
    match zones {
        Cow::Borrowed(zones) => zones.split(',').map(Cow::Borrowed).collect(),
        Cow::Owned(zones) => zones
            .split(',')
            .map(|zone| Cow::Owned(zone.to_owned()))
            .collect(),
    }
}

/// Writes the zones of a parameter into the class, or gives the topologies that
/// it has the zone key of a CSI driver.
///
/// # Errors
/// The class has both.
pub(crate) fn translate<'a>(
    class: &mut Object<'a>,
    driver: &'static str,
    zones: Zones<'a>,
    csi_zone: &'static str,
) -> Result<(), Error> {
    let Some(zones) = zones else {
        return rename_zones(class, csi_zone);
    };
    let listed = match class.get(TOPOLOGIES).cloned() {
        Some(mut value) => {
            let list = value.open_array().at(&[TOPOLOGIES])?;
            list.is_some_and(|list| !list.is_empty())
        }
        None => false,
    };
    if listed {
        let reason = "the class has allowed topologies and a parameter zone or zones";
        return Err(invalid(driver, &[TOPOLOGIES], reason));
    }
    let values: Vec<Value<'a>> = zones.into_iter().map(Value::from).collect();
    let mut expression = Object::new();
    expression.set("key", csi_zone);
    expression.set("values", values);
    let mut term = Object::new();
    term.set(EXPRESSIONS, vec![Value::from(expression)]);
    class.set(TOPOLOGIES, vec![Value::from(term)]);
    Ok(())
}

/// Gives expressions about zones, of either generation, the key of a CSI driver.
pub(crate) fn rename_zones(class: &mut Object<'_>, csi_zone: &'static str) -> Result<(), Error> {
    edit(class, |expression| {
        let is_zone = matches!(expression.str("key")?.as_deref(), Some(ZONE | BETA_ZONE));
        if is_zone {
            expression.set("key", csi_zone);
        }
        Ok(is_zone)
    })
}

/// Changes expressions one by one; `edit` says whether it did.
pub(crate) fn edit<'a>(
    class: &mut Object<'a>,
    mut edit: impl FnMut(&mut Object<'a>) -> Result<bool, JsonError>,
) -> Result<(), Error> {
    // Opened on the side: what is only read keeps its text.
    let Some(mut topologies) = class.get(TOPOLOGIES).cloned() else {
        return Ok(());
    };
    let changed = edit_terms(&mut topologies, &mut edit).at(&[TOPOLOGIES])?;
    if changed {
        class.set(TOPOLOGIES, topologies);
    }
    Ok(())
}

fn edit_terms<'a>(
    topologies: &mut Value<'a>,
    edit: &mut impl FnMut(&mut Object<'a>) -> Result<bool, JsonError>,
) -> Result<bool, JsonError> {
    let mut changed = false;
    for (index, term) in topologies.open_array()?.into_iter().flatten().enumerate() {
        let Some(term) = term.open_object()? else {
            continue;
        };
        let expressions = term
            .array(EXPRESSIONS)
            .map_err(|error| error.under(&index.to_string()))?;
        for expression in expressions.into_iter().flatten() {
            if let Some(expression) = expression.open_object()? {
                changed |= edit(expression)
                    .map_err(|error| error.under(EXPRESSIONS).under(&index.to_string()))?;
            }
        }
    }
    Ok(changed)
}
