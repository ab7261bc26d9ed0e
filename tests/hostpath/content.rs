//! What is in a volume, whatever its kind.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Writes a text so that it is in the volume, not only in a cache.
pub fn write(target: &Path, text: &str) -> io::Result<()> {
    let mut file = if target.is_dir() {
        File::create(target.join("file"))?
    } else {
        OpenOptions::new().write(true).open(target)?
    };
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The text of this length that was written.
pub fn read(target: &Path, length: usize) -> String {
    let file = if target.is_dir() {
        File::open(target.join("file"))
    } else {
        File::open(target)
    };
    let mut text = vec![0; length];
    file.unwrap().read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// How large a volume is, as a workload sees it, in bytes.
pub fn size(target: &Path) -> u64 {
    if target.is_dir() {
        let stat = rustix::fs::statvfs(target).unwrap();
        stat.f_blocks * stat.f_frsize
    } else {
        File::open(target).unwrap().seek(SeekFrom::End(0)).unwrap()
    }
}
