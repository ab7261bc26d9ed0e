//! Names and contents as short, equal things.

use flex2csi_translators::digest::sha256_hex;
use sha2::{Digest, Sha256};

/// What stands for a name made of parts, among hundreds of thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of these parts, in this order.
    pub fn of(parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.len().to_le_bytes());
            digest.update(part.as_bytes());
        }
        let mut key = [0; 16];
        key.copy_from_slice(&digest.finalize()[..16]);
        Self(key)
    }
}

/// The digest of what of a translated object is to be stored: of its content,
/// however its JSON is written, and without what the server sets, or leaves out in
/// lists.
///
/// # Errors
/// It is not JSON.
pub fn of_object(json: &str) -> Result<String, serde_json::Error> {
    // Its maps are sorted.
    let mut value: serde_json::Value = serde_json::from_str(json)?;
    if let Some(object) = value.as_object_mut() {
        for member in ["apiVersion", "kind", "status"] {
            object.remove(member);
        }
        if let Some(serde_json::Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.retain(|key, _| matches!(key.as_str(), "name" | "labels" | "annotations"));
        }
    }
    Ok(sha256_hex(serde_json::to_string(&value)?.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(Key::of(&["ab", "c"]), Key::of(&["a", "bc"]));
        assert_eq!(Key::of(&["a", "b"]), Key::of(&["a", "b"]));
    }

    #[test]
    fn content_counts_and_spelling_does_not() {
        let one = of_object(r#"{"spec":{"a":1,"b":2},"metadata":{"name":"x","uid":"1"}}"#).unwrap();
        let same =
            of_object(r#"{ "metadata": {"name":"x"}, "status":{}, "spec": {"b":2, "a":1} }"#)
                .unwrap();
        assert_eq!(one, same);
        let other = of_object(r#"{"spec":{"a":1,"b":3},"metadata":{"name":"x"}}"#).unwrap();
        assert_ne!(one, other);
    }
}
