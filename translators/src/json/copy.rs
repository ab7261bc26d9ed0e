//! Copying what is still as it was written: neighbours go out together, with
//! the white space between them.

use std::ops::Range;

use super::object::Object;
use super::value::Value;
use super::write::{self, Around};

/// The text that was opened, on its way out. What stands between `from` and `to`
/// is to be copied and has not been yet.
pub(super) struct Copier<'t, 'o> {
    text: &'t str,
    from: usize,
    to: usize,
    out: &'o mut Vec<u8>,
}

/// How far the members of an object or the items of a list have gone out.
struct Level {
    /// Whether nothing has.
    is_first: bool,
    /// Whether what went out last is what stands before [`Copier::to`].
    follows: bool,
}

impl Level {
    const BEGIN: Self = Self {
        is_first: true,
        follows: true,
    };
}

impl<'t, 'o> Copier<'t, 'o> {
    /// Writes an object that was opened from `text`.
    pub fn copy(object: &Object<'_>, text: &'t str, around: &Around<'_, '_>, out: &'o mut Vec<u8>) {
        let mut copier = Self {
            text,
            from: 0,
            to: 0,
            out,
        };
        copier.object(object, 0..text.len(), around);
        copier.flush();
    }

    /// A value where another one stood, up to which everything has gone out.
    fn value(&mut self, value: &Value<'_>, place: Range<usize>, around: &Around<'_, '_>) {
        match value {
            Value::Raw(text) if self.stands_at(text, &place) => self.to = place.end,
            Value::Object(object)
                if object
                    .source()
                    .is_some_and(|text| self.stands_at(text, &place)) =>
            {
                self.object(object, place, around);
            }
            Value::Array(items) if self.text.as_bytes().get(place.start) == Some(&b'[') => {
                self.array(items, place, around);
            }
            new => {
                self.flush();
                write::value(new, around, self.out);
                self.skip_to(place.end);
            }
        }
    }

    fn object(&mut self, object: &Object<'_>, place: Range<usize>, around: &Around<'_, '_>) {
        let within = Around::Object(object, around);
        let mut level = Level::BEGIN;
        self.to = place.start + 1;
        for member in object.members() {
            let Some(old) = member.place() else {
                self.go_on_with_new(&mut level, &within);
                write::member(member, &within, self.out);
                continue;
            };
            self.go_on_at(place.start + old.start as usize, &mut level, &within);
            let start = place.start + old.value as usize;
            if !old.has_key {
                self.flush();
                write::key(member, &within, self.out);
                self.skip_to(start);
            }
            self.to = start;
            let end = place.start + old.end as usize;
            self.value(&member.value, start..end, &within);
        }
        self.close(b'}', object.is_empty(), place.end, &level, &within);
    }

    fn array(&mut self, items: &[Value<'_>], place: Range<usize>, around: &Around<'_, '_>) {
        let text = self.text.get(place.clone()).unwrap_or_default();
        let within = Around::Array(text, around);
        let mut level = Level::BEGIN;
        self.to = place.start + 1;
        for item in items {
            let old = item.source().and_then(|it| place_of(it, self.text));
            let Some(old) = old.filter(|old| place.start < old.start && old.end < place.end) else {
                self.go_on_with_new(&mut level, &within);
                write::value(item, &within, self.out);
                continue;
            };
            self.go_on_at(old.start, &mut level, &within);
            self.value(item, old, &within);
        }
        self.close(b']', items.is_empty(), place.end, &level, &within);
    }

    /// Goes on to a piece that stands at `start`; what goes before it is copied
    /// if it is the piece before it in the text that has gone out.
    #[inline]
    fn go_on_at(&mut self, start: usize, level: &mut Level, within: &Around<'_, '_>) {
        if !level.follows || !self.is_gap(start, !level.is_first) {
            self.flush();
            within.frame().gap(!level.is_first, self.out);
            self.from = start;
        }
        self.to = start;
        *level = Level {
            is_first: false,
            follows: true,
        };
    }

    /// Goes on to a piece that does not stand in the text.
    fn go_on_with_new(&mut self, level: &mut Level, within: &Around<'_, '_>) {
        self.flush();
        within.frame().gap(!level.is_first, self.out);
        *level = Level {
            is_first: false,
            follows: false,
        };
    }

    /// Goes past the closing bracket, which stands before `end`.
    fn close(
        &mut self,
        bracket: u8,
        is_empty: bool,
        end: usize,
        level: &Level,
        within: &Around<'_, '_>,
    ) {
        if level.follows && self.is_gap(end - 1, false) {
            self.to = end;
            return;
        }
        self.flush();
        if !is_empty {
            self.out.extend_from_slice(within.frame().end());
        }
        self.out.push(bracket);
        self.skip_to(end);
    }

    fn flush(&mut self) {
        if let Some(kept) = self.text.as_bytes().get(self.from..self.to) {
            self.out.extend_from_slice(kept);
        }
        self.from = self.to;
    }

    fn skip_to(&mut self, place: usize) {
        self.from = place;
        self.to = place;
    }

    /// Whether this is the very text that stands there, to the byte.
    #[inline]
    fn stands_at(&self, text: &str, place: &Range<usize>) -> bool {
        text.len() == place.len()
            && text.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr()) == place.start
    }

    /// Whether only white space and a comma, or none, stand before `end`: what is
    /// between two pieces, or between a piece and a bracket.
    #[inline]
    fn is_gap(&self, end: usize, comma: bool) -> bool {
        let Some(gap) = self.text.as_bytes().get(self.to..end) else {
            return false;
        };
        let mut commas = 0;
        for byte in gap {
            match byte {
                b',' => commas += 1,
                b' ' | b'\n' | b'\t' | b'\r' => {}
                _ => return false,
            }
        }
        commas == usize::from(comma)
    }
}

/// Where `part` stands in `text`, if it is a part of this very text.
pub(super) fn place_of(part: &str, text: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= text.len()).then_some(start..end)
}
