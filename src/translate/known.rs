//! What earlier objects of the input say to later ones: StorageClasses, and
//! Secrets where their values are asked for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use flex2csi_translators::context::Secrets;
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::{Error, Kind};
use memchr::memmem;

use super::batch;
use crate::manifest::{Format, JsonSplitter, Piece, yaml};

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

    /// Learns from an object, or from the items of a list, as they are written;
    /// tells whether there was something.
    ///
    /// # Errors
    /// It may be worth learning, and cannot be read. In words, with the line.
    pub fn read(
        &mut self,
        text: &[u8],
        line: u64,
        kind: Option<Kind>,
        format: Format,
    ) -> Result<bool, String> {
        if !self.may_learn(text, kind) {
            return Ok(false);
        }
        let text = yaml::text(text, line).map_err(|error| error.to_string())?;
        let json = match format {
            Format::Json => Cow::Borrowed(text),
            Format::Yaml => {
                Cow::Owned(yaml::to_json(text, line).map_err(|error| error.to_string())?)
            }
        };
        if json == "null" {
            return Ok(false);
        }
        let place = |error: Error| format!("line {line}: {error}");
        if self.learn(&json, kind).map_err(place)? {
            return Ok(true);
        }
        self.items(&json, line)
    }

    /// Learns from the items of a list that is in memory.
    fn items(&mut self, json: &str, line: u64) -> Result<bool, String> {
        let mut learned = false;
        let mut splitter = JsonSplitter::new(json.as_bytes());
        while let Some(piece) = splitter.next().map_err(|error| error.to_string())? {
            if let Piece::Object {
                text,
                list: Some(list),
                ..
            } = piece
            {
                let kind = batch::item(&list).kind();
                learned |= self.read(text, line, kind, Format::Json)?;
            }
        }
        Ok(learned)
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
    fn a_list_teaches_its_items() {
        let yaml = "kind: List\napiVersion: v1\nitems:\n- apiVersion: storage.k8s.io/v1\n  kind: StorageClass\n  metadata: {name: fast}\n";
        let json = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{CLASS}]}}");
        for (text, format) in [(yaml, Format::Yaml), (&json, Format::Json)] {
            let mut known = Known::new(false);
            assert!(known.read(text.as_bytes(), 1, None, format).unwrap());
            assert!(known.class("fast").is_some());
        }
    }

    #[test]
    fn what_should_teach_and_cannot_be_read_is_an_error() {
        let mut known = Known::new(false);
        let broken = b"kind: StorageClass\nkind: StorageClass\n";
        let error = known.read(broken, 7, None, Format::Yaml).unwrap_err();
        assert!(error.contains("line 8"), "{error}");
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
