use std::borrow::Cow;

use super::value::MAX_DEPTH;
use super::{JsonError, Value, parse};

/// An opened JSON object: its members in the order in which they stand.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
    /// The text that was opened, for its layout; `None` if the object is new.
    text: Option<&'a str>,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members && self.layout() == other.layout()
    }
}

/// One member of an [`Object`].
#[derive(Debug, Clone)]
pub struct Member<'a> {
    key: Cow<'a, str>,
    /// The key as it was written, quotes included; `None` if it is new.
    written: Option<&'a str>,
    /// The member's value.
    pub value: Value<'a>,
}

impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

/// The white space with which an object was written, so that what is changed
/// in it looks like its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout<'a> {
    /// Before each member.
    pub inner: &'a str,
    /// Before the closing brace.
    pub end: &'a str,
    /// After a key's colon.
    pub colon: &'a str,
}

impl<'a> Member<'a> {
    fn new(key: Cow<'a, str>, value: Value<'a>) -> Self {
        Self {
            key,
            written: None,
            value,
        }
    }

    /// A member whose key stands in the input as `text`, quotes included;
    /// without escapes if it `is_plain`.
    pub(super) fn written(text: &'a str, is_plain: bool, value: Value<'a>) -> Option<Self> {
        let key = if is_plain {
            Cow::Borrowed(text.get(1..text.len() - 1)?)
        } else {
            parse::string(text).ok()?
        };
        Some(Self {
            key,
            written: Some(text),
            value,
        })
    }

    /// The decoded key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The decoded key, borrowed from the input where it can be.
    pub fn to_key(&self) -> Cow<'a, str> {
        self.key.clone()
    }

    pub(super) fn written_key(&self) -> Option<&'a str> {
        self.written
    }
}

impl<'a> Layout<'a> {
    /// Reads the white space of `text`, which is one valid JSON object.
    fn of(text: &'a str) -> Option<Self> {
        let body = text.strip_prefix('{')?.strip_suffix('}')?;
        let key = body.trim_ascii_start();
        let inner = &body[..body.len() - key.len()];
        let end = &body[body.trim_ascii_end().len()..];
        let after_key = &key[key_length(key)?..];
        let colon = after_key.trim_ascii_start().strip_prefix(':')?;
        let spaces = colon.len() - colon.trim_ascii_start().len();
        Some(Self {
            inner,
            end,
            colon: &colon[..spaces],
        })
    }
}

/// Length of the JSON string at the start of `text`, quotes included.
fn key_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

