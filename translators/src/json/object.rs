use std::borrow::Cow;

use super::value::MAX_DEPTH;
use super::{JsonError, Layout, Shape, Value, parse};

/// An opened JSON object: its members in the order in which they stand.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
    /// The text that was opened; `None` if the object is new.
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
    /// Where it stands in the object's text; `None` if it is new there.
    place: Option<Place>,
    /// The member's value.
    pub value: Value<'a>,
}

/// Where a member stands in the text of its object, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Where its key begins.
    pub start: u32,
    /// Where its value begins.
    pub value: u32,
    /// Where its value ends.
    pub end: u32,
    /// Whether the key is still the one that stands there.
    pub has_key: bool,
}

impl PartialEq for Member<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

impl<'a> Member<'a> {
    fn new(key: Cow<'a, str>, value: Value<'a>) -> Self {
        Self {
            key,
            place: None,
            value,
        }
    }

    /// A member that was read; its place is not known in a text beyond 4 GiB.
    pub(super) fn read(key: Cow<'a, str>, place: Option<Place>, value: Value<'a>) -> Self {
        Self { key, place, value }
    }

    /// A member that stands in the text as it is.
    #[inline]
    pub(super) fn unopened(key: &'a str, place: Place, value: &'a str) -> Self {
        Self {
            key: Cow::Borrowed(key),
            place: Some(place),
            value: Value::Raw(value),
        }
    }

    /// Gives it what its key's escapes stand for.
    #[cold]
    pub(super) fn decode_key(&mut self, key: Cow<'a, str>) {
        self.key = key;
    }

    /// Gives it its value, which ends there.
    pub(super) fn opened(&mut self, value: Value<'a>, end: u32) {
        self.value = value;
        if let Some(place) = &mut self.place {
            place.end = end;
        }
    }

    /// The decoded key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The decoded key, borrowed from the input where it can be.
    pub fn to_key(&self) -> Cow<'a, str> {
        self.key.clone()
    }

    pub(super) fn place(&self) -> Option<Place> {
        self.place
    }
}

impl<'a> Object<'a> {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object without members, and with room for so many.
    pub fn with_capacity(members: usize) -> Self {
        Self {
            members: Vec::with_capacity(members),
            text: None,
        }
    }

    /// Opens the JSON object in `text`; its members stay unread.
    ///
    /// # Errors
    /// The text is not one JSON object, or a key stands in it twice.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        Self::open(text, &Shape::FLAT)
    }

    /// Opens the JSON object in `text` and what of it has that shape. What cannot
    /// be opened stays unread, for whoever opens it to learn why.
    ///
    /// # Errors
    /// As [`Object::parse`].
    pub fn open(text: &'a str, shape: &'static Shape) -> Result<Self, JsonError> {
        parse::object(text.trim_ascii(), shape)
    }

    pub(super) fn from_parts(members: Vec<Member<'a>>, text: &'a str) -> Self {
        Self {
            members,
            text: Some(text),
        }
    }

    /// The text that was opened, whatever has been changed since; `None` if the
    /// object is new.
    pub fn source(&self) -> Option<&'a str> {
        self.text
    }

    /// The white space with which the object was written; `None` if it is new.
    pub fn layout(&self) -> Option<Layout<'a>> {
        let text = self.text?;
        let placed = self.members.iter().find_map(Member::place);
        let key = placed.and_then(|place| text.get(place.start as usize..place.value as usize));
        Layout::of_object(text, key)
    }

    /// The members, in order.
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
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
        let mut members = self.members.iter();
        members
            .find(|member| member.key == key)
            .map(|member| &member.value)
    }

    /// The value of a member, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value<'a>> {
        let mut members = self.members.iter_mut();
        members
            .find(|member| member.key == key)
            .map(|member| &mut member.value)
    }

    /// Sets a member: in its old place, or at the end.
    pub fn set(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Value<'a>>) {
        let key = key.into();
        match self.get_mut(&key) {
            Some(old) => *old = value.into(),
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
        let mut new = Member::new(key, value.into());
        match self.members.iter_mut().find(|member| member.key == old) {
            Some(member) => {
                let has_key = |place: Place| place.has_key && old == new.key;
                new.place = member.place.map(|place| Place {
                    has_key: has_key(place),
                    ..place
                });
                *member = new;
            }
            None => self.members.push(new),
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
        let index = match self.position(key) {
            Some(index) => index,
            None => {
                let new = Member::new(Cow::Borrowed(key), Value::Object(Object::new()));
                self.members.push(new);
                self.members.len() - 1
            }
        };
        let value = &mut self.members[index].value;
        if value.is_null() {
            *value = Value::Object(Object::new());
        }
        let expected = || JsonError::expected("an object", "null");
        let opened = value.open_object().map_err(|error| error.under(key))?;
        opened.ok_or_else(expected)
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
