//! The record of one rewrite, and whether it is true.

use serde_json::Value;

use super::{Form, Member, text};

/// Where etcd keeps the records of volumes.
pub const KEYS: &str = "/registry/flex2csi.io/volumemigrations/pv-";

/// What a `VolumeMigration` says of a volume of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Whether the original and the way back to it are the member's, and what comes is one
    /// of its forms.
    pub is_whole: bool,
    /// What it begins with: what was there first, or what a rewrite before has made.
    pub from: Form,
    /// What comes.
    pub to: Form,
    /// `Recorded`, `Committed` or `Done`.
    pub step: String,
    /// `Forward` or `Back`.
    pub direction: String,
    /// The uid of the volume that is replaced.
    pub replaces: String,
    /// The uid of the volume that is there at the end.
    pub uid: String,
}

impl Journal {
    /// Reads the record of a member.
    pub fn of(record: &Value, member: &Member) -> Self {
        let form = |pointer| {
            let object = serde_json::from_str(text(record, pointer));
            object.map_or(Form::Other, |object| Form::of(&object, member))
        };
        let original = form("/spec/original");
        let from = match text(record, "/spec/from") {
            "" => original,
            _ => form("/spec/from"),
        };
        let to = form("/spec/translated");
        let is_whole = original == Form::Original
            && form("/spec/restore") == Form::Original
            && matches!(
                (from, to),
                (Form::Original, Form::Translated | Form::Endpoint)
                    | (Form::Endpoint, Form::Translated)
            )
            && text(record, "/spec/claim/uid") == member.claim_uid();
        // A status that was left by an earlier rewrite says nothing.
        let is_own = text(record, "/status/id") == text(record, "/spec/id");
        let said = |pointer| {
            let said = if is_own { text(record, pointer) } else { "" };
            said.to_owned()
        };
        let step = said("/status/step");
        Self {
            is_whole,
            from,
            to,
            step: if step.is_empty() {
                "Recorded".to_owned()
            } else {
                step
            },
            direction: said("/status/direction"),
            replaces: said("/status/replaces"),
            uid: said("/status/uid"),
        }
    }

    /// Whether the volume of this uid may be gone.
    pub fn commits(&self, uid: &str) -> bool {
        self.is_whole && self.step == "Committed" && self.replaces == uid
    }

    /// What is not as the record says, of a volume that nobody is at work on.
    pub fn untruth(&self, volume: &Value, member: &Member) -> Option<String> {
        let form = Form::of(volume, member);
        let uid = text(volume, "/metadata/uid");
        let is_true = self.is_whole
            && match (self.step.as_str(), self.direction.as_str()) {
                ("Recorded", _) => form == self.from,
                ("Done", "Forward") => form == self.to && self.uid == uid,
                ("Done", "Back") => form == Form::Original && self.uid == uid,
                _ => false,
            };
        (!is_true).then(|| format!("its record is {self:?} and it is {form:?} {uid}"))
    }
}
