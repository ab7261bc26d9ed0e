//! Serving without root: in a user namespace, in which we may mount.

use std::os::unix::process::CommandExt;

use super::program::Program;
use crate::user_namespace;

const UNSHARE: Program = Program::new("unshare", "util-linux");

/// Set for the program that runs in the namespace.
const INSIDE: &str = "FLEX2CSI_IN_USER_NAMESPACE";

/// Whose rights we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// All of them.
    Root,
    /// Those in a user namespace: mounts, but no devices.
    Namespace,
}

/// Says whose rights we have; without any, becomes this program in a user
/// namespace, and comes back only if that cannot be.
pub(super) fn enter() -> anyhow::Result<Rights> {
    if !is_root() {
        anyhow::ensure!(
            std::env::var_os(INSIDE).is_none(),
            "root in its user namespace is not root: mounts are not possible here"
        );
        let error = UNSHARE
            .command()
            .env_clear()
            .envs(std::env::vars_os())
            .env(INSIDE, "1")
            // What is unmounted outside is not to be held by our copy of it.
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "--propagation",
                "slave",
                "--",
            ])
            .arg(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .exec();
        return Err(anyhow::Error::new(error).context(
            "not root, and unshare (Debian package util-linux) cannot be run to get a user namespace",
        ));
    }
    Ok(if user_namespace::is_initial()? {
        Rights::Root
    } else {
        Rights::Namespace
    })
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
