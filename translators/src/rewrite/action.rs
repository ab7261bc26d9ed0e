//! What is to be done next.

use serde_json::Value;

use super::pins::PinCall;
use super::record::Status;

/// One thing to do. All that writes does so under conditions: the server refuses it
/// when the world is not as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Write the record's status.
    Journal(Box<Status>),
    /// Change the object: a JSON merge patch, with the resourceVersion that it is
    /// of.
    Patch(Change, Value),
    /// Change the claim, likewise.
    PatchClaim(Value),
    /// Find out who uses the object.
    AskUse,
    /// Look for the pins, and at their nodes.
    AskPins,
    /// Make or remove a part of a pin.
    Pin(PinCall),
    /// Have the server check that it would create this.
    Try(Value),
    /// Delete the object, with `propagationPolicy: Orphan`, if it still is this one.
    /// What comes before can be undone; this cannot.
    Delete {
        /// Its uid.
        uid: String,
        /// Its resourceVersion.
        version: String,
    },
    /// Create this.
    Create(Value),
    /// Look again until the world has moved on.
    Wait(Awaited),
    /// Nothing more may be done by a program.
    Stop(Stop),
    /// All is as it is to be.
    Done,
}

/// What a change of the object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Nobody is to delete its storage while it is replaced.
    Mark,
    /// It is to go at once.
    Release,
    /// It is in place, or is to stay: everything as it was meant.
    Settle,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Awaited {
    /// Who deletes storage has seen that it is to stay.
    Deleter,
    /// The deleted object is gone.
    Gone,
    /// The controller has taken note of the volume.
    Volume,
    /// The controller has bound the claim to the volume.
    Claim,
    /// The pin pod runs, and its kubelet holds the volume through CSI.
    Pin,
    /// Kubelet has the volume through CSI for each pod that uses it.
    Kubelet,
    /// The pin is gone.
    Unpinned,
    /// Who uses the volume beside the pin has come to rest.
    Rest,
}

impl Awaited {
    /// What is waited for, and who is to do it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Deleter => {
                "the provisioner or kube-controller-manager to take its finalizer off the \
                 volume that is now Retain"
            }
            Self::Gone => "the garbage collector of kube-controller-manager to let it go",
            Self::Volume => "kube-controller-manager to set the volume's phase",
            Self::Claim => "kube-controller-manager to bind the claim again",
            Self::Pin => {
                "the pin pod to run on the node, and its kubelet to report the CSI volume in use"
            }
            Self::Kubelet => {
                "kubelet to have the volume through CSI for its pods, and the node daemon to say so"
            }
            Self::Unpinned => "the pin pod to end, and its volume to be let go of",
            Self::Rest => "its pods to come to rest: pinned, it cannot be left as it is",
        }
    }
}

/// Why nothing more is done to an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {remedy}")]
pub struct Stop {
    /// Stable, for programs.
    pub code: StopCode,
    /// What was found.
    pub message: String,
    /// The one thing to do about it.
    pub remedy: String,
}

/// Reasons to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StopCode {
    /// The object is neither of the two that the record knows.
    Foreign,
    /// Somebody else is deleting the object.
    DeletedByOther,
    /// Somebody else has deleted the object.
    Vanished,
    /// It was deleted in the normal way, long after.
    Gone,
    /// The claim is not there.
    ClaimGone,
    /// There is another claim of its name.
    ClaimReplaced,
    /// The claim is being deleted.
    ClaimEnding,
    /// Volume and claim do not name each other.
    NotBound,
    /// The claim is being resized or changed.
    ClaimBusy,
    /// Somebody else's finalizer would keep the object for ever.
    ForeignFinalizer,
    /// It is used.
    InUse,
    /// Whether it is used cannot be known.
    UseUnknown,
    /// It is mounted where it is not attached.
    NotAttached,
    /// A node does not run the pod that would pin it.
    NotPinned,
    /// It is pinned under pods that use it.
    Pinned,
}

impl StopCode {
    /// As in the record's conditions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "ForeignObject",
            Self::DeletedByOther => "DeletedByOther",
            Self::Vanished => "ObjectVanished",
            Self::Gone => "Gone",
            Self::ClaimGone => "ClaimGone",
            Self::ClaimReplaced => "ClaimReplaced",
            Self::ClaimEnding => "ClaimBeingDeleted",
            Self::NotBound => "NotBound",
            Self::ClaimBusy => "ClaimBusy",
            Self::ForeignFinalizer => "ForeignFinalizer",
            Self::InUse => "InUse",
            Self::UseUnknown => "UseUnknown",
            Self::NotAttached => "NotAttached",
            Self::NotPinned => "NotPinned",
            Self::Pinned => "Pinned",
        }
    }
}
