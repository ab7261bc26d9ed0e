//! What is said to kubelet.

use std::io::Write as _;

use flex2csi_exec::installed::Capabilities;
use serde::Serialize;
use serde_json::{Map, Value};

/// The longest message, in bytes: it becomes an event of a pod.
const LONGEST_MESSAGE: usize = 4096;

/// One JSON object, in the words of kubernetes
/// `pkg/volume/flexvolume/driver-call.go` (`DriverStatus`), v1.36.
pub enum Answer {
    /// Made here.
    Own(Own),
    /// As an original driver said it.
    Relayed(Map<String, Value>),
}

/// An answer made here.
#[derive(Serialize)]
pub struct Own {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attached: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<Told>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    Installed(Capabilities),
    Original(Map<String, Value>),
}

impl Answer {
    /// It is done.
    pub fn success() -> Self {
        Self::Own(Own::new("Success"))
    }

    /// It is not.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::Own(Own {
            message: Some(shortened(message.into())),
            ..Own::new("Failure")
        })
    }

    /// For a call that nobody knows: kubelet never makes it again before the next
    /// `init`, for any volume of the driver.
    pub fn not_supported(message: impl Into<String>) -> Self {
        Self::Own(Own {
            message: Some(message.into()),
            ..Own::new("Not supported")
        })
    }

    /// The device that an attached volume is.
    pub fn device(device: impl Into<String>) -> Self {
        Self::Own(Own {
            device: Some(device.into()),
            ..Own::new("Success")
        })
    }

    /// The volume is attached, as far as anybody can tell.
    pub fn attached() -> Self {
        Self::Own(Own {
            attached: Some(true),
            ..Own::new("Success")
        })
    }

    /// The answer to `init`.
    pub fn capabilities(capabilities: Capabilities) -> Self {
        Self::Own(Own {
            capabilities: Some(Told::Installed(capabilities)),
            ..Own::new("Success")
        })
    }

    /// The answer to `init` of an original driver. Without any, its defaults hold:
    /// the member has to be left out, for a null crashes kubelet.
    pub fn original_capabilities(capabilities: Option<Map<String, Value>>) -> Self {
        Self::Own(Own {
            capabilities: capabilities.map(Told::Original),
            ..Own::new("Success")
        })
    }

    /// Says it on stdout. Nobody may be listening any more: then it is lost, as it
    /// is when kubelet ends in mid-call.
    pub fn say(self) {
        let line = match self {
            Self::Own(own) => serde_json::to_string(&own),
            Self::Relayed(members) => serde_json::to_string(&members),
        };
        let mut line = line.unwrap_or_else(|_| r#"{"status":"Failure"}"#.to_owned());
        line.push('\n');
        let mut stdout = std::io::stdout().lock();
        let _ = stdout
            .write_all(line.as_bytes())
            .and_then(|()| stdout.flush());
    }
}

impl From<Result<Answer, String>> for Answer {
    fn from(result: Result<Answer, String>) -> Self {
        result.unwrap_or_else(Self::failure)
    }
}

impl Own {
    fn new(status: &'static str) -> Self {
        Self {
            status,
            message: None,
            device: None,
            attached: None,
            capabilities: None,
        }
    }
}

fn shortened(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push('…');
    }
    message
}
