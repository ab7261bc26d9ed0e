//! Which boot of the node it is: after a reboot nothing is mounted any more,
//! whatever was recorded.

use std::io;

/// The id of this boot (random(4)).
///
/// # Errors
/// `/proc` is not there.
pub fn boot_id() -> io::Result<String> {
    let text = fs_err::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}
