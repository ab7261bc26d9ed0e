//! What undecided handles stand for on this node: a record each, since most
//! calls have the handle alone. Volumes with a handle of their own have none.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::CallError;
use crate::durable_file;

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

    /// The place of a handle's record. The endpoint's own handles are a prefix and
    /// a digest: anything else gets no name in our directory.
    fn place(&self, driver: &str, id: &str) -> Option<Place> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let named = id.len() <= 128 && id.bytes().all(plain);
        named.then(|| Place {
            directory: self.directory.clone(),
            file: self.directory.join(format!("{id}.json")),
            driver: driver.to_owned(),
            id: id.to_owned(),
        })
    }

    /// What a handle stands for; `None` if nothing was recorded.
    ///
    /// # Errors
    /// The record cannot be read, or is not ours.
    pub async fn read(&self, driver: &str, id: &str) -> Result<Option<String>, CallError> {
        match self.place(driver, id) {
            Some(place) => on_disk(place, Place::read).await,
            None => Ok(None),
        }
    }

    /// Records what a handle stands for, before anything is done with it.
    ///
    /// # Errors
    /// It cannot be written, or stands for something else already.
    pub async fn write(&self, driver: &str, id: &str, handle: &str) -> Result<(), CallError> {
        let Some(place) = self.place(driver, id) else {
            return Err(CallError::UnknownHandle { id: id.to_owned() });
        };
        let handle = handle.to_owned();
        on_disk(place, move |place| place.write(&handle)).await
    }
}

/// Does what waits for a disk where nobody else waits for it. Once begun it is
/// done, even if the call is given up.
async fn on_disk<T: Send + 'static>(
    place: Place,
    work: impl FnOnce(&Place) -> Result<T, CallError> + Send + 'static,
) -> Result<T, CallError> {
    let place = Arc::new(place);
    let done = tokio::task::spawn_blocking({
        let place = place.clone();
        move || work(&place)
    });
    let done = done.await;
    done.unwrap_or_else(|broken| Err(place.failed(io::Error::other(broken))))
}

/// Where the record of one handle is, or is to be.
#[derive(Debug)]
struct Place {
    directory: PathBuf,
    file: PathBuf,
    driver: String,
    id: String,
}

impl Place {
    fn read(&self) -> Result<Option<String>, CallError> {
        let found = durable_file::read::<Record>(&self.file);
        let Some(found) = found.map_err(|error| self.failed(io::Error::other(error)))? else {
            return Ok(None);
        };
        if found.driver != self.driver || found.id != self.id {
            return Err(self.failed(io::Error::other("it is of another driver or volume")));
        }
        Ok(Some(found.handle))
    }

    fn write(&self, handle: &str) -> Result<(), CallError> {
        if let Some(known) = self.read()? {
            return self.same(known, handle);
        }
        if self.write_new(handle)? {
            return Ok(());
        }
        // Another call was faster.
        match self.read()? {
            Some(known) => self.same(known, handle),
            None => Err(self.failed(io::Error::other("it was removed meanwhile"))),
        }
    }

    fn same(&self, known: String, handle: &str) -> Result<(), CallError> {
        if known == handle {
            return Ok(());
        }
        Err(CallError::OtherVolume {
            id: self.id.clone(),
            handle: known,
        })
    }

    /// Writes the record, never over one that is there; gives whether it did.
    fn write_new(&self, handle: &str) -> Result<bool, CallError> {
        let record = Record {
            driver: self.driver.clone(),
            id: self.id.clone(),
            handle: handle.to_owned(),
        };
        durable_file::make_directory(&self.directory)
            .and_then(|()| durable_file::write_new(&self.file, &record))
            .map_err(|error| self.failed(io::Error::other(error)))
    }

    fn failed(&self, error: io::Error) -> CallError {
        CallError::Record {
            id: self.id.clone(),
            file: self.file.clone(),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "flex2csi-0a1b";

    #[tokio::test]
    async fn a_record_outlives_us_and_is_only_ours() {
        let state = tempfile::tempdir().unwrap();
        let handles = || Handles::new(state.path().join("state/handles"));
        assert_eq!(handles().read("d", ID).await.unwrap(), None);
        handles().write("d", ID, "vol-1").await.unwrap();
        handles().write("d", ID, "vol-1").await.unwrap();
        let known = handles().read("d", ID).await.unwrap();
        assert_eq!(known.as_deref(), Some("vol-1"));
        let other = handles().write("d", ID, "vol-2").await.unwrap_err();
        assert!(matches!(other, CallError::OtherVolume { .. }), "{other}");
        assert!(handles().read("e", ID).await.is_err());
    }

    #[test]
    fn of_two_that_are_written_at_once_one_counts() {
        let state = tempfile::tempdir().unwrap();
        let handles = Handles::new(state.path().to_owned());
        let place = || handles.place("d", ID).unwrap();
        assert!(place().write_new("vol-1").unwrap());
        // Whoever saw no record before that.
        assert!(!place().write_new("vol-2").unwrap());
        assert_eq!(place().read().unwrap().as_deref(), Some("vol-1"));
        let names = std::fs::read_dir(state.path()).unwrap();
        assert_eq!(names.count(), 1, "nothing else is left");
    }

    #[tokio::test]
    async fn no_id_leads_out_of_the_directory() {
        let state = tempfile::tempdir().unwrap();
        let handles = Handles::new(state.path().to_owned());
        for id in ["flex2csi-../../etc/passwd", "flex2csi-\0", &"a".repeat(200)] {
            assert_eq!(handles.read("d", id).await.unwrap(), None);
            assert!(handles.write("d", id, "v").await.is_err());
        }
    }

    #[tokio::test]
    async fn a_planted_record_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let handles = Handles::new(state.path().to_owned());
        std::fs::write(state.path().join(format!("{ID}.json")), "{\"driver\":1}").unwrap();
        let error = handles.read("d", ID).await.unwrap_err();
        assert!(error.to_string().contains(ID), "{error}");
    }
}
