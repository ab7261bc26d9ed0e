//! The names of the objects that take an inline volume's place.
//!
//! Owners of different kinds may have one name, and `web-data` with a volume
//! `x` reads like `web` with `data-x`: so each name ends in a digest of what it
//! stands for. Two inline volumes have one name only if they are the same.

use std::fmt::Write as _;

use super::Owner;
use crate::digest::sha256_hex;
use crate::json::Object;

/// Kubernetes' limit for the name of an object (`DNS1123SubdomainMaxLength`).
const NAME_BYTES: usize = 253;

/// `-` and the first digits of the digest.
const DIGEST_BYTES: usize = 9;

/// The names of a volume and of its claim.
pub(super) struct Names {
    pub volume: String,
    pub claim: String,
}

impl Names {
    /// The names for the owner's volume with this source.
    pub fn of(owner: &Owner, volume: &str, source: &Object<'_>) -> Self {
        let digest = digest(&[
            &owner.kind,
            &owner.namespace,
            &owner.written_name,
            volume,
            &canonical(source),
        ]);
        Self {
            volume: joined(&[&owner.namespace, &owner.name, volume], &digest),
            claim: joined(&[&owner.name, volume], &digest),
        }
    }
}

/// The digest of all parts, each with its length, so that none runs into the next.
fn digest(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        // Writing to a String does not fail.
        let _ = write!(text, "{}:{part}", part.len());
    }
    sha256_hex(text)
}

/// The source in one spelling, whatever the layout of its file.
fn canonical(source: &Object<'_>) -> String {
    let text = source.to_json();
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) => value.to_string(),
        Err(_) => text,
    }
}

/// The parts and the start of the digest, joined by `-` to a DNS subdomain.
fn joined(parts: &[&str], digest: &str) -> String {
    let parts = parts.iter().map(|part| subdomain(part));
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    let mut name = parts.join("-");
    name.truncate(NAME_BYTES - DIGEST_BYTES);
    let name = name.trim_end_matches(SEPARATORS);
    let digest = &digest[..DIGEST_BYTES - 1];
    if name.is_empty() {
        digest.to_owned()
    } else {
        format!("{name}-{digest}")
    }
}

/// What of a text can stand in a name. All of a valid name can but its end, where
/// something is to be generated yet.
fn subdomain(text: &str) -> String {
    let mut text = text.to_ascii_lowercase();
    text.retain(|character| character.is_ascii_alphanumeric() || SEPARATORS.contains(&character));
    let labels = text.split('.').map(|label| label.trim_matches('-'));
    let labels: Vec<&str> = labels.filter(|label| !label.is_empty()).collect();
    labels.join(".")
}

/// Characters that stand between others in names and at neither end.
const SEPARATORS: [char; 2] = ['-', '.'];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(kind: &str, namespace: &str, name: &str, volume: &str, source: &str) -> Names {
        let owner = Owner {
            kind: kind.into(),
            written_name: name.into(),
            name: name.trim_end_matches('-').into(),
            namespace: namespace.into(),
            several_pods: false,
        };
        Names::of(&owner, volume, &Object::parse(source).unwrap())
    }

    #[test]
    fn names_differ_wherever_what_they_name_does() {
        let same = names("Deployment", "n", "web", "data", r#"{"driver":"a"}"#);
        assert!(same.claim.starts_with("web-data-"), "{}", same.claim);
        assert!(same.volume.starts_with("n-web-data-"), "{}", same.volume);
        for other in [
            names("CronJob", "n", "web", "data", r#"{"driver":"a"}"#),
            names("Deployment", "m", "web", "data", r#"{"driver":"a"}"#),
            names("Deployment", "n", "web-", "data", r#"{"driver":"a"}"#),
            names("Deployment", "n", "web", "data", r#"{"driver":"b"}"#),
            names("Deployment", "n-web", "", "data", r#"{"driver":"a"}"#),
        ] {
            assert_ne!(same.claim, other.claim);
            assert_ne!(same.volume, other.volume);
        }
        let apart = names("Deployment", "n", "web-data", "x", "{}");
        assert_ne!(
            apart.claim,
            names("Deployment", "n", "web", "data-x", "{}").claim
        );
    }

    #[test]
    fn how_the_source_is_laid_out_does_not_matter() {
        let wide = names("Pod", "n", "p", "v", "{ \"driver\" :\n\"\\u0061\" }");
        let narrow = names("Pod", "n", "p", "v", r#"{"driver":"a"}"#);
        assert_eq!(wide.claim, narrow.claim);
    }

    proptest! {
        #[test]
        fn every_name_is_a_dns_subdomain(
            namespace in "[a-z][a-z0-9-]{0,60}[a-z0-9]",
            name in "\\PC{0,8}[a-zé.-]{0,300}",
            volume in "[a-z0-9-]{0,63}",
        ) {
            let names = names("Pod", &namespace, &name, &volume, "{}");
            for name in [names.claim, names.volume] {
                prop_assert!(name.len() <= NAME_BYTES);
                for label in name.split('.') {
                    let alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
                    prop_assert!(alphanumeric(label.bytes().next()), "{}", name);
                    prop_assert!(alphanumeric(label.bytes().last()), "{}", name);
                }
            }
        }
    }
}
