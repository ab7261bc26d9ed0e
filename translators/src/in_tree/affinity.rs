//! The required node affinity of a PersistentVolume.

use std::borrow::Cow;

use super::fields::{Fields, texts};
use crate::error::Error;
use crate::json::{JsonError, Object, Value};

const PLACE: [&str; 4] = ["spec", "nodeAffinity", "required", "nodeSelectorTerms"];
const EXPRESSIONS: &str = "matchExpressions";
/// What is opened below `nodeAffinity`, the expressions with it.
const AHEAD: [&str; 4] = ["required", "nodeSelectorTerms", EXPRESSIONS, ""];

/// `spec.nodeAffinity.required`, opened on the side: what is not changed keeps
/// its text.
#[derive(Debug, Default)]
pub(crate) struct Affinity<'a> {
    /// `nodeAffinity`
    affinity: Object<'a>,
    /// `required` in it.
    required: Object<'a>,
    /// `nodeSelectorTerms` in that.
    terms: Vec<Term<'a>>,
}

/// One term; expressions in it are all to be met, of terms one is enough.
#[derive(Debug)]
pub(crate) struct Term<'a> {
    part: Part<'a>,
    expressions: Vec<Expression<'a>>,
}

/// What stands in `matchExpressions`; its operator is never looked at.
#[derive(Debug)]
pub(crate) struct Expression<'a> {
    part: Part<'a>,
    key: Cow<'a, str>,
}

/// An object in a list; empty for `null`.
#[derive(Debug, Default)]
struct Part<'a> {
    /// What stands in the input, unless something has been changed in it before.
    text: Option<&'a str>,
    opened: Object<'a>,
    changed: bool,
}

impl<'a> Part<'a> {
    fn read(mut written: Value<'a>, is_input: bool) -> Result<Self, JsonError> {
        let opened = written.open_object()?.map(std::mem::take);
        let opened = opened.unwrap_or_default();
        Ok(Self {
            text: opened.source().filter(|_| is_input),
            opened,
            changed: false,
        })
    }

    /// The text that it keeps.
    fn kept(&self) -> Option<Value<'a>> {
        self.text.filter(|_| !self.changed).map(Value::Raw)
    }
}

impl<'a> Affinity<'a> {
    /// Reads the terms of a PersistentVolume.
    pub(crate) fn read(pv: &Object<'a>) -> Result<Self, Error> {
        let root = Fields::of(pv);
        let [spec, place, ..] = PLACE;
        let spec = root.child(spec)?;
        let Some(mut affinity) = spec.object().get(place).cloned() else {
            return Ok(Self::default());
        };
        let is_input = matches!(affinity, Value::Raw(_));
        affinity.open_ahead(&AHEAD);
        read_affinity(affinity, is_input).map_err(|error| error.under(place).under(PLACE[0]).into())
    }

    /// The terms, to be changed.
    pub(crate) fn terms_mut(&mut self) -> &mut [Term<'a>] {
        &mut self.terms
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression<'a>> {
        self.terms.iter().flat_map(|term| &term.expressions)
    }

    /// Whether a term has an expression with the key, with values or without.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.expressions().any(|expression| expression.key == key)
    }

    /// All values of a key, over all terms: sorted by bytes, each once.
    pub(crate) fn values(&self, key: &str) -> Result<Vec<Cow<'a, str>>, Error> {
        let mut values = Vec::new();
        for expression in self
            .expressions()
            .filter(|expression| expression.key == key)
        {
            values.extend(expression.values()?);
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    /// Gives every expression that has the key another one. Where a term has
    /// the new key already, both stay.
    pub(crate) fn rename(&mut self, key: &str, new: &'static str) {
        for term in &mut self.terms {
            for expression in &mut term.expressions {
                if expression.key == key {
                    expression.rename(new);
                    term.part.changed = true;
                }
            }
        }
    }

    /// Adds to every term that the key has to have one of these zones, trimmed,
    /// sorted, each once, the empty ones left out; without any left, nothing.
    pub(crate) fn add<'z>(&mut self, key: &'static str, zones: impl Iterator<Item = &'z str>) {
        let mut zones: Vec<&str> = zones
            .map(str::trim)
            .filter(|zone| !zone.is_empty())
            .collect();
        if zones.is_empty() {
            return;
        }
        zones.sort_unstable();
        zones.dedup();
        if self.terms.is_empty() {
            self.terms.push(Term {
                part: Part::default(),
                expressions: Vec::new(),
            });
        }
        for term in &mut self.terms {
            let zones = zones.iter().map(|zone| Value::from((*zone).to_owned()));
            term.add(key, zones.collect());
        }
    }

    /// Writes the terms into the PersistentVolume, if one has changed.
    pub(crate) fn store(mut self, pv: &mut Object<'a>) -> Result<(), Error> {
        if !self.terms.iter().any(|term| term.part.changed) {
            return Ok(());
        }
        let [spec, affinity, required, terms] = PLACE;
        let list: Vec<_> = self.terms.into_iter().map(Term::into_value).collect();
        self.required.set(terms, list);
        self.affinity.set(required, self.required);
        pv.object_or_new(spec)?.set(affinity, self.affinity);
        Ok(())
    }
}

