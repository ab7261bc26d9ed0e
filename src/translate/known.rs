//! What earlier objects of the input say to later ones: StorageClasses, and
//! Secrets where their values are asked for.
//!
//! The reader appends what it learns to one log that all share, and says with
//! each stretch of the input how much of the log stands before it. A worker
//! takes its stretches in the order of the input, so it only ever adds to its
//! [`View`]: a class counts for what comes after it, and for nothing else.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use flex2csi_translators::context::Secrets;
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::{Error, Kind};
use memchr::memmem;

use super::list::{Item, List};
use crate::manifest::{Format, JsonSplitter, Piece, yaml};

/// One thing that was learned.
#[derive(Debug, Clone)]
enum Fact {
    Class(Arc<StorageClass>),
    Secret(Arc<Secret>),
}

#[derive(Debug)]
struct Secret {
    /// Namespace and name.
    identity: (String, String),
    /// As it stands, so values stay base64.
    data: BTreeMap<String, String>,
}

/// All that was learned so far, in order. A clone is the same log.
#[derive(Debug, Clone, Default)]
pub struct Known {
    log: Arc<RwLock<Vec<Fact>>>,
    /// Whether Secrets are learned as well.
    secrets: bool,
}

impl Known {
    /// Nothing known yet; `secret_values` asks for Secrets as well.
    pub fn new(secret_values: bool) -> Self {
        Self {
            log: Arc::default(),
            secrets: secret_values,
        }
    }

    /// How much is known, to be given to [`View::advance`].
    pub fn length(&self) -> usize {
        // A thread that panicked has appended whole facts or none.
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        log.len()
    }

    /// What it was asked to learn, seen from before the first object.
    pub fn view(&self) -> View {
        View {
            known: self.clone(),
            upto: 0,
            classes: HashMap::new(),
            secrets: self.secrets.then(Secrets::new),
        }
    }

    /// Whether an object with this text might be worth learning. It is cheap and
    /// mistakes only in saying yes; `kind` is set for items that leave it out.
    pub fn may_learn(&self, text: &[u8], kind: Option<Kind>) -> bool {
        kind == Some(Kind::StorageClass)
            || memmem::find(text, b"StorageClass").is_some()
            || (self.secrets && memmem::find(text, b"Secret").is_some())
    }

    /// Learns from an object, or from the items of a list, as they are written;
    /// tells whether there was something.
    ///
    /// # Errors
    /// It may be worth learning, and cannot be read. In words, with the line.
    /// What could be read of it is learned all the same.
    pub fn read(
        &mut self,
        text: &[u8],
        line: u64,
        kind: Option<Kind>,
        format: Format,
    ) -> Result<bool, String> {
        let mut facts = Vec::new();
        let read = self.facts(text, line, kind, format, &mut facts);
        let learned = !facts.is_empty();
        if learned {
            let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
            log.append(&mut facts);
        }
        read.map(|()| learned)
    }

    fn facts(
        &self,
        text: &[u8],
        line: u64,
        kind: Option<Kind>,
        format: Format,
        facts: &mut Vec<Fact>,
    ) -> Result<(), String> {
        if !self.may_learn(text, kind) {
            return Ok(());
        }
        let text = yaml::text(text, line).map_err(|error| error.to_string())?;
        let json = match format {
            Format::Json => Cow::Borrowed(text),
            Format::Yaml => {
                Cow::Owned(yaml::to_json(text, line).map_err(|error| error.to_string())?)
            }
        };
        if json == "null" {
            return Ok(());
        }
        let place = |error: Error| format!("line {line}: {error}");
        let object = Object::parse(&json).map_err(|error| place(error.into()))?;
        match List::of(&object) {
            Some(list) => self.items(&json, &list, line, facts),
            None => {
                facts.extend(self.fact(object, kind).map_err(place)?);
                Ok(())
            }
        }
    }

