//! The objects of `deploy/`, as an operator applies them.

use std::path::Path;

use flex2csi::manifest::{self, Seen, each_object};
use serde_json::Value;

/// The objects of a file in `deploy/`.
///
/// # Panics
/// As [`objects_in`].
#[must_use]
pub fn deployed(file: &str) -> Vec<Value> {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy"));
    objects_in(&directory.join(file))
}

/// The objects of a manifest.
///
/// # Panics
/// It cannot be read, something in it is no object, or there is nothing in it.
#[must_use]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
pub fn objects_in(file: &Path) -> Vec<Value> {
    let mut objects = Vec::new();
    each_object::<manifest::Error>(&[file.to_str().unwrap().to_owned()], |seen| {
        match seen {
            Seen::Object(object) => objects.push(serde_json::from_slice(object.json).unwrap()),
            Seen::Broken(problem) => panic!("{problem}"),
        }
        Ok(())
    })
    .unwrap();
    assert!(!objects.is_empty(), "{}", file.display());
    objects
}
