//! All that some manifests say.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::ClusterError;
use super::super::object::{Kind, Object, Objects};
use crate::manifest::{self, Found, Seen, each_object};

/// What a snapshot may have, in bytes: a node has hundreds of volumes, not a
/// hundred thousand.
const LIMIT: usize = 64 << 20;

/// The objects of some manifests, as far as they are of use.
#[derive(Default)]
pub(super) struct Snapshot {
    objects: BTreeMap<Object, Text>,
    /// The first thing that could not be read: what is not found may be there.
    broken: Option<String>,
    /// The bytes of all texts.
    pub(super) size: usize,
}

enum Text {
    Once(String),
    /// Two objects have the name and are not the same.
    Twice,
}

impl Snapshot {
    /// Reads manifests. It blocks.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, ClusterError> {
        let mut snapshot = Self::default();
        let read = each_object(paths, |seen| match seen {
            Seen::Object(found) => snapshot.add(&found),
            Seen::Broken(problem) => {
                snapshot.broken.get_or_insert(problem);
                Ok(())
            }
        });
        match read {
            Ok(()) => Ok(snapshot),
            Err(Stopped::Input(error)) => Err(unreadable(paths, error.to_string())),
            Err(Stopped::TooLarge) => Err(unreadable(
                paths,
                format!(
                    "they have more than {} MiB; give those of this node alone",
                    LIMIT >> 20
                ),
            )),
        }
    }

    fn add(&mut self, found: &Found<'_>) -> Result<(), Stopped> {
        let Some((object, json)) = of_use(found) else {
            return Ok(());
        };
        self.size += json.len();
        if self.size > LIMIT {
            return Err(Stopped::TooLarge);
        }
        match self.objects.entry(object) {
            Entry::Vacant(entry) => {
                entry.insert(Text::Once(json));
            }
            Entry::Occupied(mut entry) => {
                if !matches!(entry.get(), Text::Once(known) if *known == json) {
                    entry.insert(Text::Twice);
                }
            }
        }
        Ok(())
    }
}

/// Why reading was stopped.
enum Stopped {
    Input(manifest::Error),
    TooLarge,
}

impl From<manifest::Error> for Stopped {
    fn from(error: manifest::Error) -> Self {
        Self::Input(error)
    }
}

/// What an object is called and its text, if its kind is one that is looked up.
/// Texts get the kind that an item of a list leaves out.
fn of_use(found: &Found<'_>) -> Option<(Object, String)> {
    let value: Value = serde_json::from_slice(found.json).ok()?;
    let text = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let own = text(&value["kind"]);
    let kind = own.as_deref().or(found.item_kind)?;
    let api_version = text(&value["apiVersion"]);
    let api_version = api_version.as_deref().or(found.item_api_version)?;
    let known = Kind::of(api_version, kind)?;
    let name = text(&value["metadata"]["name"])?;
    let object = if known.is_namespaced() {
        let namespace = text(&value["metadata"]["namespace"]);
        Object::named(known, namespace.as_deref().unwrap_or("default"), &name)
    } else {
        Object::of_cluster(known, &name)
    };
    // What serde_json parsed is UTF-8.
    let json = String::from_utf8(found.json.to_vec()).ok()?;
    let json = match json.strip_prefix('{') {
        Some(members) if own.is_none() => {
            format!(
                "{{\"apiVersion\":{},\"kind\":\"{kind}\",{members}",
                Value::from(api_version)
            )
        }
        _ => json,
    };
    Some((object, json))
}

pub(super) fn unreadable(paths: &[impl AsRef<Path>], reason: String) -> ClusterError {
    let paths = paths.iter().map(|path| path.as_ref().display().to_string());
    ClusterError::Unreadable {
        object: format!("what is in {}", paths.collect::<Vec<_>>().join(", ")),
        reason,
    }
}

impl Objects for Snapshot {
    const ARE_STORED: bool = false;

    async fn get(&self, object: &Object) -> Result<String, ClusterError> {
        match (self.objects.get(object), &self.broken) {
            (Some(Text::Once(json)), _) => Ok(json.clone()),
            (Some(Text::Twice), _) => {
                Err(object.unreadable("it is there twice, and not the same; remove one of them"))
            }
            (None, Some(broken)) => Err(object.unreadable(format!(
                "it is not in what can be read of the manifests, and this cannot: {broken}"
            ))),
            (None, None) => Err(object.not_found()),
        }
    }
}
