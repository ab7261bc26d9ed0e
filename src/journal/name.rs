//! What the record of an object is called.

use std::fmt::Write;

use flex2csi_translators::rewrite::ObjectKind;
use sha2::{Digest, Sha256};

/// The longest name of an object (DNS subdomain, RFC 1123).
const LONGEST: usize = 253;

/// The name of the record of an object: its own after a prefix, or, where that is
/// too long, the beginning of it and a digest.
pub fn name_of(kind: ObjectKind, name: &str) -> String {
    let prefix = match kind {
        ObjectKind::PersistentVolume => "pv-",
        ObjectKind::StorageClass => "sc-",
    };
    if prefix.len() + name.len() <= LONGEST {
        return format!("{prefix}{name}");
    }
    let mut digest = String::new();
    for byte in &Sha256::digest(name.as_bytes())[..16] {
        // Writing to a String does not fail.
        let _ = write!(digest, "{byte:02x}");
    }
    let beginning: String = name.chars().take(200).collect();
    format!(
        "{prefix}{}-{digest}",
        beginning.trim_end_matches(['.', '-'])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_kept_and_a_long_one_stays_its_own() {
        assert_eq!(name_of(ObjectKind::PersistentVolume, "data"), "pv-data");
        assert_eq!(name_of(ObjectKind::StorageClass, "data"), "sc-data");
        let long = "x".repeat(250);
        assert_eq!(name_of(ObjectKind::PersistentVolume, &long).len(), 253);
        let one = name_of(ObjectKind::PersistentVolume, &"x".repeat(252));
        let other = name_of(ObjectKind::PersistentVolume, &"x".repeat(253));
        assert_ne!(one, other);
        assert!(one.len() <= LONGEST && other.len() <= LONGEST);
        let dotted = format!("{}.{}", "x".repeat(199), "y".repeat(52));
        let name = name_of(ObjectKind::PersistentVolume, &dotted);
        assert!(!name.contains(".-"), "{name}");
    }
}
