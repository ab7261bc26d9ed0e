//! The functions of expressions. Each can be called both ways, `trim(text)`
//! and `text.trim()`.

use std::borrow::Cow;
use std::fmt;

use super::interpret::{equal, look_up};
use crate::digest;
use crate::flex::functions::{self as text, ITEMS, TooLarge};
use crate::flex::view::View;

/// Why a call gave nothing.
enum Wrong {
    /// It does not take values of these types.
    Types,
    /// The result would be too large.
    TooLarge,
    /// Anything else, without a value.
    Other(String),
}

impl From<TooLarge> for Wrong {
    fn from(TooLarge: TooLarge) -> Self {
        Self::TooLarge
    }
}

type Result<'e> = std::result::Result<View<'e>, Wrong>;
type Body = for<'e> fn(&mut [View<'e>]) -> Result<'e>;

/// A function.
#[derive(Clone, Copy)]
pub(super) struct Function {
    name: &'static str,
    /// How many arguments it takes, the receiver counted; three at most.
    pub counts: &'static [usize],
    body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const FUNCTIONS: &[(&str, &[usize], Body)] = &[
    ("get", &[2, 3], get),
    ("lowerAscii", &[1], |a| {
        map(a, |text| text.to_ascii_lowercase())
    }),
    ("upperAscii", &[1], |a| {
        map(a, |text| text.to_ascii_uppercase())
    }),
    ("trim", &[1], |a| map(a, |text| text.trim().to_owned())),
    ("trimPrefix", &[2], |a| {
        let (text, prefix) = two(a)?;
        Ok(owned(text.strip_prefix(prefix).unwrap_or(text).to_owned()))
    }),
    ("trimSuffix", &[2], |a| {
        let (text, suffix) = two(a)?;
        Ok(owned(text.strip_suffix(suffix).unwrap_or(text).to_owned()))
    }),
    ("split", &[2], |a| {
        let (text, separator) = two(a)?;
        Ok(list(text::split(text, separator)?))
    }),
    ("join", &[1, 2], join),
    ("without", &[2], without),
    ("replace", &[3], |a| match a {
        [View::Text(text), View::Text(old), View::Text(new)] => {
            Ok(owned(text::replace(text, old, new)?))
        }
        _ => Err(Wrong::Types),
    }),
    ("startsWith", &[2], |a| {
        two(a).map(|(text, part)| View::Bool(text.starts_with(part)))
    }),
    ("endsWith", &[2], |a| {
        two(a).map(|(text, part)| View::Bool(text.ends_with(part)))
    }),
    ("contains", &[2], |a| {
        two(a).map(|(text, part)| View::Bool(text.contains(part)))
    }),
    // With a literal pattern it is a step of its own.
    ("matches", &[2], |_| Err(Wrong::Types)),
    ("mountOptions", &[1], |a| {
        Ok(list(text::mount_options(one(a)?)?))
    }),
    ("mountOptionsFrom", &[2], mount_options_from),
    ("sha256hex", &[1], |a| {
        map(a, |text| digest::sha256_hex(text))
    }),
    ("hex", &[1], |a| Ok(owned(text::hex(one(a)?.as_bytes())?))),
    ("size", &[1], size),
    ("string", &[1], string),
];

impl Function {
    /// The function of a name.
    pub fn find(name: &str) -> Option<Self> {
        let found = FUNCTIONS.iter().find(|(known, ..)| *known == name)?;
        let (name, counts, body) = *found;
        Some(Self { name, counts, body })
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|(name, ..)| *name)
    }

    /// Calls it; a failure is told without values.
    pub fn call<'e>(&self, arguments: &mut [View<'e>]) -> std::result::Result<View<'e>, String> {
        (self.body)(arguments).map_err(|wrong| {
            let name = self.name;
            match wrong {
                Wrong::Types => {
                    let kinds: Vec<&str> = arguments.iter().map(View::kind).collect();
                    format!("{name}() does not take {}", kinds.join(", "))
                }
                Wrong::TooLarge => format!("the result of {name}() is too large"),
                Wrong::Other(reason) => format!("{name}(): {reason}"),
            }
        })
    }
}

fn one<'a>(arguments: &'a [View<'_>]) -> std::result::Result<&'a str, Wrong> {
    match arguments {
        [View::Text(text)] => Ok(text),
        _ => Err(Wrong::Types),
    }
}

fn two<'a>(arguments: &'a [View<'_>]) -> std::result::Result<(&'a str, &'a str), Wrong> {
    match arguments {
        [View::Text(first), View::Text(second)] => Ok((first, second)),
        _ => Err(Wrong::Types),
    }
}

fn owned<'e>(text: String) -> View<'e> {
    View::Text(Cow::Owned(text))
}

fn map<'e>(arguments: &[View<'_>], with: impl Fn(&str) -> String) -> Result<'e> {
    one(arguments).map(|text| owned(with(text)))
}

