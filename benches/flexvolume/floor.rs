//! What nothing that keeps the promises of the door can do without: kubelet starts a
//! process, and the record is on the disk before the first act and gone after the last.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// About as long as the record of a volume.
const RECORD: [u8; 900] = [b'x'; 900];

/// A directory of records that nobody reads.
#[derive(Debug, Clone)]
pub struct Floor(pub PathBuf);

impl Floor {
    fn record(&self, volume: usize) -> PathBuf {
        self.0.join(format!("{volume:064}.json"))
    }

    /// A record, written so that it is there after a power cut, whole.
    pub fn write(&self, volume: usize) -> io::Result<()> {
        let record = self.record(volume);
        let partial = record.with_extension("partial");
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .open(&partial)?;
        file.write_all(&RECORD)?;
        file.sync_all()?;
        std::fs::rename(&partial, &record)?;
        sync(&self.0)
    }

    /// That record, removed so that it is gone after a power cut.
    pub fn remove(&self, volume: usize) -> io::Result<()> {
        std::fs::remove_file(self.record(volume))?;
        sync(&self.0)
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
