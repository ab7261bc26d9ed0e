use std::collections::HashMap;

use serde::Deserialize;

use crate::digest::Key;
use crate::objects::metadata::Metadata;

/// VolumeAttachments by the volume that they name.
#[derive(Debug, Default)]
pub struct Attachments(HashMap<Key, Vec<Attachment>>);

/// One that names a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: Box<str>,
    /// Its node's.
    pub node: Box<str>,
    /// The CSI driver that attaches: nothing else makes these objects.
    pub attacher: Box<str>,
}

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
    attacher: String,
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
        let entry = Attachment {
            name: attachment.metadata.name.as_str().into(),
            node: attachment.spec.node_name.as_str().into(),
            attacher: attachment.spec.attacher.as_str().into(),
        };
        self.0.entry(Key::of(&[volume])).or_default().push(entry);
    }

    /// The attachments of a volume.
    pub fn of(&self, volume: &str) -> &[Attachment] {
        self.0.get(&Key::of(&[volume])).map_or(&[], Vec::as_slice)
    }
}
