//! What a look at an installation came to.

use flex2csi_exec::installed::Attaches;

use super::Left;

/// What a look at an installation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What was done.
    pub change: Change,
    /// How the original driver stands, where there is one.
    pub original: Option<Standing>,
}

/// What was done about an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// All was as it has to be; no file was touched.
    None,
    /// The exec binary was put there, where nothing was or an original driver.
    Installed,
    /// Another one was put over one of ours, or kubelet had to read
    /// capabilities again.
    Replaced,
    /// Only what the exec binary reads was written.
    Recorded,
    /// Somebody had put a driver over ours: it is the original now.
    TookBack,
    /// Nothing is left of the original driver on this node: new mounts are ours.
    Released,
}

/// How an original driver stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether kubelet attaches through it.
    pub attaches: Attaches,
    /// Why it cannot be called, if it cannot.
    pub trouble: Option<Trouble>,
    /// While it attaches: what is left of it on this node.
    pub left: Option<Left>,
}

/// Why an original driver cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its file is gone.
    Lost,
    /// Others than root can write it, so that it is not run as root.
    Untrusted,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lost => {
                "the original driver's file is gone: put it back, or its mounts cannot be \
                 unmounted"
            }
            Self::Untrusted => {
                "others than root can write the original driver's file, so it is not called: \
                 see who put it there, then chown it to root and chmod it to 0755"
            }
        })
    }
}
