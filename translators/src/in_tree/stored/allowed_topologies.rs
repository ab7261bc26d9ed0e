//! `allowedTopologies` in a form that the API server stores: it refuses a value
//! twice in one expression, a key twice in one term, and a term twice
//! (kubernetes v1.36 pkg/apis/storage/validation and pkg/apis/core/validation,
//! ValidateTopologySelectorTerm). At run time nobody checks.

use crate::error::Error;
use crate::json::{At, JsonError, Object, Value};

/// A term: the values for each key.
type Term = Vec<(String, Vec<String>)>;

/// Rewrites the list if the API server would refuse it.
pub(crate) fn tidy(class: &mut Object<'_>) -> Result<(), Error> {
    let Some(terms) = class.array("allowedTopologies")? else {
        return Ok(());
    };
    let mut tidied: Vec<Term> = Vec::with_capacity(terms.len());
    let mut fits = true;
    for term in terms.iter() {
        let read = read(term).at(&["allowedTopologies"])?;
        let new = merge(&read);
        fits &= new == read && !tidied.contains(&new);
        if !tidied.contains(&new) {
            tidied.push(new);
        }
    }
    if !fits {
        *terms = tidied.into_iter().map(write).collect();
    }
    Ok(())
}

fn read(term: &Value<'_>) -> Result<Term, JsonError> {
    let mut term = term.clone();
    let mut read = Term::new();
    let Some(term) = term.open_object()? else {
        return Ok(read);
    };
    let Some(expressions) = term.array("matchLabelExpressions")? else {
        return Ok(read);
    };
    for expression in expressions {
        let Some(expression) = expression.open_object()? else {
            continue;
        };
        let key = expression.str("key")?.unwrap_or_default().into_owned();
        let mut values = Vec::new();
        if let Some(items) = expression.array("values")? {
            for item in items.iter() {
                values.push(item.as_str()?.unwrap_or_default().into_owned());
            }
        }
        read.push((key, values));
    }
    Ok(read)
}

/// The same term, each key and value once. White space around a zone comes
/// from `zones: "a, b"`. An empty zone is Azure's for disks outside of zones,
/// and otherwise the rest of a comma too many.
fn merge(term: &Term) -> Term {
    let mut merged = Term::new();
    for (key, values) in term {
        let index = match merged.iter().position(|(known, _)| known == key) {
            Some(index) => index,
            None => {
                merged.push((key.clone(), Vec::new()));
                merged.len() - 1
            }
        };
        for value in values {
            let value = value.trim();
            let comma = value.is_empty() && values.iter().any(|other| !other.trim().is_empty());
            if !comma && !merged[index].1.iter().any(|known| known == value) {
                merged[index].1.push(value.to_owned());
            }
        }
    }
    merged
}

fn write(term: Term) -> Value<'static> {
    let expressions: Vec<Value<'static>> = term
        .into_iter()
        .map(|(key, values)| {
            let mut expression = Object::new();
            expression.set("key", key);
            let values: Vec<Value<'static>> = values.into_iter().map(Value::from).collect();
            expression.set("values", values);
            expression.into()
        })
        .collect();
    let mut term = Object::new();
    if !expressions.is_empty() {
        term.set("matchLabelExpressions", expressions);
    }
    term.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(text: &str) -> String {
        let mut class = Object::parse(text).unwrap();
        tidy(&mut class).unwrap();
        class.to_json()
    }

    #[test]
    fn what_the_api_server_stores_keeps_its_text() {
        let text = r#"{"allowedTopologies": [ {"matchLabelExpressions": [{"key":"z","values":["a","b"]}]} ]}"#;
        assert!(tidied(text).contains(r#"{"key":"z","values":["a","b"]}"#));
    }

    #[test]
    fn values_and_keys_and_terms_stand_once() {
        assert_eq!(
            tidied(
                r#"{"allowedTopologies":[{"matchLabelExpressions":[{"key":"z","values":["a"," a","b",""]},{"key":"z","values":["c"]}]},{"matchLabelExpressions":[{"key":"z","values":["a","b","c"]}]}]}"#
            ),
            r#"{"allowedTopologies":[{"matchLabelExpressions":[{"key":"z","values":["a","b","c"]}]}]}"#
        );
    }

    #[test]
    fn azure_disks_outside_of_zones_keep_their_empty_zone() {
        assert_eq!(
            tidied(
                r#"{"allowedTopologies":[{"matchLabelExpressions":[{"key":"z","values":["",""]}]}]}"#
            ),
            r#"{"allowedTopologies":[{"matchLabelExpressions":[{"key":"z","values":[""]}]}]}"#
        );
    }
}
