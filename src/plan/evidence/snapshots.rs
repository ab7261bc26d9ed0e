use std::collections::HashMap;

use serde::Deserialize;

use crate::digest::Key;
use crate::objects::metadata::Metadata;

/// VolumeSnapshotContents by the handle of the volume that they were taken of.
#[derive(Debug, Default)]
pub struct Snapshots(HashMap<Key, Vec<Box<str>>>);

/// A VolumeSnapshotContent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Content {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    driver: String,
    source: Source,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Source {
    volume_handle: Option<String>,
}

impl Snapshots {
    /// Takes note of a VolumeSnapshotContent.
    pub fn add(&mut self, content: &Content) {
        if let Some(handle) = &content.spec.source.volume_handle {
            let key = Key::of(&[&content.spec.driver, handle]);
            let name = content.metadata.name.as_str().into();
            self.0.entry(key).or_default().push(name);
        }
    }

    /// Those of the volume with a handle.
    pub fn of(&self, driver: &str, handle: &str) -> Vec<String> {
        let found = self.0.get(&Key::of(&[driver, handle]));
        found
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect()
    }
}
