//! The required node affinity of a PersistentVolume.

use std::borrow::Cow;

use super::fields::texts;
use crate::error::Error;
use crate::json::{At, JsonError, Object, Value};

const PLACE: [&str; 4] = ["spec", "nodeAffinity", "required", "nodeSelectorTerms"];
const EXPRESSIONS: &str = "matchExpressions";

/// The terms in `spec.nodeAffinity.required`, every one and its expressions
/// opened; `null` stands for an empty one. They are to be put back with
/// [`Affinity::store`], and keep their text where they are not changed.
#[derive(Debug, Default)]
pub(crate) struct Affinity<'a> {
    terms: Vec<Value<'a>>,
}

/// One term; expressions in it are all to be met, of terms one is enough.
pub(crate) struct Term<'t, 'a>(&'t mut Value<'a>);

/// What stands in `matchExpressions`; its operator is never looked at.
#[derive(Clone, Copy)]
pub(crate) struct Expression<'t, 'a>(&'t Object<'a>);

impl<'a> Affinity<'a> {
    /// Takes the terms out of a PersistentVolume.
    pub(crate) fn take(pv: &mut Object<'a>) -> Result<Self, Error> {
        let [spec, affinity, required, terms] = PLACE;
        let Some(spec) = pv.object(spec)? else {
            return Ok(Self::default());
        };
        let Some(affinity) = spec.object(affinity).at(&PLACE[..1])? else {
            return Ok(Self::default());
        };
        let Some(required) = affinity.object(required).at(&PLACE[..2])? else {
            return Ok(Self::default());
        };
        let Some(terms) = required.array(terms).at(&PLACE[..3])? else {
            return Ok(Self::default());
        };
        for (index, term) in terms.iter_mut().enumerate() {
            open_term(term).map_err(|error| under_place(error.under(&index.to_string())))?;
        }
        Ok(Self {
            terms: std::mem::take(terms),
        })
    }

    /// Puts the terms into the PersistentVolume.
    pub(crate) fn store(self, pv: &mut Object<'a>) -> Result<(), Error> {
        if self.terms.is_empty() {
            return Ok(());
        }
        let [spec, affinity, required, terms] = PLACE;
        let spec = pv.object_or_new(spec)?;
        let affinity = spec.object_or_new(affinity).at(&PLACE[..1])?;
        let required = affinity.object_or_new(required).at(&PLACE[..2])?;
        required.set(terms, self.terms);
        Ok(())
    }

    /// The terms, to be changed.
    pub(crate) fn terms_mut(&mut self) -> impl Iterator<Item = Term<'_, 'a>> {
        self.terms.iter_mut().map(Term)
    }

    /// The expressions of all terms, in order.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = Expression<'_, 'a>> {
        self.terms.iter().flat_map(expressions)
    }

    /// Whether an expression that has the key names a value.
    pub(crate) fn has_values(&self, key: &str) -> Result<bool, Error> {
        let mut found = false;
        for expression in self.expressions().filter(|it| it.has_key(key)) {
            found |= expression.has_values()?;
        }
        Ok(found)
    }

    /// All values of a key, over all terms: sorted by bytes, each once.
    pub(crate) fn values(&self, key: &str) -> Result<Vec<Cow<'a, str>>, Error> {
        let mut values = Vec::new();
        for expression in self.expressions().filter(|it| it.has_key(key)) {
            values.extend(expression.values()?);
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    /// Gives every expression that has the key another one. Where a term has
    /// the new key already, both stay.
    pub(crate) fn rename(&mut self, key: &str, new: &'static str) {
        let lists = self.terms.iter_mut().filter_map(|term| match term {
            Value::Object(term) => term.get_mut(EXPRESSIONS),
            _ => None,
        });
        for list in lists {
            let Value::Array(list) = list else {
                continue;
            };
            for expression in list {
                if let Value::Object(expression) = expression
                    && Expression(expression).has_key(key)
                {
                    expression.set("key", new);
                }
            }
        }
    }

    /// Adds to every term that the key has to have one of these zones, trimmed,
    /// sorted, each once, the empty ones left out; without any left, nothing.
    pub(crate) fn add<'z>(
        &mut self,
        key: &'static str,
        zones: impl Iterator<Item = &'z str>,
    ) -> Result<(), Error> {
        let mut zones: Vec<&str> = zones
            .map(str::trim)
            .filter(|zone| !zone.is_empty())
            .collect();
        if zones.is_empty() {
            return Ok(());
        }
        zones.sort_unstable();
        zones.dedup();
        if self.terms.is_empty() {
            self.terms.push(Object::new().into());
        }
        for mut term in self.terms_mut() {
            let zones = zones.iter().map(|zone| Value::from((*zone).to_owned()));
            term.add(key, zones.collect())?;
        }
        Ok(())
    }
}

impl<'a> Term<'_, 'a> {
    /// The expressions, in order.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = Expression<'_, 'a>> {
        expressions(self.0)
    }

    /// Adds that the key has to have one of the values.
    pub(crate) fn add(&mut self, key: &'static str, values: Vec<Value<'a>>) -> Result<(), Error> {
        let mut expression = Object::new();
        expression.set("key", key);
        expression.set("operator", "In");
        expression.set("values", values);
        if self.0.is_null() {
            *self.0 = Object::new().into();
        }
        let Some(term) = self.0.open_object().map_err(under_place)? else {
            return Ok(());
        };
        match term.array(EXPRESSIONS).map_err(under_place)? {
            Some(expressions) => expressions.push(expression.into()),
            None => term.set(EXPRESSIONS, vec![expression.into()]),
        }
        Ok(())
    }
}

impl<'t, 'a> Expression<'t, 'a> {
    /// Whether it is about this node label.
    pub(crate) fn has_key(self, key: &str) -> bool {
        self.0.get("key").is_some_and(|value| value.is_text(key))
    }

    /// The values, in order.
    pub(crate) fn values(self) -> Result<Vec<Cow<'a, str>>, Error> {
        let values = match self.0.get("values") {
            Some(values) => texts(values).map_err(under_values)?,
            None => None,
        };
        Ok(values.unwrap_or_default())
    }

    fn has_values(self) -> Result<bool, Error> {
        match self.0.get("values") {
            Some(values) => values.has_texts().map_err(under_values),
            None => Ok(false),
        }
    }
}

fn expressions<'t, 'a>(term: &'t Value<'a>) -> impl Iterator<Item = Expression<'t, 'a>> {
    let list = match term {
        Value::Object(term) => term.get(EXPRESSIONS),
        _ => None,
    };
    let items = match list {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(|item| match item {
        Value::Object(expression) => Some(Expression(expression)),
        _ => None,
    })
}

/// The error's place; in which term and expression is left out.
fn under_values(error: JsonError) -> Error {
    under_place(error.under("values").under(EXPRESSIONS))
}

fn under_place(error: JsonError) -> Error {
    let place = PLACE.iter().rev();
    Error::Json(place.fold(error, |error, name| error.under(name)))
}

fn open_term(term: &mut Value<'_>) -> Result<(), JsonError> {
    let Some(term) = term.open_object()? else {
        return Ok(());
    };
    let Some(list) = term.array(EXPRESSIONS)? else {
        return Ok(());
    };
    for (index, expression) in list.iter_mut().enumerate() {
        let key = match expression.open_object() {
            Ok(Some(expression)) => expression.str("key").map(drop),
            other => other.map(drop),
        };
        key.map_err(|error| error.under(&index.to_string()).under(EXPRESSIONS))?;
    }
    Ok(())
}
