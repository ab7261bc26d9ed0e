//! What is mounted where: `/proc/self/mountinfo`, as proc_pid_mountinfo(5)
//! describes it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

mod line;
mod targets;

pub use targets::are_mounted;

#[cfg(test)]
mod tests;

/// One mount, a line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Unique while the mount lives.
    pub id: u64,
    /// The mount that this one is mounted on.
    pub parent: u64,
    /// Device of the files on it. btrfs gives files another one than its disk's.
    pub device: (u32, u32),
    /// Which directory (or file) of the filesystem is to be seen here; a
    /// removed one ends in `//deleted`.
    pub root: PathBuf,
    /// Where it is mounted.
    pub target: PathBuf,
    /// Options of this mount alone, as in `ro,noatime`.
    pub options: String,
    /// Propagation, as in `shared:1`.
    pub propagation: Vec<String>,
    /// The filesystem, as in `ext4` or `fuse.sshfs`.
    pub fs_type: OsString,
    /// What was mounted, where the filesystem says it.
    pub source: OsString,
    /// Options of the whole filesystem.
    pub super_options: OsString,
}

impl Mount {
    /// Whether nothing can be written through this mount.
    pub fn is_readonly(&self) -> bool {
        self.has_option("ro") || self.is_filesystem_readonly()
    }

    /// Whether nothing can be written to the whole filesystem, as after an
    /// error that remounted it.
    pub fn is_filesystem_readonly(&self) -> bool {
        self.super_options
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|option| option == b"ro")
    }

    /// Whether this mount, not its filesystem, has an option.
    pub fn has_option(&self, option: &str) -> bool {
        self.options.split(',').any(|each| each == option)
    }
}

/// A line that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no line of a mount table: {what}")]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong in it.
    pub what: &'static str,
}

/// Every mount of a mount namespace, in the order of mounting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountTable {
    mounts: Vec<Mount>,
}

impl MountTable {
    /// The table of this process, as of now. From Linux 5.8 on the kernel
    /// keeps a reader's place while others mount and unmount.
    ///
    /// # Errors
    /// `/proc` is not there, or has what no kernel wrote.
    pub fn read() -> io::Result<Self> {
        let text = fs_err::read("/proc/self/mountinfo")?;
        Self::parse(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// A table from its text.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let mounts = text
            .split(|byte| *byte == b'\n')
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
            .map(|(index, line)| {
                line::parse(line).map_err(|what| ParseError {
                    line: index + 1,
                    what,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { mounts })
    }

    /// What is to be seen at a path on which something is mounted: the last
    /// one, where mounts lie upon each other.
    pub fn at(&self, target: &Path) -> Option<&Mount> {
        self.mounts.iter().rfind(|mount| mount.target == target)
    }

    /// Every mount, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Mount> {
        self.mounts.iter()
    }

    /// The mounts whose source is this, as a device is of its filesystem.
    pub fn of_source(&self, source: &Path) -> impl Iterator<Item = &Mount> {
        self.mounts
            .iter()
            .filter(move |mount| mount.source == source.as_os_str())
    }
}

/// A path as the table has it: kubelet's root may be reached through a link. The
/// last part is left alone, for what is mounted on it may not answer.
pub fn real_path(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Takes back the escapes of the kernel: a backslash and three octal digits,
/// for blanks, tabs, newlines, backslashes and, in sources, `#`.
fn unescape(field: &[u8]) -> OsString {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        match octal(rest) {
            Some(escaped) => {
                plain.push(escaped);
                rest = rest.get(4..).unwrap_or_default();
            }
            None => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    OsString::from_vec(plain)
}

fn octal(text: &[u8]) -> Option<u8> {
    let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] = text else {
        return None;
    };
    Some(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
}

fn text(field: &OsStr) -> Option<String> {
    field.to_str().map(str::to_owned)
}
