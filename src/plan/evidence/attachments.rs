use std::collections::HashMap;

use serde::Deserialize;

use crate::plan::digest::Key;
use crate::plan::objects::metadata::Metadata;

/// VolumeAttachments by the volume that they name.
#[derive(Debug, Default)]
pub struct Attachments(HashMap<Key, Vec<Attachment>>);

/// Its name, and its node's.
type Attachment = (Box<str>, Box<str>);

/// A VolumeAttachment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VolumeAttachment {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    node_name: String,
    source: Source,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Source {
    persistent_volume_name: Option<String>,
}

impl Attachments {
    /// Takes note of an attachment.
    pub fn add(&mut self, attachment: &VolumeAttachment) {
        // One with an inline specification is the node daemon's, which says itself
        // what it is for.
        let Some(volume) = &attachment.spec.source.persistent_volume_name else {
            return;
        };
        let entry = (
            attachment.metadata.name.as_str().into(),
            attachment.spec.node_name.as_str().into(),
        );
        self.0.entry(Key::of(&[volume])).or_default().push(entry);
    }

    /// The attachments of a volume, with their nodes.
    pub fn of(&self, volume: &str) -> Vec<(String, String)> {
        let found = self.0.get(&Key::of(&[volume])).into_iter().flatten();
        found
            .map(|(name, node)| (name.to_string(), node.to_string()))
            .collect()
    }
}
