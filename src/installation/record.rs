//! The installed file, with what only the daemon reads of it.

use flex2csi_exec::installed::{self, Attaches, Installed, Original};
use serde::{Deserialize, Serialize};

use super::directory::{Directory, READABLE};
use super::names::Names;
use super::{Capabilities, InstallError, Wanted};

/// The longest that is read (bytes).
const LONGEST: u64 = 1 << 20;

/// What is installed, as it stands in the driver's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    #[serde(flatten)]
    pub installed: Installed,
    /// The executable that it was written for; without it, it is a stranger's.
    pub executable: Executable,
}

/// An executable of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Executable {
    /// The hash of its content, in hex.
    pub sha256: String,
    /// The file. Where another one stands in its place, whoever put it there died
    /// in between, and kubelet has not read `capabilities` again.
    pub inode: u64,
    /// The hash of the one that stood there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Record {
    /// What is recorded. A damaged file is none: it only says again what can be
    /// seen, and a driver that may attach is asked again.
    pub fn read(directory: &Directory, names: &Names) -> Result<Option<Self>, InstallError> {
        let text = directory.read(&names.installed, LONGEST)?;
        Ok(text.and_then(|text| match serde_json::from_str(&text) {
            Ok(record) => Some(record),
            Err(error) => {
                let path = directory.path_of(&names.installed);
                tracing::warn!(path = %path.display(), %error, "a damaged file is written anew");
                None
            }
        }))
    }

    /// Writes it durably. Kubelet does not see it: both names have a dot.
    pub fn write(&self, directory: &Directory, names: &Names) -> Result<(), InstallError> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| InstallError::Io {
            action: "write",
            path: directory.path_of(&names.installed),
            source: error.into(),
        })?;
        directory.write(&names.new_installed, &text, READABLE)?;
        directory.rename(&names.new_installed, &names.installed)?;
        directory.sync()
    }

    /// Whether an executable with this hash is one of ours.
    pub fn knows(&self, sha256: &str) -> bool {
        self.executable.sha256 == sha256 || self.executable.before.as_deref() == Some(sha256)
    }
}

/// What is to be installed.
pub(super) fn installed(wanted: &Wanted, original: Option<Original>) -> Installed {
    Installed {
        version: installed::VERSION,
        driver: wanted.driver.to_string(),
        socket: wanted.socket.clone(),
        capabilities: wanted.capabilities,
        timeout_ms: u64::try_from(wanted.timeout.as_millis()).unwrap_or(u64::MAX),
        original,
    }
}

/// What `init` answers: none are the original's own. `said` is whether that one
/// attaches.
pub(super) fn answers(installed: &Installed, said: Option<bool>) -> Option<Capabilities> {
    let original = match installed.original.as_ref().map(|it| it.attaches) {
        Some(Attaches::Yes) => true,
        Some(Attaches::Unknown) => said == Some(true),
        Some(Attaches::No) | None => false,
    };
    (!original).then_some(installed.capabilities)
}