    /// Learns from the items of a list that is in memory, all that can be read.
    fn items(
        &self,
        json: &str,
        list: &List,
        line: u64,
        facts: &mut Vec<Fact>,
    ) -> Result<(), String> {
        let mut first_error = None;
        let splitter = JsonSplitter::new(json.as_bytes());
        let mut splitter = splitter.of_list(&list.api_version, &list.kind);
        while let Some(piece) = splitter.next().map_err(|error| error.to_string())? {
            if let Piece::Object {
                text,
                list: Some(list),
                ..
            } = piece
            {
                let kind = Item::of(&list).kind();
                if let Err(error) = self.facts(text, line, kind, Format::Json, facts) {
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    /// What an object teaches.
    fn fact(&self, mut object: Object<'_>, kind: Option<Kind>) -> Result<Option<Fact>, Error> {
        let kind = match kind {
            Some(kind) if !object.contains("kind") => kind,
            _ => Kind::of(&object)?,
        };
        if kind == Kind::StorageClass {
            let class = StorageClass::read(object)?;
            return Ok(Some(Fact::Class(Arc::new(class))));
        }
        let is_secret = self.secrets
            && object.str("kind")?.as_deref() == Some("Secret")
            && object.str("apiVersion")?.as_deref() == Some("v1");
        if !is_secret {
            return Ok(None);
        }
        Ok(Some(Fact::Secret(Arc::new(secret(&mut object)?))))
    }
}

fn secret(object: &mut Object<'_>) -> Result<Secret, Error> {
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
    Ok(Secret { identity, data })
}

/// What is known at one point of the input.
#[derive(Debug)]
pub struct View {
    known: Known,
    /// How much of the log is in it.
    upto: usize,
    classes: HashMap<String, Arc<StorageClass>>,
    secrets: Option<Secrets>,
}

impl View {
    /// Goes on to where so much was known. It does not go back.
    pub fn advance(&mut self, upto: usize) {
        if upto <= self.upto {
            return;
        }
        let new: Vec<Fact> = {
            let log = self.known.log.read();
            let log = log.unwrap_or_else(PoisonError::into_inner);
            log.get(self.upto..upto).unwrap_or_default().to_vec()
        };
        self.upto = upto;
        for fact in new {
            self.add(fact);
        }
    }

    /// Learns from an item of a list, for those that stand after it in the list:
    /// the log may be further. What cannot be read teaches nothing.
    pub fn read_item(&mut self, text: &[u8], line: u64, kind: Option<Kind>) {
        let mut facts = Vec::new();
        // What is wrong with it is said when it is translated.
        let _ = self.known.facts(text, line, kind, Format::Json, &mut facts);
        for fact in facts {
            self.add(fact);
        }
    }

    fn add(&mut self, fact: Fact) {
        match fact {
            Fact::Class(class) => {
                self.classes.insert(class.name.clone(), class);
            }
            Fact::Secret(secret) => {
                if let Some(secrets) = &mut self.secrets {
                    secrets.insert(secret.identity.clone(), secret.data.clone());
                }
            }
        }
    }

    /// The StorageClass of that name.
    pub fn class(&self, name: &str) -> Option<&StorageClass> {
        self.classes.get(name).map(Arc::as_ref)
    }

    /// Whether no StorageClass is known.
    pub fn has_no_classes(&self) -> bool {
        self.classes.is_empty()
    }

    /// The Secrets, if they were asked for.
    pub fn secrets(&self) -> Option<&Secrets> {
        self.secrets.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: &str = r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass",
        "metadata":{"name":"fast"},"provisioner":"p","parameters":{"a":"b"}}"#;
    const SECRET: &str = r#"{"apiVersion":"v1","kind":"Secret",
        "metadata":{"name":"s","namespace":"n"},"data":{"k":"dg=="}}"#;

    fn all(known: &Known) -> View {
        let mut view = known.view();
        view.advance(known.length());
        view
    }

    fn read(known: &mut Known, json: &str) -> bool {
        known.read(json.as_bytes(), 1, None, Format::Json).unwrap()
    }

    #[test]
    fn a_view_knows_what_was_learned_up_to_it() {
        let mut known = Known::new(false);
        let before = known.length();
        assert!(read(&mut known, CLASS));
        let between = known.length();
        assert!(read(&mut known, &CLASS.replace("\"b\"", "\"c\"")));
        let mut view = known.view();
        view.advance(before);
        assert!(view.class("fast").is_none());
        view.advance(between);
        assert_eq!(view.class("fast").unwrap().parameter("a"), Some("b"));
        view.advance(known.length());
        assert_eq!(view.class("fast").unwrap().parameter("a"), Some("c"));
    }

    #[test]
    fn a_volume_that_only_names_its_class_is_not_looked_into() {
        let known = Known::new(false);
        assert!(!known.may_learn(br#"{"spec":{"storageClassName":"fast"}}"#, None));
    }

    #[test]
    fn a_list_teaches_its_items_wherever_its_kind_stands() {
        let yaml = "kind: List\napiVersion: v1\nitems:\n- apiVersion: storage.k8s.io/v1\n  kind: StorageClass\n  metadata: {name: fast}\n";
        let json = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{CLASS}]}}");
        let typed = r#"{"apiVersion":"storage.k8s.io/v1","items":[{"metadata":{"name":"fast"}}],"kind":"StorageClassList"}"#;
        for (text, format) in [
            (yaml, Format::Yaml),
            (&json, Format::Json),
            (typed, Format::Json),
        ] {
            let mut known = Known::new(false);
            assert!(known.read(text.as_bytes(), 1, None, format).unwrap());
            assert!(all(&known).class("fast").is_some(), "{text}");
        }
    }

    #[test]
    fn an_item_that_cannot_be_read_does_not_hide_those_after_it() {
        let list = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{},{CLASS}]}}",
            CLASS.replace("\"p\"", "1")
        );
        let mut known = Known::new(false);
        known
            .read(list.as_bytes(), 1, None, Format::Json)
            .unwrap_err();
        assert!(all(&known).class("fast").is_some());
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
        assert!(!read(&mut known, SECRET));
        let mut known = Known::new(true);
        assert!(read(&mut known, SECRET));
        let key = ("n".to_owned(), "s".to_owned());
        assert_eq!(all(&known).secrets().unwrap()[&key]["k"], "dg==");
    }
}
