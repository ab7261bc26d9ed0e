//! New members, left out where Go's `omitempty` leaves them out.

use std::borrow::Cow;

use crate::json::Object;

/// Sets a string that is not empty.
pub(crate) fn text<'a>(object: &mut Object<'a>, name: &'static str, text: Cow<'a, str>) {
    if !text.is_empty() {
        object.set(name, text);
    }
}

/// Sets a boolean that is true.
pub(crate) fn flag(object: &mut Object<'_>, name: &'static str, flag: bool) {
    if flag {
        object.set(name, flag);
    }
}

/// Sets an integer that is not 0.
pub(crate) fn number(object: &mut Object<'_>, name: &'static str, number: i32) {
    if number != 0 {
        object.set(name, number);
    }
}
