//! The functions of expressions, for `cel`. Each can be called both ways,
//! `trim(text)` and `text.trim()`.

use std::any::Any;

use cel::common::functions::Function;
use cel::common::types::{
    BOOL_TYPE, CelBool, CelInt, CelList, CelNull, CelString, DYN_TYPE, INT_TYPE, LIST_TYPE,
    MAP_TYPE, STRING_TYPE, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use crate::digest;
use crate::flex::functions::{self as text, TooLarge};

type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Result<'b, 'v> = std::result::Result<CowVal<'b, 'v>, ExecutionError>;

/// Every function, and how many arguments it takes, the receiver counted.
pub(super) const FUNCTIONS: &[(&str, &[usize])] = &[
    ("get", &[2, 3]),
    ("lowerAscii", &[1]),
    ("upperAscii", &[1]),
    ("trim", &[1]),
    ("trimPrefix", &[2]),
    ("trimSuffix", &[2]),
    ("split", &[2]),
    ("join", &[1, 2]),
    ("replace", &[3]),
    ("startsWith", &[2]),
    ("endsWith", &[2]),
    ("contains", &[2]),
    ("matches", &[2]),
    ("mountOptions", &[1]),
    ("mountOptionsFrom", &[2]),
    ("sha256hex", &[1]),
    ("hex", &[1]),
    ("size", &[1]),
    ("string", &[1]),
];

/// A compiled pattern of `matches`.
#[derive(Debug, Clone)]
pub(super) struct Pattern(regex_lite::Regex);

static PATTERN: Type = Type::new_unspecified_type("pattern");
/// Bounds what a pattern compiles to, in bytes.
const PATTERN_BYTES: usize = 64 * 1024;

impl Pattern {
    pub fn new(pattern: &str) -> std::result::Result<Self, regex_lite::Error> {
        regex_lite::RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .build()
            .map(Self)
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN
    }

    fn cel_type() -> &'static Type {
        &PATTERN
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

/// Declares every function in every form.
pub(super) fn declare(env: &mut Env) -> std::result::Result<(), DeclarationError> {
    const S: Type = STRING_TYPE;
    const M: Type = MAP_TYPE;
    const L: Type = LIST_TYPE;
    let functions: &[(&str, &[Type], Function)] = &[
        ("get", &[M, S], get),
        ("get", &[M, S, DYN_TYPE], get),
        ("lowerAscii", &[S], |a| {
            owned(str(&a, 0)?.to_ascii_lowercase())
        }),
        ("upperAscii", &[S], |a| {
            owned(str(&a, 0)?.to_ascii_uppercase())
        }),
        ("trim", &[S], |a| owned(str(&a, 0)?.trim().to_owned())),
        ("trimPrefix", &[S, S], trim_prefix),
        ("trimSuffix", &[S, S], trim_suffix),
        ("split", &[S, S], |a| {
            list("split", text::split(str(&a, 0)?, str(&a, 1)?))
        }),
        ("join", &[L], join),
        ("join", &[L, S], join),
        ("replace", &[S, S, S], replace),
        ("startsWith", &[S, S], |a| {
            truth(str(&a, 0)?.starts_with(str(&a, 1)?))
        }),
        ("endsWith", &[S, S], |a| {
            truth(str(&a, 0)?.ends_with(str(&a, 1)?))
        }),
        ("contains", &[S, S], |a| {
            truth(str(&a, 0)?.contains(str(&a, 1)?))
        }),
        ("matches", &[S, PATTERN.to_owned()], matches),
        ("mountOptions", &[S], |a| {
            list("mountOptions", text::mount_options(str(&a, 0)?))
        }),
        ("mountOptionsFrom", &[M, L], mount_options_from),
        ("sha256hex", &[S], |a| {
            owned(digest::sha256_hex(str(&a, 0)?.as_bytes()))
        }),
        ("hex", &[S], |a| {
            owned(bounded("hex", text::hex(str(&a, 0)?.as_bytes()))?)
        }),
        ("size", &[S], |a| size(str(&a, 0)?.chars().count())),
        ("size", &[L], size_of),
        ("size", &[M], size_of),
        ("string", &[S], |mut a| a.pop().ok_or_else(other_type)),
        ("string", &[BOOL_TYPE], string),
        ("string", &[INT_TYPE], string),
    ];
    for (index, (name, types, function)) in functions.iter().enumerate() {
        let types: Vec<Type> = types.iter().map(Type::to_owned).collect();
        let id = format!("{name}_{index}");
        if let [receiver, rest @ ..] = &types[..] {
            let (receiver, rest) = (receiver.to_owned(), rest.iter().map(Type::to_owned));
            let id = format!("{id}_of");
            env.add_member_overload(name, &id, receiver, rest.collect(), *function)?;
        }
        env.add_overload(name, &id, types, *function)?;
    }
    Ok(())
}

fn other_type() -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: String::new(),
        want: String::new(),
    }
}

fn str<'s>(
    arguments: &'s Arguments<'_, '_>,
    index: usize,
) -> std::result::Result<&'s str, ExecutionError> {
    let argument = arguments.get(index).ok_or_else(other_type)?;
    let text = argument.downcast_ref::<CelString<'_>>();
    text.map(CelString::inner).ok_or_else(other_type)
}

fn owned<'b, 'v>(text: String) -> Result<'b, 'v> {
    Ok(CowVal::owned(CelString::from(text)))
}

fn truth<'b, 'v>(truth: bool) -> Result<'b, 'v> {
    Ok(CowVal::owned(CelBool::from(truth)))
}

