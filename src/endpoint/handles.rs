//! What undecided handles stand for on this node: a record each, since most
//! calls have the handle alone. Volumes with a handle of their own have none.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::CallError;

/// The records of one driver.
#[derive(Debug, Clone)]
pub struct Handles {
    directory: PathBuf,
}

/// What is written down of an undecided handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    /// The CSI driver that has the volume.
    driver: String,
    /// The handle as the PersistentVolume has it.
    id: String,
    /// The handle as the driver has it.
    handle: String,
}

impl Handles {
    /// The records that are kept in a directory; it is made when it is needed.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The record of a handle. The endpoint's own handles are a prefix and a
    /// digest: anything else gets no name in our directory.
    fn file(&self, id: &str) -> Option<PathBuf> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let named = id.len() <= 128 && id.bytes().all(plain);
        named.then(|| self.directory.join(format!("{id}.json")))
    }

    /// What a handle stands for; `None` if nothing was recorded.
    ///
    /// # Errors
    /// The record cannot be read, or is not ours.
    pub fn read(&self, driver: &str, id: &str) -> Result<Option<String>, CallError> {
        let Some(file) = self.file(id) else {
            return Ok(None);
        };
        let text = match fs_err::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(record(id, &file, error)),
        };
        let found: Record =
            serde_json::from_slice(&text).map_err(|error| record(id, &file, error.into()))?;
        if found.driver != driver || found.id != id {
            let error = io::Error::other("it is of another driver or volume");
            return Err(record(id, &file, error));
        }
        Ok(Some(found.handle))
    }

    /// Records what a handle stands for, before anything is done with it.
    ///
    /// # Errors
    /// It cannot be written, or stands for something else already.
    pub fn write(&self, driver: &str, id: &str, handle: &str) -> Result<(), CallError> {
        match self.read(driver, id)? {
            Some(known) if known == handle => return Ok(()),
            Some(known) => {
                return Err(CallError::OtherVolume {
                    id: id.to_owned(),
                    handle: known,
                });
            }
            None => {}
        }
        let Some(file) = self.file(id) else {
            return Err(CallError::UnknownHandle { id: id.to_owned() });
        };
        let new = Record {
            driver: driver.to_owned(),
            id: id.to_owned(),
            handle: handle.to_owned(),
        };
        self.write_durably(&file, &new)
            .map_err(|error| record(id, &file, error))
    }

    /// [`write`](Self::write), without keeping other calls from going on while the
    /// disk is slow.
    ///
    /// # Errors
    /// As `write`.
    pub async fn record(self, driver: &str, id: &str, handle: &str) -> Result<(), CallError> {
        if self.read(driver, id)?.as_deref() == Some(handle) {
            return Ok(());
        }
        let directory = self.directory.clone();
        let [driver, named, handle] = [driver, id, handle].map(str::to_owned);
        let written = tokio::task::spawn_blocking(move || self.write(&driver, &named, &handle));
        let broke_off = |error| record(id, &directory, io::Error::other(error));
        written.await.map_err(broke_off)?
    }

    fn write_durably(&self, file: &Path, new: &Record) -> io::Result<()> {
        fs_err::create_dir_all(&self.directory)?;
        let mut written = tempfile::NamedTempFile::new_in(&self.directory)?;
        serde_json::to_writer(&mut written, new)?;
        written.flush()?;
        written.as_file().sync_all()?;
        written.persist(file)?;
        fs_err::File::open(&self.directory)?.sync_all()
    }
}

fn record(id: &str, file: &Path, error: io::Error) -> CallError {
    CallError::Record {
        id: id.to_owned(),
        file: file.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "flex2csi-0a1b";

    #[test]
    fn a_record_outlives_us_and_is_only_ours() {
        let state = tempfile::tempdir().unwrap();
        let handles = || Handles::new(state.path().join("handles"));
        assert_eq!(handles().read("d", ID).unwrap(), None);
        handles().write("d", ID, "vol-1").unwrap();
        handles().write("d", ID, "vol-1").unwrap();
        assert_eq!(handles().read("d", ID).unwrap().as_deref(), Some("vol-1"));
        let other = handles().write("d", ID, "vol-2").unwrap_err();
        assert!(matches!(other, CallError::OtherVolume { .. }), "{other}");
        assert!(handles().read("e", ID).is_err());
    }

    #[test]
    fn no_id_leads_out_of_the_directory() {
        let state = tempfile::tempdir().unwrap();
        let handles = Handles::new(state.path().to_owned());
        for id in ["flex2csi-../../etc/passwd", "flex2csi-\0", &"a".repeat(200)] {
            assert_eq!(handles.read("d", id).unwrap(), None);
            assert!(handles.write("d", id, "v").is_err());
        }
    }

    #[test]
    fn a_planted_record_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let handles = Handles::new(state.path().to_owned());
        std::fs::write(state.path().join(format!("{ID}.json")), "{\"driver\":1}").unwrap();
        let error = handles.read("d", ID).unwrap_err();
        assert!(error.to_string().contains(ID), "{error}");
    }
}
