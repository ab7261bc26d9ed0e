//! What is kept of a rewrite while it is under way, and after.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use super::names::{FORM, MIGRATION};
use super::pins::PinSettings;
use super::task::{AnnotationChange, ClaimId, InUse, ObjectKind, Task};
use super::view::View;
use crate::digest::sha256_hex;

/// Where a rewrite is to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// At the translated form.
    #[default]
    Forward,
    /// At the original one.
    Back,
}

impl Direction {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Forward => Self::Back,
            Self::Back => Self::Forward,
        }
    }

    /// Both of them.
    const BOTH: [Self; 2] = [Self::Forward, Self::Back];

    /// The name of the form that it leads to, in annotations.
    pub fn form(self) -> &'static str {
        match self {
            Self::Forward => "translated",
            Self::Back => "original",
        }
    }
}

/// Which form an object is in, to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The one that a direction leads to.
    Of(Direction),
    /// The one in which the rewrite before has left it: neither leads there.
    Before,
}

/// How far a rewrite is in its direction. Whatever lies between can be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// All is recorded; nothing was deleted.
    #[default]
    Recorded,
    /// The object named by `replaces` may be gone at any time, and `body` is what is
    /// to be there instead.
    Committed,
    /// It is there.
    Done,
}

/// What does not change while a rewrite lasts, `spec` of a `VolumeMigration`.
/// It is as confidential as the volume's options are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// What the object is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// What objects that this rewrite wrote are known by.
    pub id: String,
    /// The uid of the object that the rewrite begins with: the original, or what
    /// [`Spec::from`] is.
    pub uid: String,
    /// The worker that may go on with it.
    pub holder: String,
    /// The original as it was read, JSON, without `metadata.managedFields`.
    pub original: String,
    /// The original so that it can be created, JSON.
    pub restore: String,
    /// The translated object so that it can be created, JSON.
    pub translated: String,
    /// The object that the rewrite begins with so that it can be created, JSON, where that
    /// is not the original: what a rewrite before has made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The claim of a volume that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimId>,
    /// See [`Task::claim_annotations`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claim_annotations: BTreeMap<String, AnnotationChange>,
    /// See [`Task::in_use`].
    #[serde(default)]
    pub in_use: InUse,
    /// How it is pinned to the nodes that `in_use` names, where its driver attaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pins: Option<PinSettings>,
}

/// Where a rewrite is, `status` of a `VolumeMigration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The `spec.id` that this is the status of: another's says nothing.
    pub id: String,
    /// Where to.
    pub direction: Direction,
    /// How far.
    pub step: Step,
    /// The uid of the object that is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Its resourceVersion when that was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
    /// What takes its place, JSON, so that it can be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The uid of the object that is there at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Whether the volume stays `Retain` until its pods are gone: going on sets the policy
    /// that is meant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub policy_is_due: bool,
}

/// Why a record cannot be used, or not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} of {kind} {name} {problem}")]
pub struct RecordError {
    kind: ObjectKind,
    name: String,
    what: &'static str,
    problem: String,
}

/// A [`Spec`] and [`Status`] with their objects read.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What does not change.
    pub spec: Spec,
    /// What does.
    pub status: Status,
    restore: Value,
    translated: Value,
    from: Option<Value>,
}