fn size<'b, 'v>(size: usize) -> Result<'b, 'v> {
    Ok(CowVal::owned(CelInt::from(
        i64::try_from(size).unwrap_or(i64::MAX),
    )))
}

fn bounded<T>(
    function: &str,
    made: std::result::Result<T, TooLarge>,
) -> std::result::Result<T, ExecutionError> {
    made.map_err(|TooLarge| ExecutionError::function_error(function, "the result is too large"))
}

fn list<'b, 'v>(
    function: &str,
    texts: std::result::Result<Vec<String>, TooLarge>,
) -> Result<'b, 'v> {
    let texts = bounded(function, texts)?;
    let texts = texts.into_iter().map(|text| {
        let boxed: Box<dyn Val + 'v> = Box::new(CelString::from(text));
        boxed
    });
    Ok(CowVal::owned(CelList::from(texts.collect::<Vec<_>>())))
}

/// The texts of a list; nulls are passed over.
fn texts<'l>(list: &'l CowVal<'_, '_>) -> std::result::Result<Vec<&'l str>, ExecutionError> {
    let list = list.downcast_ref::<CelList<'_>>().ok_or_else(other_type)?;
    let mut texts = Vec::with_capacity(list.inner().len());
    for item in list.inner() {
        if item.downcast_ref::<CelNull>().is_some() {
            continue;
        }
        let text = item
            .downcast_ref::<CelString<'_>>()
            .ok_or_else(other_type)?;
        texts.push(text.inner());
    }
    Ok(texts)
}

fn get<'b, 'v>(mut arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let default = (arguments.len() == 3).then(|| arguments.pop()).flatten();
    let [map, key] = &arguments[..] else {
        return Err(other_type());
    };
    let map = map.as_indexer().ok_or_else(other_type)?;
    match map.get(&**key) {
        Ok(value) => Ok(CowVal::Owned(value.into_owned())),
        Err(ExecutionError::NoSuchKey(_)) => Ok(default.unwrap_or_else(|| CowVal::owned(CelNull))),
        Err(error) => Err(error),
    }
}

fn trim_prefix<'b, 'v>(arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let (text, prefix) = (str(&arguments, 0)?, str(&arguments, 1)?);
    owned(text.strip_prefix(prefix).unwrap_or(text).to_owned())
}

fn trim_suffix<'b, 'v>(arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let (text, suffix) = (str(&arguments, 0)?, str(&arguments, 1)?);
    owned(text.strip_suffix(suffix).unwrap_or(text).to_owned())
}

fn replace<'b, 'v>(a: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let made = text::replace(str(&a, 0)?, str(&a, 1)?, str(&a, 2)?);
    owned(bounded("replace", made)?)
}

fn join<'b, 'v>(arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let separator = match arguments.get(1) {
        Some(_) => str(&arguments, 1)?,
        None => "",
    };
    let list = arguments.first().ok_or_else(other_type)?;
    owned(bounded("join", text::join(texts(list)?, separator))?)
}

fn matches<'b, 'v>(arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let pattern = arguments
        .get(1)
        .and_then(|pattern| pattern.downcast_ref::<Pattern>());
    let Pattern(pattern) = pattern.ok_or_else(other_type)?;
    truth(pattern.is_match(str(&arguments, 0)?))
}

/// `mountOptionsFrom(options, [["key", "prefix="], ["key", "flag", "value"]])`:
/// for each key that is set, the prefix with its value, or the flag where the
/// value is the one named.
fn mount_options_from<'b, 'v>(arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let [map, table] = &arguments[..] else {
        return Err(other_type());
    };
    let map = map.as_indexer().ok_or_else(other_type)?;
    let table = table.downcast_ref::<CelList<'_>>().ok_or_else(other_type)?;
    let mut options = Vec::new();
    for row in table.inner() {
        let row = row.downcast_ref::<CelList<'_>>().ok_or_else(other_type)?;
        let (key, option, value) = match row.inner() {
            [key, option] => (key, option, None),
            [key, option, value] => (key, option, Some(value)),
            _ => {
                return Err(ExecutionError::function_error(
                    "mountOptionsFrom",
                    "a row has a key, an option, and at most one value",
                ));
            }
        };
        let found = match map.get(&**key) {
            Ok(found) => found,
            Err(ExecutionError::NoSuchKey(_)) => continue,
            Err(error) => return Err(error),
        };
        let option = option
            .downcast_ref::<CelString<'_>>()
            .ok_or_else(other_type)?;
        let text = found
            .downcast_ref::<CelString<'_>>()
            .ok_or_else(other_type)?;
        match value {
            Some(value) if value.equals(text) => options.push(option.inner().to_owned()),
            None if !text.inner().is_empty() => {
                options.push(format!("{}{}", option.inner(), text.inner()));
            }
            _ => {}
        }
    }
    list("mountOptionsFrom", Ok(options))
}

fn size_of<'b, 'v>(arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let sizer = arguments.first().and_then(|argument| argument.as_sizer());
    Ok(CowVal::owned(sizer.ok_or_else(other_type)?.size()))
}

fn string<'b, 'v>(arguments: Arguments<'b, 'v>) -> Result<'b, 'v> {
    let argument = arguments.first().ok_or_else(other_type)?;
    if let Some(number) = argument.downcast_ref::<CelInt>() {
        return owned(number.inner().to_string());
    }
    let truth = argument.downcast_ref::<CelBool>().ok_or_else(other_type)?;
    owned(truth.inner().to_string())
}
