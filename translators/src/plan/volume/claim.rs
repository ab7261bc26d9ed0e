//! The claim that a volume is bound to.

use super::{Phase, VolumeFacts};
use crate::plan::{Finding, FindingCode};

/// The claim that a volume names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ClaimState {
    /// The volume names none.
    #[default]
    None,
    /// There is none of that name.
    Missing(String),
    /// There is one.
    There(ClaimFacts),
}

/// What was found about a volume's claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimFacts {
    /// `namespace/name`
    pub name: String,
    /// Whether it has the uid that the volume names, and names the volume.
    pub mutual: bool,
    /// `status.phase` is Bound.
    pub bound: bool,
    /// `status.phase` is Lost.
    pub lost: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What of a resize is under way.
    pub resize: Option<String>,
    /// Its VolumeAttributesClass.
    pub attributes_class: Option<AttributesClass>,
}

/// How it is with the VolumeAttributesClass of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributesClass {
    /// This one is in force, and no other asked for.
    InForce(String),
    /// One is asked for that is not in force, or is being set; in words.
    Pending(String),
}

impl VolumeFacts {
    pub(super) fn check_claim(&self, findings: &mut Vec<Finding>) {
        if self.phase == Phase::Failed {
            findings.push(Finding::new(
                FindingCode::PhaseFailed,
                "its phase is Failed",
            ));
        }
        let claim = match &self.claim {
            ClaimState::None => return,
            ClaimState::Missing(name) => {
                let message = format!("it names the claim {name}, which is not there");
                findings.push(Finding::new(FindingCode::ClaimMissing, message));
                return;
            }
            ClaimState::There(claim) => claim,
        };
        let name = &claim.name;
        let mut found = |code, message| findings.push(Finding::new(code, message));
        if !claim.mutual {
            let message = format!(
                "the claim {name} is another than the one that it names, or has another volume"
            );
            return found(FindingCode::ClaimOther, message);
        }
        if claim.deleting {
            found(
                FindingCode::ClaimTerminating,
                format!("the claim {name} is being deleted"),
            );
        }
        if claim.lost {
            found(FindingCode::ClaimLost, format!("the claim {name} is Lost"));
        } else if !claim.bound || self.phase != Phase::Bound {
            found(
                FindingCode::ClaimNotBound,
                format!("the claim {name} is not bound yet, on both sides"),
            );
        }
        if let Some(resize) = &claim.resize {
            found(
                FindingCode::ResizePending,
                format!("the claim {name} waits to be resized: {resize}"),
            );
        }
        match &claim.attributes_class {
            None => {}
            Some(AttributesClass::Pending(what)) => found(
                FindingCode::AttributesClass,
                format!("the VolumeAttributesClass of the claim {name}: {what}"),
            ),
            Some(AttributesClass::InForce(class)) => found(
                FindingCode::AttributesClassAgain,
                format!("the claim {name} has the VolumeAttributesClass {class}"),
            ),
        }
    }
}
