//! One fault, and how it is written: `RPC=ACTION[,before|recorded|after][,times=N]`.

use std::str::FromStr;
use std::time::Duration;

use tonic::Code;

use super::LONGEST;
use crate::hostpath::rpc::Rpc;

/// A fault that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// As it was written.
    pub(super) text: String,
    pub(super) rpc: Rpc,
    pub(super) action: Action,
    pub(super) when: When,
    /// How often it comes; without it, at each call.
    pub(super) times: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hostpath) enum Action {
    Hang,
    Slow(Duration),
    Fail(Code),
}

/// At which moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hostpath) enum When {
    /// Nothing was done yet.
    Before,
    /// What is to be done is recorded, and nothing else was done.
    Recorded,
    /// All was done; the caller does not know yet.
    After,
}

/// Why a text is no fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// It has no `=`.
    #[error("{0:?} is not RPC=ACTION[,before|recorded|after][,times=N]")]
    Form(String),
    /// The call is none.
    #[error("{0:?} is no call of CSI")]
    Rpc(String),
    /// The action is none.
    #[error(
        "{0:?} is none of hang, slow:DURATION (as in slow:500ms, slow:3s) and a gRPC code (as in UNAVAILABLE)"
    )]
    Action(String),
    /// What follows the action is not known.
    #[error("{0:?} is none of before, recorded, after and times=N")]
    Option(String),
    /// Nothing is recorded in this call, so that the fault would never come.
    #[error("{0} records nothing: use before or after")]
    NeverRecorded(&'static str),
}

const CODES: [(&str, Code); 16] = [
    ("CANCELLED", Code::Cancelled),
    ("UNKNOWN", Code::Unknown),
    ("INVALID_ARGUMENT", Code::InvalidArgument),
    ("DEADLINE_EXCEEDED", Code::DeadlineExceeded),
    ("NOT_FOUND", Code::NotFound),
    ("ALREADY_EXISTS", Code::AlreadyExists),
    ("PERMISSION_DENIED", Code::PermissionDenied),
    ("RESOURCE_EXHAUSTED", Code::ResourceExhausted),
    ("FAILED_PRECONDITION", Code::FailedPrecondition),
    ("ABORTED", Code::Aborted),
    ("OUT_OF_RANGE", Code::OutOfRange),
    ("UNIMPLEMENTED", Code::Unimplemented),
    ("INTERNAL", Code::Internal),
    ("UNAVAILABLE", Code::Unavailable),
    ("DATA_LOSS", Code::DataLoss),
    ("UNAUTHENTICATED", Code::Unauthenticated),
];

/// The calls that record what they are about to do, and stop there for a fault.
const RECORDING: [Rpc; 8] = [
    Rpc::CreateVolume,
    Rpc::DeleteVolume,
    Rpc::CreateSnapshot,
    Rpc::DeleteSnapshot,
    Rpc::CreateVolumeGroupSnapshot,
    Rpc::DeleteVolumeGroupSnapshot,
    Rpc::NodeStageVolume,
    Rpc::NodePublishVolume,
];

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (rpc, rest) = text
            .split_once('=')
            .ok_or_else(|| FaultError::Form(text.to_owned()))?;
        let rpc = Rpc::of_name(rpc).ok_or_else(|| FaultError::Rpc(rpc.to_owned()))?;
        let mut parts = rest.split(',');
        let action = action(parts.next().unwrap_or_default())?;
        let (mut when, mut times) = (When::Before, None);
        for part in parts {
            let unknown = || FaultError::Option(part.to_owned());
            match part {
                "before" => when = When::Before,
                "recorded" => when = When::Recorded,
                "after" => when = When::After,
                part => {
                    let number = part.strip_prefix("times=").ok_or_else(unknown)?;
                    times = Some(number.parse().map_err(|_| unknown())?);
                }
            }
        }
        if when == When::Recorded && !RECORDING.contains(&rpc) {
            return Err(FaultError::NeverRecorded(rpc.name()));
        }
        Ok(Self {
            text: text.to_owned(),
            rpc,
            action,
            when,
            times,
        })
    }
}

fn action(text: &str) -> Result<Action, FaultError> {
    let unknown = || FaultError::Action(text.to_owned());
    if text == "hang" {
        return Ok(Action::Hang);
    }
    if let Some(duration) = text.strip_prefix("slow:") {
        return duration_of(duration).map(Action::Slow).ok_or_else(unknown);
    }
    CODES
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, code)| Action::Fail(*code))
        .ok_or_else(unknown)
}

fn duration_of(text: &str) -> Option<Duration> {
    let duration = match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().ok()?),
        None => Duration::from_secs(text.strip_suffix('s')?.parse().ok()?),
    };
    (duration <= LONGEST).then_some(duration)
}
