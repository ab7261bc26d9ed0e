//! One call over the daemon's socket: a line of JSON there, a line of JSON back,
//! and the end of the connection. A caller that closes its side has given up.
//! Blanks before the line back say that the daemon is still at it, also after the
//! time that the caller gave it: a mount that has failed is undone before that is
//! answered, and kubelet itself waits as long as it takes.
//!
//! Members are only ever added, and unknown ones ignored. A daemon answers
//! exec binaries of its own version and of older ones.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of the wire that this crate speaks.
pub const VERSION: u32 = 1;

/// The longest line, in bytes: each argument of a process has at most 128 KiB
/// (execve(2)), and JSON makes up to six bytes of one.
pub const LONGEST: usize = 4 << 20;

/// A call of kubelet's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Of the wire, as the exec binary speaks it.
    pub version: u32,
    /// What the call is called in the logs of the daemon and of the backend.
    pub request_id: String,
    /// The FlexVolume driver, as `vendor/driver`.
    pub driver: String,
    /// As `mount`.
    pub call: String,
    /// What stands behind the call. It may hold secrets.
    #[serde(default)]
    pub args: Vec<String>,
    /// How long the caller waits, in milliseconds.
    pub timeout_ms: u64,
    /// The original driver answered "Not supported": what kubelet itself does
    /// after that is now to be done.
    #[serde(default, skip_serializing_if = "is_false")]
    pub original_does_not: bool,
}

/// Without the arguments: there may be secrets in them.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("request_id", &self.request_id)
            .field("driver", &self.driver)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Of the wire, as the daemon speaks it.
    pub version: u32,
    /// How it went.
    pub answer: Answer,
    /// For a failure: what happened, to which object, and what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It is done.
    Success,
    /// It is not; nothing is left of it, or what is left is recorded.
    Failure,
    /// The volume is the original driver's: it is to be called.
    Original,
}

fn is_false(value: &bool) -> bool {
    !value
}
