use std::collections::HashMap;

use serde::Deserialize;

use crate::digest::Key;
use crate::objects::metadata::Metadata;

/// VolumeSnapshotContents.
#[derive(Debug, Default)]
pub struct Snapshots {
    /// By the handle of the volume that they were taken of.
    of_volumes: HashMap<Key, Vec<Box<str>>>,
    /// How many a CSI driver has.
    of_drivers: HashMap<Box<str>, usize>,
}

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
        let driver = content.spec.driver.as_str().into();
        *self.of_drivers.entry(driver).or_default() += 1;
        if let Some(handle) = &content.spec.source.volume_handle {
            let key = Key::of(&[&content.spec.driver, handle]);
            let name = content.metadata.name.as_str().into();
            self.of_volumes.entry(key).or_default().push(name);
        }
    }

    /// Those of the volume with a handle.
    pub fn of(&self, driver: &str, handle: &str) -> Vec<String> {
        let found = self.of_volumes.get(&Key::of(&[driver, handle]));
        found
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect()
    }

    /// How many a CSI driver has.
    pub fn of_driver(&self, driver: &str) -> usize {
        self.of_drivers.get(driver).copied().unwrap_or_default()
    }
}