impl Record {
    /// The record of a rewrite that begins.
    ///
    /// # Errors
    /// The objects are not those of one name and kind, or the original has no uid.
    pub fn begin(task: &Task, holder: &str) -> Result<Self, RecordError> {
        let mut original = object(task.kind, "", "original", &task.original)?;
        let text = |at: &str| original.pointer(at).and_then(Value::as_str).unwrap_or("");
        let name = text("/metadata/name").to_owned();
        let uid = text("/metadata/uid").to_owned();
        let version = text("/metadata/resourceVersion").to_owned();
        let wrong = |what, problem: &str| RecordError {
            kind: task.kind,
            name: name.clone(),
            what,
            problem: problem.to_owned(),
        };
        if name.is_empty() || uid.is_empty() || version.is_empty() {
            return Err(wrong("original", "has no name, uid or resourceVersion"));
        }
        if original["kind"] != task.kind.as_str() {
            return Err(wrong("original", "is of another kind"));
        }
        let translated = object(task.kind, &name, "translated form", &task.translated)?;
        if translated["kind"] != task.kind.as_str() || translated["metadata"]["name"] != *name {
            return Err(wrong("translated form", "is another object"));
        }
        let of_claim = original
            .pointer("/spec/claimRef/uid")
            .and_then(Value::as_str);
        if let Some(claim) = &task.claim
            && of_claim != Some(&claim.uid)
        {
            return Err(wrong(
                "original",
                "is not bound to the claim that the task names",
            ));
        }
        if let Some(metadata) = original["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let id = format!("{}/{name}/{uid}/{version}", task.kind);
        let id = sha256_hex(id.as_bytes())[..32].to_owned();
        let policy = body::policy_after(&original, task.keep_delete);
        let restore = body::prepare(task.kind, &original, &id, Direction::Back, None);
        let translated = body::prepare(task.kind, &translated, &id, Direction::Forward, policy);
        let spec = Spec {
            kind: task.kind,
            holder: holder.to_owned(),
            original: original.to_string(),
            restore: restore.to_string(),
            translated: translated.to_string(),
            from: None,
            claim: task.claim.clone(),
            claim_annotations: task.claim_annotations.clone(),
            in_use: task.in_use.clone(),
            pins: None,
            name,
            id,
            uid,
        };
        let status = Status::default();
        Ok(Self::new(spec, status, (restore, translated, None)))
    }

    /// The same rewrite, of what one before has made of an original: it leads back to that
    /// one's original, with what has changed since.
    ///
    /// # Errors
    /// What it begins with is no JSON object.
    pub fn after(self, before: &Self) -> Result<Self, RecordError> {
        let Self {
            mut spec,
            status,
            restore: from,
            translated,
            ..
        } = self;
        let live = object(spec.kind, &spec.name, "original", &spec.original)?;
        let restore = body::compose(before, Direction::Back, &live);
        let restore = body::prepare(spec.kind, &restore, &spec.id, Direction::Back, None);
        spec.from = Some(std::mem::replace(&mut spec.restore, restore.to_string()));
        spec.original = before.spec.original.clone();
        // What they are beside the original is what they were then.
        for (name, change) in &before.spec.claim_annotations {
            let of_claim = spec.claim_annotations.entry(name.clone());
            of_claim.or_insert_with(|| change.clone()).from = change.from.clone();
        }
        Ok(Self::new(spec, status, (restore, translated, Some(from))))
    }

    /// Has the volume pinned where that is needed.
    #[must_use]
    pub fn with_pins(mut self, settings: &PinSettings) -> Self {
        let is_needed = matches!(self.spec.in_use, InUse::Shim { attach: true, .. });
        self.spec.pins = is_needed.then(|| settings.clone());
        self
    }

    /// Reads a record.
    ///
    /// # Errors
    /// One of its objects is no JSON object.
    pub fn open(spec: Spec, status: Status) -> Result<Self, RecordError> {
        let restore = object(spec.kind, &spec.name, "recorded original", &spec.restore)?;
        let translated = object(spec.kind, &spec.name, "recorded form", &spec.translated)?;
        let from = spec.from.as_deref();
        let from = from.map(|from| object(spec.kind, &spec.name, "recorded beginning", from));
        if let Some(body) = &status.body {
            object(spec.kind, &spec.name, "recorded successor", body)?;
        }
        let from = from.transpose()?;
        Ok(Self::new(spec, status, (restore, translated, from)))
    }

    fn new(
        spec: Spec,
        status: Status,
        (restore, translated, from): (Value, Value, Option<Value>),
    ) -> Self {
        let status = if status.id == spec.id {
            status
        } else {
            Status {
                id: spec.id.clone(),
                replaces: Some(spec.uid.clone()),
                ..Status::default()
            }
        };
        Self {
            spec,
            status,
            restore,
            translated,
            from,
        }
    }

    /// Which form an object is in: it is what the rewrite began with, or was written by
    /// it. `None`: it is another's.
    pub(super) fn form_of(&self, object: View<'_>) -> Option<Form> {
        let status = &self.status;
        if object.uid() == self.spec.uid {
            return Some(match self.from {
                Some(_) => Form::Before,
                None => Form::Of(Direction::Back),
            });
        }
        if status.step == Step::Done && status.uid.as_deref() == Some(object.uid()) {
            return Some(Form::Of(status.direction));
        }
        if object.annotation(MIGRATION) != Some(&self.spec.id) {
            return None;
        }
        let form = object.annotation(FORM)?;
        let mut both = Direction::BOTH.into_iter();
        both.find(|direction| direction.form() == form)
            .map(Form::Of)
    }

    /// What was written of an object that is to be replaced on the way to `goal`: what
    /// differs from it was changed since.
    pub(super) fn base(&self, live: View<'_>, goal: Direction) -> &Value {
        match (self.form_of(live), &self.from) {
            (Some(Form::Before), Some(from)) => from,
            _ => self.form(goal.opposite()),
        }
    }

    /// The form that a direction leads to, as it was when all began.
    pub fn form(&self, direction: Direction) -> &Value {
        match direction {
            Direction::Forward => &self.translated,
            Direction::Back => &self.restore,
        }
    }

    /// What is to be created next, once that is decided.
    pub fn body(&self) -> Option<Value> {
        let body = self.status.body.as_deref()?;
        serde_json::from_str(body).ok()
    }

    /// How the object is called in messages.
    pub fn subject(&self) -> String {
        format!("{} {}", self.spec.kind, self.spec.name)
    }
}

fn object(
    kind: ObjectKind,
    name: &str,
    what: &'static str,
    json: &str,
) -> Result<Value, RecordError> {
    let wrong = |problem| RecordError {
        kind,
        name: name.to_owned(),
        what,
        problem,
    };
    match serde_json::from_str::<Value>(json) {
        Ok(value) if is_object_of(kind, &value) => Ok(value),
        Ok(_) => Err(wrong("is no object of its kind".into())),
        // serde_json's messages give a place and no text of the input.
        Err(error) => Err(wrong(format!("is no JSON: {error}"))),
    }
}

/// Whether what is opened has the types that the API gives it.
fn is_object_of(kind: ObjectKind, value: &Value) -> bool {
    let metadata = &value["metadata"];
    let may_be_missing = |of: &Value| of.is_null() || of.is_object();
    metadata.is_object()
        && may_be_missing(&metadata["annotations"])
        && may_be_missing(&metadata["labels"])
        && (kind != ObjectKind::PersistentVolume || value["spec"].is_object())
}
