//! Files that nobody but root, or whom we run as, can have written.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::geteuid;

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Reads a file if it is there. `limit` is in bytes.
pub fn read(path: &Path, limit: u64) -> Result<Option<(Vec<u8>, Metadata)>, String> {
    // A link could lead anywhere, and opening a pipe could take for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err("it is a symbolic link".to_owned()),
        Err(error) => return Err(format!("it cannot be read ({error})")),
    };
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    check(&metadata)?;
    // One call reads it, and one more finds its end.
    let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize + 1);
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("it is longer than {limit} bytes"));
    }
    Ok(Some((bytes, metadata)))
}

/// Whether a file is to be trusted, or why not.
pub fn check(metadata: &Metadata) -> Result<(), String> {
    let owner = metadata.uid();
    if !metadata.is_file() {
        Err("it is no regular file".to_owned())
    } else if owner != 0 && owner != geteuid().as_raw() {
        Err(format!("it belongs to user {owner}, not to root"))
    } else if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        let mode = metadata.mode() & 0o7777;
        Err(format!("its mode {mode:04o} lets others write it"))
    } else {
        Ok(())
    }
}
