//! The user namespace that this process is in (user_namespaces(7)).

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Set for the program that runs in the namespace.
const INSIDE: &str = "FLEX2CSI_IN_USER_NAMESPACE";

/// Whose rights we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// All of them.
    Root,
    /// Those in a user namespace: mounts, but no devices.
    Namespace,
}

/// Says whose rights we have; without any, becomes this program in a user
/// namespace, and comes back only if that cannot be.
///
/// # Errors
/// There are none to be had.
pub fn enter() -> anyhow::Result<Rights> {
    if rustix::process::geteuid().is_root() {
        return Ok(if is_initial()? {
            Rights::Root
        } else {
            Rights::Namespace
        });
    }
    anyhow::ensure!(
        std::env::var_os(INSIDE).is_none(),
        "root in its user namespace is not root: mounts are not possible here"
    );
    // What is unmounted outside is not to be held by our copy of it.
    let flags = [
        "--user",
        "--map-root-user",
        "--mount",
        "--propagation",
        "slave",
        "--",
    ];
    let error = Command::new("unshare")
        .env(INSIDE, "1")
        .args(flags)
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .exec();
    Err(anyhow::Error::new(error).context(
        "not root, and unshare (Debian package util-linux) cannot be run to get a user namespace",
    ))
}

/// Whether it is the first one, which alone has every user that there is.
///
/// # Errors
/// The kernel does not say.
pub fn is_initial() -> io::Result<bool> {
    let map = fs_err::read_to_string("/proc/self/uid_map")?;
    Ok(map.split_whitespace().eq(["0", "0", "4294967295"]))
}

/// As whom users of other namespaces appear here, whoever they are.
///
/// # Errors
/// The kernel does not say.
pub fn overflow_user() -> io::Result<u32> {
    let user = fs_err::read_to_string("/proc/sys/kernel/overflowuid")?;
    user.trim().parse().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_kernel_says_both() {
        super::is_initial().unwrap();
        assert_ne!(super::overflow_user().unwrap(), 0);
    }
}
