//! Telling cheaply that a file is still the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

/// A change that comes this soon after a look may leave the times as they are.
const COARSE: Duration = Duration::from_secs(2);

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
        let changed = Duration::from_secs(self.changed.0.unsigned_abs());
        now.is_ok_and(|now| now > changed + COARSE)
    }
}