fn list<'e>(texts: Vec<String>) -> View<'e> {
    View::List(texts.into_iter().map(owned).collect())
}

/// A list that is not too long.
pub(super) fn bounded(items: Vec<View<'_>>) -> std::result::Result<View<'_>, String> {
    if items.len() > ITEMS {
        return Err("a list would be too long".into());
    }
    Ok(View::List(items))
}

fn get<'e>(arguments: &mut [View<'e>]) -> Result<'e> {
    let (map, key) = match &*arguments {
        [View::Map(map), View::Text(key), ..] => (map, key),
        _ => return Err(Wrong::Types),
    };
    match look_up(map, key).map_err(Wrong::Other)? {
        Some(value) => Ok(value),
        None => Ok(match arguments {
            [_, _, default] => std::mem::replace(default, View::Null),
            _ => View::Null,
        }),
    }
}

fn join<'e>(arguments: &mut [View<'e>]) -> Result<'e> {
    let (list, separator) = match &*arguments {
        [list] => (list, ""),
        [list, View::Text(separator)] => (list, &**separator),
        _ => return Err(Wrong::Types),
    };
    if !matches!(list, View::List(_) | View::Items(_)) {
        return Err(Wrong::Types);
    }
    let mut texts = Vec::with_capacity(list.items().len());
    for item in list.items() {
        match item {
            View::Text(text) => texts.push(&**text),
            View::Null => {}
            _ => return Err(Wrong::Other("a list may hold texts only".into())),
        }
    }
    Ok(owned(text::join(texts, separator)?))
}

/// `without(list, prefix)`: the texts that do not start so.
fn without<'e>(arguments: &mut [View<'e>]) -> Result<'e> {
    let [texts, View::Text(prefix)] = &*arguments else {
        return Err(Wrong::Types);
    };
    if !matches!(texts, View::List(_) | View::Items(_)) {
        return Err(Wrong::Types);
    }
    let mut kept = Vec::with_capacity(texts.items().len());
    for item in texts.items() {
        match item {
            View::Text(text) if text.starts_with(&**prefix) => {}
            View::Text(text) => kept.push(text.to_string()),
            _ => return Err(Wrong::Other("a list may hold texts only".into())),
        }
    }
    Ok(list(kept))
}

/// `mountOptionsFrom(options, [["key", "prefix="], ["key", "flag", "value"]])`:
/// for each key that is set, the prefix with its value, or the flag where the
/// value is the one named.
fn mount_options_from<'e>(arguments: &mut [View<'e>]) -> Result<'e> {
    let [View::Map(map), table @ (View::List(_) | View::Items(_))] = &*arguments else {
        return Err(Wrong::Types);
    };
    let mut options = Vec::new();
    for row in table.items() {
        let (key, option, value) = match row.items() {
            [View::Text(key), View::Text(option)] => (key, option, None),
            [View::Text(key), View::Text(option), value] => (key, option, Some(value)),
            _ => {
                let reason = "a row has a key, an option, and at most one value";
                return Err(Wrong::Other(reason.into()));
            }
        };
        let Some(found) = look_up(map, key).map_err(Wrong::Other)? else {
            continue;
        };
        let View::Text(text) = &found else {
            return Err(Wrong::Other("an option is not a text".into()));
        };
        match value {
            Some(value) if equal(value, &found) => options.push(option.to_string()),
            None if !text.is_empty() => options.push(format!("{option}{text}")),
            _ => {}
        }
    }
    Ok(list(options))
}

fn size<'e>(arguments: &mut [View<'e>]) -> Result<'e> {
    let size = match &*arguments {
        [View::Text(text)] => text.chars().count(),
        [list @ (View::List(_) | View::Items(_))] => list.items().len(),
        [View::Map(map)] => map.len(),
        _ => return Err(Wrong::Types),
    };
    Ok(View::Integer(i64::try_from(size).unwrap_or(i64::MAX)))
}

fn string<'e>(arguments: &mut [View<'e>]) -> Result<'e> {
    match arguments {
        [View::Integer(number)] => Ok(owned(number.to_string())),
        [View::Bool(truth)] => Ok(owned(truth.to_string())),
        [text @ View::Text(_)] => Ok(std::mem::replace(text, View::Null)),
        _ => Err(Wrong::Types),
    }
}
