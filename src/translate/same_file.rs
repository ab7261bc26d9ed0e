//! Whether two names are one file: writing one would then empty the other.

use std::fs;
use std::path::Path;

/// Whether both are there and the same file, by whatever links. Devices and
/// pipes can be read and written under one name.
pub fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one_is), Ok(other_is)) if one_is.is_file() && other_is.is_file() => {
            same_node(&one_is, &other_is) || same_path(one, other)
        }
        _ => false,
    }
}

fn same_path(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(unix)]
fn same_node(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_node(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}
