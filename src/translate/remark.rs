//! What is said of one object: a note or a failure, with where it stands.

use std::sync::Arc;

use flex2csi_translators::json::Object;
use flex2csi_translators::{Code, Error, Note, Severity};
use serde::Serialize;

use super::new_secrets::NewSecret;

/// Which object a remark is about, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `apiVersion`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// `kind`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `metadata.namespace`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `metadata.name`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl Identity {
    /// Reads an object's identity; what cannot be read stays empty.
    pub fn read(json: &str) -> Self {
        match Object::parse(json) {
            Ok(mut object) => Self::of(&mut object),
            Err(_) => Self::default(),
        }
    }

    /// The identity of an opened object.
    pub fn of(object: &mut Object<'_>) -> Self {
        let text = |object: &Object<'_>, key| match object.str(key) {
            Ok(Some(text)) => text.into_owned(),
            _ => String::new(),
        };
        let mut identity = Self {
            api_version: text(object, "apiVersion"),
            kind: text(object, "kind"),
            ..Self::default()
        };
        if let Ok(Some(metadata)) = object.object("metadata") {
            identity.namespace = text(metadata, "namespace");
            identity.name = text(metadata, "name");
        }
        identity
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.kind.is_empty() {
            "object"
        } else {
            &self.kind
        };
        match (self.namespace.as_str(), self.name.as_str()) {
            (_, "") => f.write_str(kind),
            ("", name) => write!(f, "{kind}/{name}"),
            (namespace, name) => write!(f, "{kind}/{namespace}/{name}"),
        }
    }
}

/// What the remedy of a failure ends in where the object is in the output.
const WENT_THROUGH: &str = "; it went through as it was";

/// A note or a failure. Its JSON is a line of the report: `docs/report.md`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    /// `info`, `warn` or `block`; `block` is an object that failed.
    pub severity: Severity,
    /// The stable code.
    pub code: &'static str,
    /// The object.
    pub object: Identity,
    /// The file.
    pub source: Arc<str>,
    /// The line of the object's first byte, from 1.
    pub line: u64,
    /// The field in the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What happened.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// A mapping to start from, for a driver that nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skeleton: Option<String>,
}

/// Where an object stands.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub source: Arc<str>,
    /// The line of its first byte, from 1.
    pub line: u64,
}

impl Remark {
    /// A note on an object.
    pub fn note(note: Note, object: Identity, place: &Place) -> Self {
        Self {
            severity: note.severity,
            code: note.code.as_str(),
            object,
            source: Arc::clone(&place.source),
            line: place.line,
            path: note.path.as_str().to_owned(),
            message: note.message.into_owned(),
            remedy: note.remedy.into_owned(),
            skeleton: None,
        }
    }

    /// An object that was not translated.
    pub fn failure(error: &Error, object: Identity, place: &Place) -> Self {
        let skeleton = match error {
            Error::UnknownDriver { skeleton, .. } => Some(skeleton.clone()),
            _ => None,
        };
        Self {
            skeleton,
            ..Self::note(Note::from(error), object, place)
        }
    }

    /// A stretch of the input that could not be read as an object.
    pub fn unreadable(message: String, fate: Fate, place: &Place) -> Self {
        let mut remark = Self {
            severity: Severity::Block,
            code: Code::InvalidObject.as_str(),
            object: Identity::default(),
            source: Arc::clone(&place.source),
            line: place.line,
            path: String::new(),
            message,
            remedy: "correct it".to_owned(),
            skeleton: None,
        };
        match fate {
            Fate::Stays => remark.remedy += WENT_THROUGH,
            Fate::LeftOut(bytes) => remark.left_out(bytes),
            Fate::NotShown => {}
        }
        remark
    }

    /// Adds that so many bytes of the input are not in the output.
    pub fn left_out(&mut self, bytes: u64) {
        let unit = if bytes == 1 { "byte" } else { "bytes" };
        self.message += &format!(" ({bytes} {unit} left out)");
    }

    /// Takes back that the object is in the output as it was.
    pub fn is_replaced(&mut self) {
        if let Some(remedy) = self.remedy.strip_suffix(WENT_THROUGH) {
            self.remedy.truncate(remedy.len());
        }
    }

    /// A new Secret that another object needs with another content.
    pub fn secret_differs(secret: &NewSecret, place: &Place) -> Self {
        let fate = if secret.range.is_empty() {
            "both are in the output"
        } else {
            "only the first is in the output"
        };
        Self {
            code: Code::SecretConflict.as_str(),
            object: secret.identity.clone(),
            remedy:
                "translate the objects that need it apart, and give one of the Secrets another name"
                    .to_owned(),
            ..Self::unreadable(
                format!("this new Secret would be written with two contents; {fate}"),
                Fate::NotShown,
                place,
            )
        }
    }
}

/// What becomes of text that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is in the output as it was.
    Stays,
    /// It is not in the output; so many bytes.
    LeftOut(u64),
    /// The output shows only what changes.
    NotShown,
}
