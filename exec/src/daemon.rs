//! A call, taken to the node daemon.

mod connection;
mod request;

use std::ffi::OsString;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use flex2csi_exec::installed::Installed;
use flex2csi_exec::wire::{self, Reply};

use crate::answer::Answer;
use crate::call::Call;
use crate::deadline::Deadline;

/// The node daemon of this node.
pub struct Daemon<'a> {
    installed: &'a Installed,
    request_id: String,
}

/// What the daemon says of a call that has not failed.
pub enum Said {
    /// It is done.
    Done,
    /// It is the original driver's.
    Originals,
}

impl<'a> Daemon<'a> {
    /// As the installed file names it.
    pub fn new(installed: &'a Installed) -> Self {
        // The standard library's hash keys are random in each process.
        let random = RandomState::new().hash_one("call");
        Self {
            installed,
            request_id: format!("{random:016x}"),
        }
    }

    /// What this call is called in the daemon's log.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Takes a call there.
    pub fn ask(&self, call: Call, args: &[OsString]) -> Result<Said, String> {
        self.exchange(call, args, false)
    }

    /// Takes a call there, if there is a daemon now.
    pub fn ask_if_there(&self, call: Call, args: &[OsString]) -> Result<Option<Said>, String> {
        if !connection::is_served(&self.installed.socket) {
            return Ok(None);
        }
        self.ask(call, args).map(Some)
    }

    /// Has the daemon do what kubelet does after the original's "Not supported".
    pub fn instead_of_original(&self, call: Call, args: &[OsString]) -> Result<Answer, String> {
        match self.exchange(call, args, true)? {
            Said::Done => Ok(Answer::success()),
            Said::Originals => Err(format!(
                "the original driver does not support this call, and flex2csi node leaves it to the original: \
                 see its log for {}",
                self.request_id
            )),
        }
    }

    fn exchange(
        &self,
        call: Call,
        args: &[OsString],
        original_does_not: bool,
    ) -> Result<Said, String> {
        let patience = Duration::from_millis(self.installed.timeout_ms);
        let deadline = Deadline::after(patience);
        let request = request::Draft {
            request_id: &self.request_id,
            driver: &self.installed.driver,
            original_does_not,
        }
        .with(call, args)?;
        let named = |why: String| match why.contains(&self.request_id) {
            true => why,
            false => format!("{why} (request {})", self.request_id),
        };
        let line = connection::connect(&self.installed.socket, deadline)
            .and_then(|connection| connection.exchange(request, deadline, patience))
            .map_err(named)?;
        let reply: Reply = serde_json::from_slice(&line).map_err(|_| named(unreadable(&line)))?;
        match reply.answer {
            wire::Answer::Success => Ok(Said::Done),
            wire::Answer::Original => Ok(Said::Originals),
            wire::Answer::Failure if reply.message.is_empty() => Err(named(
                "flex2csi node gave no reason: see its log".to_owned(),
            )),
            wire::Answer::Failure => Err(named(reply.message)),
        }
    }
}

/// The answer itself is not quoted: whatever says it may have read the call's secrets.
fn unreadable(line: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    match serde_json::from_slice(line) {
        Ok(Versioned { version }) if version > wire::VERSION => format!(
            "flex2csi node answered in version {version} of the wire, and this exec binary knows {}: \
             flex2csi node puts the exec binary of its own version here when it starts; see its log",
            wire::VERSION
        ),
        _ => format!(
            "flex2csi node answered {} bytes that are no answer: see its log, and whether both are of the same version",
            line.len()
        ),
    }
}
