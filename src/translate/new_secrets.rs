//! New Secrets: volumes that share a legacy Secret ask for the same new one,
//! which is to be written once, and never with two contents.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;

use flex2csi_translators::json::Object;

use super::remark::Identity;

/// A new Secret in some output.
#[derive(Debug)]
pub struct NewSecret {
    /// Its text in the output, to be left out if it is there already; empty
    /// where it has to stay.
    pub range: Range<usize>,
    /// What it is called.
    pub identity: Identity,
    /// The line of the object for which it was written, from 1.
    pub line: u64,
    content: u128,
}

impl NewSecret {
    /// Takes note of a new object, if it is a Secret.
    pub fn of(object: &Object<'_>, range: Range<usize>, line: u64) -> Option<Self> {
        if !matches!(object.str("kind"), Ok(Some(kind)) if kind == "Secret") {
            return None;
        }
        let json = object.to_json();
        Some(Self {
            range,
            identity: Identity::read(&json),
            line,
            content: digest(json.as_bytes()),
        })
    }

    /// The same, where it has to stay: it stands in what was written at `at`.
    #[must_use]
    pub fn at(self, at: usize) -> Self {
        Self {
            range: at..at,
            ..self
        }
    }
}

/// Two hashes of 64 bits: equal ones of different contents do not come by chance.
fn digest(bytes: &[u8]) -> u128 {
    let half = |salt| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write(bytes);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// What a new Secret is to those put out before it.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// None has its name.
    New,
    /// It was put out already.
    Same,
    /// Another content was put out under its name.
    Differs,
}

/// The new Secrets put out so far. Their content is not kept.
#[derive(Debug, Default)]
pub struct NewSecrets(HashMap<(String, String), u128>);

impl NewSecrets {
    /// Takes note of one more.
    pub fn tell(&mut self, secret: &NewSecret) -> Told {
        let identity = &secret.identity;
        let key = (identity.namespace.clone(), identity.name.clone());
        match self.0.get(&key) {
            None => {
                self.0.insert(key, secret.content);
                Told::New
            }
            Some(content) if *content == secret.content => Told::Same,
            Some(_) => Told::Differs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> NewSecret {
        let object = Object::parse(text).unwrap();
        NewSecret::of(&object, 0..0, 1).unwrap()
    }

    #[test]
    fn one_name_has_one_content() {
        let one =
            r#"{"kind":"Secret","metadata":{"namespace":"n","name":"s"},"data":{"k":"dg=="}}"#;
        let mut secrets = NewSecrets::default();
        assert_eq!(secrets.tell(&secret(one)), Told::New);
        assert_eq!(secrets.tell(&secret(one)), Told::Same);
        let other = one.replace("dg==", "dw==");
        assert_eq!(secrets.tell(&secret(&other)), Told::Differs);
        let elsewhere = other.replace("\"n\"", "\"m\"");
        assert_eq!(secrets.tell(&secret(&elsewhere)), Told::New);
    }

    #[test]
    fn what_is_no_secret_is_not_taken_note_of() {
        let object = Object::parse(r#"{"kind":"PersistentVolume"}"#).unwrap();
        assert!(NewSecret::of(&object, 0..0, 1).is_none());
    }
}
