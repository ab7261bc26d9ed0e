//! Reading members as Go's decoder reads them: what is unset or `null` is the
//! zero value, a member of another type is an error, and names count by case.

use std::borrow::Cow;

use crate::error::Error;
use crate::json::{JsonError, Object, Value};

/// A part of an object, to be read and not changed: what nobody has opened yet
/// is opened on the side, so that its text stays as it was written.
pub(crate) struct Fields<'o, 'a> {
    name: &'static str,
    parent: Option<&'o Fields<'o, 'a>>,
    object: Cow<'o, Object<'a>>,
}

impl<'o, 'a> Fields<'o, 'a> {
    /// A whole object.
    pub(crate) fn of(object: &'o Object<'a>) -> Self {
        Self {
            name: "",
            parent: None,
            object: Cow::Borrowed(object),
        }
    }

    /// The object that a member holds; without members where it is unset.
    pub(crate) fn child<'s>(&'s self, name: &'static str) -> Result<Fields<'s, 'a>, Error> {
        let empty = || Cow::Owned(Object::new());
        Ok(self.child_if_set(name)?.unwrap_or_else(|| Fields {
            name,
            parent: Some(self),
            object: empty(),
        }))
    }

    /// The object that a member holds, if it is set.
    pub(crate) fn child_if_set<'s>(
        &'s self,
        name: &'static str,
    ) -> Result<Option<Fields<'s, 'a>>, Error> {
        let Some(value) = self.object.get(name) else {
            return Ok(None);
        };
        let object = peek(value).map_err(|error| self.under(error, name))?;
        Ok(object.map(|object| Fields {
            name,
            parent: Some(self),
            object,
        }))
    }

    /// The object itself.
    pub(crate) fn object(&self) -> &Object<'a> {
        &self.object
    }

    /// A string; empty where it is unset.
    pub(crate) fn text(&self, name: &str) -> Result<Cow<'a, str>, Error> {
        Ok(self.text_if_set(name)?.unwrap_or_default())
    }

    /// A string, where unset and empty differ.
    pub(crate) fn text_if_set(&self, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
        self.object.str(name).map_err(|error| self.at(error))
    }

    /// An entry of a map of strings: one that is `null` is there, and empty.
    pub(crate) fn entry(&self, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
        match self.object.get(name) {
            Some(value) => match value.to_str() {
                Ok(text) => Ok(Some(text.unwrap_or_default())),
                Err(error) => Err(self.under(error, name)),
            },
            None => Ok(None),
        }
    }

    /// A boolean; false where it is unset.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Error> {
        let flag = self.object.bool(name).map_err(|error| self.at(error))?;
        Ok(flag.unwrap_or_default())
    }

    /// An integer of 32 bits; 0 where it is unset.
    pub(crate) fn number(&self, name: &str) -> Result<i32, Error> {
        let number = self.object.i32(name).map_err(|error| self.at(error))?;
        Ok(number.unwrap_or_default())
    }

    /// A list of strings, if it is set; an item that is `null` is empty.
    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<Cow<'a, str>>>, Error> {
        match self.object.get(name) {
            Some(value) => texts(value).map_err(|error| self.under(error, name)),
            None => Ok(None),
        }
    }

    /// A list of strings as it stands, if it is set.
    pub(crate) fn items(&self, name: &str) -> Result<Option<Cow<'_, [Value<'a>]>>, Error> {
        let Some(value) = self.object.get(name) else {
            return Ok(None);
        };
        let Some(items) = items(value).map_err(|error| self.under(error, name))? else {
            return Ok(None);
        };
        for (index, item) in items.iter().enumerate() {
            let text = item.to_str().map(drop);
            text.map_err(|error| self.under(error.under(&index.to_string()), name))?;
        }
        Ok(Some(items))
    }

    /// The error's place, seen from the whole object.
    fn at(&self, error: JsonError) -> Error {
        let mut error = error;
        let mut part = self;
        while let Some(parent) = part.parent {
            error = error.under(part.name);
            part = parent;
        }
        Error::Json(error)
    }

    fn under(&self, error: JsonError, name: &str) -> Error {
        self.at(error.under(name))
    }
}

/// The object that a value holds, opened on the side; `None` for `null`.
pub(crate) fn peek<'o, 'a>(value: &'o Value<'a>) -> Result<Option<Cow<'o, Object<'a>>>, JsonError> {
    if let Value::Object(object) = value {
        return Ok(Some(Cow::Borrowed(object)));
    }
    let mut value = value.clone();
    let opened = value.open_object()?;
    Ok(opened.map(|object| Cow::Owned(std::mem::take(object))))
}

/// The items of a list, opened on the side; `None` for `null`.
pub(crate) fn items<'o, 'a>(
    value: &'o Value<'a>,
) -> Result<Option<Cow<'o, [Value<'a>]>>, JsonError> {
    if let Value::Array(items) = value {
        return Ok(Some(Cow::Borrowed(items)));
    }
    let mut value = value.clone();
    let opened = value.open_array()?;
    Ok(opened.map(|items| Cow::Owned(std::mem::take(items))))
}

/// The strings in a list, opened on the side; `None` for `null`.
pub(crate) fn texts<'a>(value: &Value<'a>) -> Result<Option<Vec<Cow<'a, str>>>, JsonError> {
    let Some(items) = items(value)? else {
        return Ok(None);
    };
    let mut texts = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let text = item
            .to_str()
            .map_err(|error| error.under(&index.to_string()))?;
        texts.push(text.unwrap_or_default());
    }
    Ok(Some(texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_place_in_the_whole_object() {
        let pv = Object::parse(r#"{"spec":{"cinder":{"volumeID":5}}}"#).unwrap();
        let root = Fields::of(&pv);
        let spec = root.child("spec").unwrap();
        let error = spec.child("cinder").unwrap().text("volumeID").unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a string, found a number at .spec.cinder.volumeID"
        );
    }

    #[test]
    fn null_is_unset_but_an_entry_that_is_null_is_there() {
        let object = Object::parse(r#"{"a":null,"list":["x",null]}"#).unwrap();
        let fields = Fields::of(&object);
        assert_eq!(fields.text_if_set("a").unwrap(), None);
        assert_eq!(fields.entry("a").unwrap().as_deref(), Some(""));
        assert_eq!(fields.entry("b").unwrap(), None);
        assert!(fields.child_if_set("a").unwrap().is_none());
        assert_eq!(fields.texts("list").unwrap().unwrap(), ["x", ""]);
    }
}
