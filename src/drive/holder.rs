//! The name under which a process works, in records, at the fence and on stopped workloads.

/// A name that nobody else has, and nobody had before.
///
/// # Errors
/// The kernel gives no random number.
pub fn name() -> std::io::Result<String> {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let random = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(format!("{host}/{}/{}", std::process::id(), random.trim()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_are_equal() {
        assert_ne!(super::name().unwrap(), super::name().unwrap());
    }
}
