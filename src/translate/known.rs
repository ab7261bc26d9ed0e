//! What earlier objects of the input say to later ones: StorageClasses, and
//! Secrets where their values are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use flex2csi_translators::context::Secrets;
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::{Error, Kind};
use memchr::memmem;

/// What is known so far. A clone is cheap: readers go on and workers keep theirs.
#[derive(Debug, Clone, Default)]
pub struct Known {
    classes: Arc<BTreeMap<String, StorageClass>>,
    secrets: Option<Arc<Secrets>>,
}

impl Known {
    /// Nothing known yet; `secret_values` asks for Secrets as well.
    pub fn new(secret_values: bool) -> Self {
        Self {
            classes: Arc::default(),
            secrets: secret_values.then(Arc::default),
        }
    }

    /// The StorageClass of that name.
    pub fn class(&self, name: &str) -> Option<&StorageClass> {
        self.classes.get(name)
    }

    /// Whether no StorageClass is known.
    pub fn has_no_classes(&self) -> bool {
        self.classes.is_empty()
    }

    /// The Secrets, if they were asked for.
    pub fn secrets(&self) -> Option<&Secrets> {
        self.secrets.as_deref()
    }

    /// Whether an object with this text might be worth learning. It is cheap and
    /// mistakes only in saying yes; `kind` is set for items that leave it out.
    pub fn may_learn(&self, text: &[u8], kind: Option<Kind>) -> bool {
        kind == Some(Kind::StorageClass)
            || memmem::find(text, b"StorageClass").is_some()
            || (self.secrets.is_some() && memmem::find(text, b"Secret").is_some())
    }

    /// Learns from an object's JSON text; tells whether there was something.
    ///
    /// # Errors
    /// It is a StorageClass or a Secret with members of other types.
    pub fn learn(&mut self, json: &str, kind: Option<Kind>) -> Result<bool, Error> {
        let object = Object::parse(json)?;
        let kind = match kind {
            Some(kind) => kind,
            None => Kind::of(&object)?,
        };
        if kind == Kind::StorageClass {
            let class = StorageClass::read(object)?;
            Arc::make_mut(&mut self.classes).insert(class.name.clone(), class);
            return Ok(true);
        }
        let is_secret = object.str("kind")?.as_deref() == Some("Secret")
            && object.str("apiVersion")?.as_deref() == Some("v1");
        match &mut self.secrets {
            Some(secrets) if is_secret => {
                learn_secret(Arc::make_mut(secrets), object)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn learn_secret(secrets: &mut Secrets, mut object: Object<'_>) -> Result<(), Error> {
    let mut identity = (String::new(), String::new());
    if let Some(metadata) = object.object("metadata")? {
        identity.0 = metadata.str("namespace")?.unwrap_or_default().into_owned();
        identity.1 = metadata.str("name")?.unwrap_or_default().into_owned();
    }
    let mut data = BTreeMap::new();
    if let Some(members) = object.object("data")? {
        for member in members.members() {
            let value = members.str(member.key())?.unwrap_or_default();
            data.insert(member.key().to_owned(), value.into_owned());
        }
    }
    secrets.insert(identity, data);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: &str = r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass",
        "metadata":{"name":"fast"},"provisioner":"p","parameters":{"a":"b"}}"#;
    const SECRET: &str = r#"{"apiVersion":"v1","kind":"Secret",
        "metadata":{"name":"s","namespace":"n"},"data":{"k":"dg=="}}"#;

    #[test]
    fn classes_are_learned_and_a_clone_keeps_what_it_knew() {
        let mut known = Known::new(false);
        let before = known.clone();
        assert!(known.may_learn(CLASS.as_bytes(), None));
        assert!(known.learn(CLASS, None).unwrap());
        assert_eq!(known.class("fast").unwrap().parameter("a"), Some("b"));
        assert!(before.class("fast").is_none());
    }

    #[test]
    fn a_volume_that_only_names_its_class_is_not_looked_into() {
        let known = Known::new(false);
        assert!(!known.may_learn(br#"{"spec":{"storageClassName":"fast"}}"#, None));
    }

    #[test]
    fn secrets_are_learned_only_if_asked_for() {
        let mut known = Known::new(false);
        assert!(!known.learn(SECRET, None).unwrap());
        let mut known = Known::new(true);
        assert!(known.learn(SECRET, None).unwrap());
        let key = ("n".to_owned(), "s".to_owned());
        assert_eq!(known.secrets().unwrap()[&key]["k"], "dg==");
    }
}
