//! How large fields may be: CSI 1.12, "Size Limits".

use std::collections::BTreeMap;

use super::error::Error;

/// The longest string, in bytes.
const STRING: usize = 128;

/// The largest map: keys and values, in bytes.
const MAP: usize = 4 << 10;

/// The longest path of Linux, in bytes, its end included.
const PATH: usize = 4096;

/// A name that has to be there.
pub(super) fn name<'a>(field: &'static str, name: &'a str) -> Result<&'a str, Error> {
    match name {
        "" => Err(Error::Missing(field)),
        long if long.len() > STRING => Err(Error::invalid(
            field,
            format!("is longer than {STRING} bytes"),
        )),
        name => Ok(name),
    }
}

/// A map.
pub(super) fn map(field: &'static str, map: &BTreeMap<String, String>) -> Result<(), Error> {
    let size: usize = map.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MAP {
        return Err(Error::invalid(field, format!("is larger than {MAP} bytes")));
    }
    Ok(())
}

/// A path that has to be there. Whatever it is, it is only compared with
/// paths that are known.
pub(super) fn known_path(field: &'static str, path: &str) -> Result<String, Error> {
    match path {
        "" => Err(Error::Missing(field)),
        path => Ok(plain(path)),
    }
}

/// A path that has to be there, and that something is done to: absolute, and naming what it names without
/// `..`, so that nobody takes it for another.
pub(super) fn path(field: &'static str, path: &str) -> Result<String, Error> {
    let why = match path {
        "" => return Err(Error::Missing(field)),
        path if path.len() >= PATH => "is too long",
        path if path.contains('\0') => "has a zero byte in it",
        path if !path.starts_with('/') => "is not absolute",
        path if path.split('/').any(|part| part == "..") => "has .. in it",
        path => return Ok(plain(path)),
    };
    Err(Error::invalid(field, why))
}

/// One spelling for each path, so that it is found again: without `//`, `/.`
/// and an ending `/`.
fn plain(path: &str) -> String {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    let joined = parts.collect::<Vec<_>>().join("/");
    if path.starts_with('/') {
        format!("/{joined}")
    } else {
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_those_of_the_specification() {
        assert!(name("name", &"x".repeat(128)).is_ok());
        for wrong in [String::new(), "x".repeat(129)] {
            assert!(name("name", &wrong).is_err(), "{}", wrong.len());
        }
        let sized = |size: usize| BTreeMap::from([("k".to_owned(), "v".repeat(size - 1))]);
        assert!(map("parameters", &sized(4096)).is_ok());
        assert!(map("parameters", &sized(4097)).is_err());
    }

    #[test]
    fn paths_are_absolute_and_plain() {
        for spelling in ["/var/..x/y", "//var/./..x/y/"] {
            assert_eq!(path("target_path", spelling).unwrap(), "/var/..x/y");
        }
        assert_eq!(known_path("volume_path", "some/path").unwrap(), "some/path");
        for wrong in ["", "a", "./a", "/a/../b", "/a\0", &"/x".repeat(2048)] {
            assert!(path("target_path", wrong).is_err(), "{wrong:?}");
        }
    }
}
