use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Effect, FindingCode};
use crate::note::{self, Note};

/// One thing that was found about an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// A plan's code (`docs/plan.md`) or a note's (`docs/notes.md`).
    pub code: String,
    /// What was found; never a secret.
    pub message: String,
    /// The one thing to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// What it does to the verdict; left out of files, where the verdict stands.
    #[serde(skip, default = "warn")]
    pub effect: Effect,
}

fn warn() -> Effect {
    Effect::Warn
}

impl Finding {
    /// A finding with its code's effect and remedy.
    pub fn new(code: FindingCode, message: impl Into<String>) -> Self {
        Self {
            code: code.as_str().to_owned(),
            message: message.into(),
            remedy: code.remedy().to_owned(),
            effect: code.effect(),
        }
    }

    /// The same finding with a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// What a translation says of its object.
    pub fn of_note(note: &Note) -> Self {
        Self {
            code: note.code.as_str().to_owned(),
            message: note.message.clone().into_owned(),
            remedy: note.remedy.clone().into_owned(),
            effect: match (note.severity, note.code) {
                (note::Severity::Block, _) => Effect::Block,
                (_, note::Code::Kept | note::Code::UnknownSource) => Effect::Keep,
                _ => Effect::Warn,
            },
        }
    }
}

/// What can be done about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum VerdictKind {
    /// It can be rewritten.
    #[serde(rename = "ready")]
    Ready,
    /// It can be rewritten under the pods that use it.
    #[serde(rename = "ready-in-use")]
    ReadyInUse,
    /// It is in use.
    #[serde(rename = "in-use")]
    InUse,
    /// Something has to be done about it first.
    #[serde(rename = "blocked")]
    Blocked,
    /// It stays as it is.
    #[serde(rename = "kept")]
    Kept,
}

impl VerdictKind {
    /// Every verdict, best first.
    pub const ALL: [Self; 5] = [
        Self::Ready,
        Self::ReadyInUse,
        Self::InUse,
        Self::Blocked,
        Self::Kept,
    ];

    /// As people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::ReadyInUse => "ready while in use",
            Self::InUse => "in use",
            Self::Blocked => "blocked",
            Self::Kept => "kept",
        }
    }
}

impl fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can be done about an object, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What can be done.
    pub kind: VerdictKind,
    /// Why, what decides first.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// The verdict that follows from what was found.
    pub fn of(mut findings: Vec<Finding>) -> Self {
        let has = |effect| findings.iter().any(|finding| finding.effect == effect);
        let kind = if has(Effect::Keep) {
            VerdictKind::Kept
        } else if has(Effect::Block) {
            VerdictKind::Blocked
        } else if has(Effect::InUse) && has(Effect::Proof) {
            VerdictKind::ReadyInUse
        } else if has(Effect::InUse) {
            VerdictKind::InUse
        } else {
            VerdictKind::Ready
        };
        // Stable: what has one effect stays in the order of the checks.
        findings.sort_by_key(|finding| match (kind, finding.effect) {
            (VerdictKind::ReadyInUse, Effect::Proof) => 0,
            (_, Effect::Keep) => 1,
            (_, Effect::Block) => 2,
            (_, Effect::InUse) => 3,
            (_, Effect::Proof | Effect::Warn) => 4,
        });
        if kind == VerdictKind::Ready {
            // Nothing is in use, so nothing has to be proved.
            findings.retain(|finding| finding.effect != Effect::Proof);
        }
        Self { kind, findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(codes: &[FindingCode]) -> VerdictKind {
        let findings = codes.iter().map(|code| Finding::new(*code, "")).collect();
        Verdict::of(findings).kind
    }

    #[test]
    fn the_strongest_effect_decides() {
        for (codes, expected) in [
            (&[][..], VerdictKind::Ready),
            (&[FindingCode::GitOpsOwned], VerdictKind::Ready),
            (&[FindingCode::RuntimeEqual], VerdictKind::Ready),
            (&[FindingCode::UsedByPod], VerdictKind::InUse),
            (
                &[FindingCode::UsedByPod, FindingCode::RuntimeEqual],
                VerdictKind::ReadyInUse,
            ),
            (
                &[
                    FindingCode::UsedByPod,
                    FindingCode::RuntimeEqual,
                    FindingCode::SecretMissing,
                ],
                VerdictKind::Blocked,
            ),
            (
                &[FindingCode::SecretMissing, FindingCode::InlineVolume],
                VerdictKind::Kept,
            ),
        ] {
            assert_eq!(verdict(codes), expected, "{codes:?}");
        }
    }

    #[test]
    fn what_decides_stands_first() {
        let codes = [
            FindingCode::GitOpsOwned,
            FindingCode::UsedByPod,
            FindingCode::SecretMissing,
        ];
        let verdict = Verdict::of(codes.map(|code| Finding::new(code, "")).into());
        let order: Vec<&str> = verdict.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(order, ["secret-missing", "used-by-pod", "gitops-owned"]);
    }

    #[test]
    fn every_code_has_one_text_and_what_holds_up_has_a_remedy() {
        let mut texts: Vec<&str> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
        texts.extend(note::Code::ALL.iter().map(|code| code.as_str()));
        texts.sort_unstable();
        let before = texts.len();
        texts.dedup();
        // `inline-volume` is both a note's and a plan's, and says the same.
        assert_eq!(texts.len() + 1, before);
        for code in FindingCode::ALL {
            let silent = code.effect() == Effect::Proof;
            assert_eq!(code.remedy().is_empty(), silent, "{code:?}");
        }
    }
}
