//! The user namespace that this process is in (user_namespaces(7)).

use std::io;

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
