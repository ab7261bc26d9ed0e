//! What the record of an object is called.

use flex2csi_translators::digest::sha256_hex;
use flex2csi_translators::rewrite::ObjectKind;

/// The longest name of an object (DNS subdomain, RFC 1123).
const LONGEST: usize = 253;

/// Digits of the digest.
const DIGITS: usize = 32;

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
    let beginning: String = name.chars().take(200).collect();
    format!(
        "{prefix}{}-{}",
        beginning.trim_end_matches(['.', '-']),
        &sha256_hex(name)[..DIGITS]
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