impl<'a> Term<'a> {
    /// The expressions, in order.
    pub(crate) fn expressions(&self) -> &[Expression<'a>] {
        &self.expressions
    }

    /// Adds that the key has to have one of the values.
    pub(crate) fn add(&mut self, key: &'static str, values: Vec<Value<'a>>) {
        let mut opened = Object::new();
        opened.set("key", key);
        opened.set("operator", "In");
        opened.set("values", values);
        self.expressions.push(Expression {
            part: Part {
                opened,
                ..Part::default()
            },
            key: Cow::Borrowed(key),
        });
        self.part.changed = true;
    }

    fn into_value(mut self) -> Value<'a> {
        if let Some(kept) = self.part.kept() {
            return kept;
        }
        let expressions = self.expressions.into_iter();
        let list: Vec<_> = expressions.map(Expression::into_value).collect();
        if !list.is_empty() {
            self.part.opened.set(EXPRESSIONS, list);
        }
        self.part.opened.into()
    }
}

impl<'a> Expression<'a> {
    /// The node label that the expression is about.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The values, in order.
    pub(crate) fn values(&self) -> Result<Vec<Cow<'a, str>>, Error> {
        let values = match self.part.opened.get("values") {
            Some(values) => texts(values).map_err(|error| under_terms(error.under("values")))?,
            None => None,
        };
        Ok(values.unwrap_or_default())
    }

    fn into_value(self) -> Value<'a> {
        self.part.kept().unwrap_or_else(|| self.part.opened.into())
    }

    fn rename(&mut self, key: &'static str) {
        self.part.opened.set("key", key);
        self.part.changed = true;
        self.key = Cow::Borrowed(key);
    }
}

/// The error's place; in which term and expression is left out.
fn under_terms(error: JsonError) -> Error {
    let place = PLACE.iter().rev();
    Error::Json(place.fold(error.under(EXPRESSIONS), |error, name| error.under(name)))
}

fn read_affinity(mut value: Value<'_>, is_input: bool) -> Result<Affinity<'_>, JsonError> {
    let [.., required_place, terms_place] = PLACE;
    let mut affinity = value.open_object()?.map(std::mem::take).unwrap_or_default();
    let mut required = affinity
        .object(required_place)?
        .map(std::mem::take)
        .unwrap_or_default();
    let terms = read_list(&mut required, terms_place, |term| read_term(term, is_input))
        .map_err(|error| error.under(required_place))?;
    Ok(Affinity {
        affinity,
        required,
        terms,
    })
}

fn read_term(written: Value<'_>, is_input: bool) -> Result<Term<'_>, JsonError> {
    let mut part = Part::read(written, is_input)?;
    let expressions = read_list(&mut part.opened, EXPRESSIONS, |expression| {
        let part = Part::read(expression, is_input)?;
        let key = part.opened.str("key")?.unwrap_or_default();
        Ok(Expression { part, key })
    })?;
    Ok(Term { part, expressions })
}

/// Takes the items out of a list and reads them one by one; unset is empty.
fn read_list<'a, T>(
    object: &mut Object<'a>,
    name: &str,
    read: impl Fn(Value<'a>) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let items = object.array(name)?.map(std::mem::take);
    let numbered = items
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, item)| {
            read(item).map_err(|error| error.under(&index.to_string()).under(name))
        });
    numbered.collect()
}
