//! Parameters of StorageClasses. In-tree plugins know them in any case.
//!
//! Two parameters can become one, as `fstype` and `fsType` do. The Go library
//! then keeps the one that its map gives last, any of them. Here it is the one
//! that stands last in the object.

use std::borrow::Cow;

use super::go_text;
use crate::error::Error;
use crate::json::{At, JsonError, Member, Object, Value};

const PARAMETERS: &str = "parameters";

/// The CSI sidecars' name of the parameter `fstype`.
pub(crate) const CSI_FS_TYPE: &str = "csi.storage.k8s.io/fstype";

/// One parameter as it stands in the class.
pub(crate) struct Parameter<'o, 'a> {
    member: &'o Member<'a>,
    lower: String,
}

impl<'a> Parameter<'_, 'a> {
    /// The name in lower case.
    pub(crate) fn lower(&self) -> &str {
        &self.lower
    }

    /// The value; empty where it is `null`.
    pub(crate) fn text(&self) -> Result<Cow<'a, str>, Error> {
        let text = self
            .member
            .value
            .to_str()
            .map_err(|error: JsonError| error.under(self.member.key()).under(PARAMETERS))?;
        Ok(text.unwrap_or_default())
    }
}

/// The parameters that a class is to have.
pub(crate) struct Parameters<'a> {
    new: Object<'a>,
    changed: bool,
}

impl<'a> Parameters<'a> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            new: Object::new(),
            changed: false,
        }
    }

    /// Goes through the parameters of a class in the order in which they stand;
    /// one that `each` neither keeps nor sets is dropped.
    pub(crate) fn translate(
        &mut self,
        class: &Object<'a>,
        mut each: impl FnMut(&mut Self, &Parameter<'_, 'a>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(value) = class.get(PARAMETERS) else {
            return Ok(());
        };
        let old = super::fields::peek(value).at(&[PARAMETERS])?;
        for member in old.iter().flat_map(|old| old.members()) {
            let lower = go_text::to_lower(member.key());
            let before = self.new.len();
            each(self, &Parameter { member, lower })?;
            self.changed |= self.new.len() != before + 1;
        }
        Ok(())
    }

    /// Keeps a parameter as it stands.
    pub(crate) fn keep(&mut self, parameter: &Parameter<'_, 'a>) {
        let member = parameter.member;
        self.new.set(member.to_key(), member.value.clone());
    }

    /// Sets a parameter.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value<'a>>) {
        self.new.set(name, value);
        self.changed = true;
    }

    /// Sets several parameters to one value.
    pub(crate) fn set_all(&mut self, names: &[&'static str], value: Cow<'a, str>) {
        for name in names {
            self.set(name, value.clone());
        }
    }

    /// A parameter that was set.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.new.get(name).is_some_and(|value| !value.is_empty())
    }

    /// Writes the parameters into the class, unless they are as they were.
    pub(crate) fn store(self, class: &mut Object<'a>) {
        if !self.changed {
            return;
        }
        if self.new.is_empty() {
            class.remove(PARAMETERS);
        } else {
            class.set(PARAMETERS, self.new);
        }
    }
}
