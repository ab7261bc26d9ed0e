//! The driver that was here before.

mod capabilities;
mod process;
mod said;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use flex2csi_exec::installed::{Attaches, Installed, answer_file};

use crate::place::Place;
use crate::trusted;

pub use capabilities::Capabilities;
pub use said::{Said, Status};

/// How long its `init` may take: kubelet holds a lock over all volume plugins.
const INIT: Duration = Duration::from_secs(10);

/// How much longer than ours its calls may take. Kubelet itself limits
/// `waitforattach` alone, to ten minutes; with the usual 110 s this stays below.
/// Killed any earlier, a check or a mkfs of a large device would never end.
const TIMES: u32 = 5;

/// A driver that kubelet used to call, and we call.
pub struct Original<'a> {
    path: PathBuf,
    answer_file: PathBuf,
    installed: &'a Installed,
    attaches: Attaches,
    capabilities: OnceCell<Result<Capabilities, String>>,
}

impl<'a> Original<'a> {
    /// The one that is installed.
    pub fn new(place: &Place, installed: &'a Installed) -> Option<Self> {
        let original = installed.original.as_ref()?;
        Some(Self {
            path: place.file(&original.file),
            answer_file: place.file(&answer_file(&place.executable)),
            installed,
            attaches: original.attaches,
            capabilities: OnceCell::new(),
        })
    }

    /// What the daemon knows of it.
    pub fn attaches(&self) -> Attaches {
        self.attaches
    }

    /// What it answers to `init`, or answered earlier.
    pub fn capabilities(&self) -> Result<&Capabilities, &str> {
        self.capabilities
            .get_or_init(|| capabilities::find_out(self))
            .as_ref()
            .map_err(String::as_str)
    }

    /// Calls it as kubelet called us.
    pub fn call(&self, args: &[OsString]) -> Result<Said, String> {
        self.run(args, self.time() * TIMES)
    }

    fn init(&self) -> Result<Said, String> {
        self.run(&["init".into()], self.time().min(INIT))
    }

    fn time(&self) -> Duration {
        // A day is as good as for ever, and can be multiplied.
        Duration::from_millis(self.installed.timeout_ms).min(Duration::from_secs(86_400))
    }

    fn run(&self, args: &[OsString], time: Duration) -> Result<Said, String> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| {
            format!("{self} is not there: {error}; put it back, or see the log of flex2csi node")
        })?;
        trusted::check(&metadata).map_err(|why| {
            format!("{self} is not called: {why}; see who put it there, then chown it to root and chmod it to 0755")
        })?;
        let ended = process::run(&self.path, args, time).map_err(|why| format!("{self} {why}"))?;
        said::read(ended).map_err(|why| {
            format!("{self} {why}; what it says is not shown, as it may hold secrets: call it by hand, or see its log")
        })
    }
}

impl fmt::Display for Original<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the original driver {}", self.path.display())
    }
}
