//! Copies of files: by reference where the filesystem can, else of what is not
//! a hole.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// Copies all of a file into an empty one.
pub(super) fn copy(from: &File, to: &File) -> io::Result<()> {
    match rustix::fs::ioctl_ficlone(to, from) {
        Ok(()) => return Ok(()),
        // Not here, not between these two, or not files of this kind.
        Err(
            Errno::OPNOTSUPP
            | Errno::XDEV
            | Errno::INVAL
            | Errno::NOTTY
            | Errno::NOSYS
            | Errno::TXTBSY
            | Errno::PERM,
        ) => {}
        Err(error) => return Err(error.into()),
    }
    copy_sparse(from, to)
}

/// Whether copies between files in this directory are by reference, and so of
/// one instant.
pub(super) fn is_by_reference(directory: &std::path::Path) -> io::Result<bool> {
    let (from, to) = (
        tempfile::tempfile_in(directory)?,
        tempfile::tempfile_in(directory)?,
    );
    Ok(rustix::fs::ioctl_ficlone(&to, &from).is_ok())
}

fn copy_sparse(from: &File, to: &File) -> io::Result<()> {
    let length = from.metadata()?.len();
    to.set_len(length)?;
    let mut at = 0;
    while at < length {
        let data = match rustix::fs::seek(from, SeekFrom::Data(at)) {
            Ok(data) => data,
            // Nothing but a hole from here on.
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let hole = rustix::fs::seek(from, SeekFrom::Hole(data))?;
        copy_range(from.as_fd(), to.as_fd(), data, hole)?;
        at = hole;
    }
    Ok(())
}

fn copy_range(from: impl AsFd, to: impl AsFd, mut start: u64, end: u64) -> io::Result<()> {
    let mut to_at = start;
    while start < end {
        let want = usize::try_from(end - start)
            .unwrap_or(usize::MAX)
            .min(1 << 30);
        let copied =
            rustix::fs::copy_file_range(&from, Some(&mut start), &to, Some(&mut to_at), want)?;
        if copied == 0 {
            // The file became shorter.
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    #[test]
    fn holes_stay_holes() {
        let (from, mut to) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        from.set_len(64 << 20).unwrap();
        from.write_all_at(b"begin", 0).unwrap();
        from.write_all_at(b"middle", 32 << 20).unwrap();
        copy_sparse(&from, &to).unwrap();
        let metadata = to.metadata().unwrap();
        assert_eq!(metadata.len(), 64 << 20);
        assert!(metadata.blocks() * 512 < 1 << 20, "{}", metadata.blocks());
        let mut all = Vec::new();
        to.read_to_end(&mut all).unwrap();
        assert_eq!(
            (&all[..5], &all[32 << 20..][..6]),
            (&b"begin"[..], &b"middle"[..])
        );
    }

    #[test]
    fn any_file_is_copied() {
        for content in ["", "x"] {
            let (from, mut to) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
            from.write_all_at(content.as_bytes(), 0).unwrap();
            copy(&from, &to).unwrap();
            let mut all = String::new();
            to.read_to_string(&mut all).unwrap();
            assert_eq!(all, content);
        }
    }
}
