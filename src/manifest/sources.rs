//! What `-f` names.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input, given as `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The inputs that a command line names, in its order. As with kubectl, a
/// directory stands for its `.json`, `.yaml` and `.yml` files by name, and for
/// those of the directories in it only if `recursive`; a file is taken
/// whatever its name.
///
/// # Errors
/// If something is not there, cannot be listed, is a directory without
/// manifests, or if `-` is given twice.
pub fn expand<P: AsRef<Path>>(
    names: impl IntoIterator<Item = P>,
    recursive: bool,
) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for name in names {
        let path = name.as_ref();
        if path.as_os_str() == "-" {
            if sources.contains(&Source::Stdin) {
                return Err(Error::StdinTwice);
            }
            sources.push(Source::Stdin);
            continue;
        }
        let metadata = fs::metadata(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::Missing {
                path: path.to_owned(),
            },
            _ => Error::Open {
                path: path.to_owned(),
                source,
            },
        })?;
        if !metadata.is_dir() {
            sources.push(Source::File(path.to_owned()));
            continue;
        }
        let before = sources.len();
        directory(path, recursive, &mut sources)?;
        if sources.len() == before {
            return Err(Error::NoManifests {
                path: path.to_owned(),
            });
        }
    }
    Ok(sources)
}

fn directory(path: &Path, recursive: bool, sources: &mut Vec<Source>) -> Result<(), Error> {
    let unreadable = |source| Error::Open {
        path: path.to_owned(),
        source,
    };
    let mut entries = fs::read_dir(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Links to directories are not followed: mounted ConfigMaps consist of
        // them, and would come twice.
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if recursive {
                directory(&path, recursive, sources)?;
            }
        } else if is_manifest(&path) && !path.is_dir() {
            sources.push(Source::File(path));
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|name| matches!(name.to_str(), Some("json" | "yaml" | "yml")))
}

#[cfg(test)]
mod tests;