impl<'a> Object<'a> {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the JSON object in `text`; its members stay unread.
    ///
    /// # Errors
    /// The text is not one JSON object, or a key stands in it twice.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        parse::object(text.trim_ascii())
    }

    pub(super) fn from_parts(members: Vec<Member<'a>>, text: &'a str) -> Self {
        Self {
            members,
            text: Some(text),
        }
    }

    /// The members of an object that stands in the input as `text`; `None` if a
    /// key stands there twice.
    pub(super) fn from_members(members: Vec<Member<'a>>, text: &'a str) -> Option<Self> {
        parse::duplicate(&members)
            .is_none()
            .then(|| Self::from_parts(members, text))
    }

    /// The text that was opened, whatever has been changed since; `None` if the
    /// object is new.
    pub fn source(&self) -> Option<&'a str> {
        self.text
    }

    /// The white space with which the object was written; `None` if it is new.
    pub fn layout(&self) -> Option<Layout<'a>> {
        self.text.and_then(Layout::of)
    }

    /// The members, in order.
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// The members, in order, to be changed in place.
    pub fn members_mut(&mut self) -> impl Iterator<Item = &mut Member<'a>> {
        self.members.iter_mut()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.members.iter().position(|member| member.key == key)
    }

    /// Whether there is a member of that name, `null` included.
    pub fn contains(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.position(key).map(|index| &self.members[index].value)
    }

    /// The value of a member, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value<'a>> {
        self.position(key)
            .map(|index| &mut self.members[index].value)
    }

    /// Sets a member: in its old place, or at the end.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) {
        let key = key.into();
        match self.position(&key) {
            Some(index) => self.members[index].value = value.into(),
            None => self.members.push(Member::new(key, value.into())),
        }
    }

    /// Puts a member where another stands: its name and value change, its place
    /// does not. Without the old one the new one goes to the end.
    pub fn replace(
        &mut self,
        old: &str,
        key: impl Into<Cow<'a, str>>,
        value: impl Into<Value<'a>>,
    ) {
        let key = key.into();
        if old != key {
            self.remove(&key);
        }
        match self.position(old) {
            Some(index) => self.members[index] = Member::new(key, value.into()),
            None => self.members.push(Member::new(key, value.into())),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value<'a>> {
        self.position(key)
            .map(|index| self.members.remove(index).value)
    }

    /// The string of a member; `None` where it is absent or `null`.
    ///
    /// # Errors
    /// The member is of another type.
    pub fn str(&self, key: &str) -> Result<Option<Cow<'a, str>>, JsonError> {
        match self.get(key) {
            Some(value) => value.to_str().map_err(|error| error.under(key)),
            None => Ok(None),
        }
    }

    /// The boolean of a member; `None` where it is absent or `null`.
    ///
    /// # Errors
    /// The member is of another type.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, JsonError> {
        match self.get(key) {
            Some(value) => value.as_bool().map_err(|error| error.under(key)),
            None => Ok(None),
        }
    }

    /// The 32-bit integer of a member; `None` where it is absent or `null`.
    ///
    /// # Errors
    /// The member is of another type or out of range.
    pub fn i32(&self, key: &str) -> Result<Option<i32>, JsonError> {
        match self.get(key) {
            Some(value) => value.as_i32().map_err(|error| error.under(key)),
            None => Ok(None),
        }
    }

    /// Opens a member as an object; `None` where it is absent or `null`.
    ///
    /// # Errors
    /// The member is of another type, or has a key twice.
    pub fn object(&mut self, key: &str) -> Result<Option<&mut Object<'a>>, JsonError> {
        match self.get_mut(key) {
            Some(value) => value.open_object().map_err(|error| error.under(key)),
            None => Ok(None),
        }
    }

    /// Opens a member as an object, made new where it is absent or `null`.
    ///
    /// # Errors
    /// The member is of another type, or has a key twice.
    pub fn object_or_new(&mut self, key: &'a str) -> Result<&mut Object<'a>, JsonError> {
        let absent = self.get(key).is_none_or(Value::is_null);
        if absent {
            self.set(key, Object::new());
        }
        let expected = || JsonError::expected("an object", "null");
        self.object(key)?.ok_or_else(expected)
    }

    /// Opens a member as an array; `None` where it is absent or `null`.
    ///
    /// # Errors
    /// The member is of another type.
    pub fn array(&mut self, key: &str) -> Result<Option<&mut Vec<Value<'a>>>, JsonError> {
        match self.get_mut(key) {
            Some(value) => value.open_array().map_err(|error| error.under(key)),
            None => Ok(None),
        }
    }

    /// The same object, opened to its leaves and without a layout of its own,
    /// so that it outlives its input.
    ///
    /// # Errors
    /// As [`Value::into_owned`].
    pub fn into_owned(self) -> Result<Object<'static>, JsonError> {
        self.owned(MAX_DEPTH)
    }

    pub(super) fn owned(self, depth: usize) -> Result<Object<'static>, JsonError> {
        let mut owned = Object::new();
        for member in self.members {
            let value = member
                .value
                .owned(depth)
                .map_err(|error| error.under(&member.key))?;
            let key = Cow::Owned(member.key.into_owned());
            owned.members.push(Member::new(key, value));
        }
        Ok(owned)
    }

    /// Takes a member out as an opened object; `None` where it is absent or `null`.
    ///
    /// # Errors
    /// The member is of another type, or has a key twice.
    pub fn take_object(&mut self, key: &str) -> Result<Option<Object<'a>>, JsonError> {
        self.object(key)?;
        match self.remove(key) {
            Some(Value::Object(object)) => Ok(Some(object)),
            _ => Ok(None),
        }
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Value<'a>>> FromIterator<(K, V)> for Object<'a> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut object = Self::new();
        for (key, value) in pairs {
            object.set(key, value);
        }
        object
    }
}
