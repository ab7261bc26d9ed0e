//! Telling cheaply that a file is still the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, Stat};

/// A change that comes this soon after a look may leave the times as they are.
/// No filesystem's times are coarser.
#[cfg(not(test))]
const COARSE: Duration = Duration::from_secs(2);
#[cfg(test)]
const COARSE: Duration = Duration::from_millis(20);

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// What changes when a file is written, replaced or given to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    /// Its inode.
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Whose it is.
    pub owner: u32,
    /// In bytes.
    pub size: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Stamp {
    pub fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            mode: stat.st_mode,
            owner: stat.st_uid,
            size: stat.st_size.unsigned_abs(),
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Whether this was written before anything about the other file changed.
    pub fn is_older_than(&self, other: &Self) -> bool {
        self.modified < other.changed
    }

    /// Whether nobody but root, or whom we run as, can have written it. Of a link
    /// that is told by where it leads, which may be out of our sight.
    pub fn is_trusted(&self) -> bool {
        let is_link = FileType::from_raw_mode(self.mode) == FileType::Symlink;
        let is_ours = self.owner == 0 || self.owner == rustix::process::geteuid().as_raw();
        is_link || (is_ours && self.mode & WRITABLE_BY_OTHERS == 0)
    }

    /// Whether it is the same file with the same content: a second name of it
    /// changes `changed`.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode, self.size, self.modified)
            == (other.device, other.inode, other.size, other.modified)
    }

    /// Whether it tells every later change: not while another one could get the
    /// same time.
    pub fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let (seconds, nanoseconds) = self.changed;
        let changed =
            Duration::from_secs(seconds.unsigned_abs()) + Duration::from_nanos(nanoseconds);
        now.is_ok_and(|now| now > changed + COARSE)
    }
}
