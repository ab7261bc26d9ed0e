//! The records of one kind of object, a file each, in one directory.

use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::id::{Id, Object};
use super::lock::{Guard, Share};
use super::record_file;

/// What is recorded.
pub(super) trait Record: Serialize + DeserializeOwned {
    /// What it is a record of.
    const OBJECT: Object;
    /// The id of what it is a record of.
    fn id(&self) -> &Id;
}

/// Begins every token of a page, so that no other text is one.
const TOKEN: &str = "after:";

const SUFFIX: &str = ".json";

/// A directory of records.
#[derive(Debug)]
pub(super) struct Records<T> {
    directory: PathBuf,
    locks: PathBuf,
    of: PhantomData<fn() -> T>,
}

/// Some records, and where to go on.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub records: Vec<T>,
    /// Empty at the end.
    pub next_token: String,
}

impl<T: Record> Records<T> {
    /// The records in a directory, which is made if it is not there.
    pub(super) fn open(directory: PathBuf) -> Result<Self, Error> {
        let locks = directory.join("locks");
        fs_err::create_dir_all(&locks).map_err(Error::io("create", &locks))?;
        Ok(Self {
            directory,
            locks,
            of: PhantomData,
        })
    }

    /// A record, if it is there.
    pub(super) fn find(&self, id: &Id) -> Result<Option<T>, Error> {
        let path = self.path(&id.file_name());
        let record: Option<T> = record_file::read(&path)?;
        match record {
            Some(record) if record.id() != id => Err(Error::Record {
                path,
                why: format!("it is of {} {}, not of {id}", T::OBJECT, record.id()),
            }),
            record => Ok(record),
        }
    }

    /// A record that has to be there.
    pub(super) fn get(&self, id: &Id) -> Result<T, Error> {
        self.find(id)?.ok_or_else(|| Self::unknown(id))
    }

    /// Why there is no such record.
    pub(super) fn unknown(id: &Id) -> Error {
        Error::Unknown {
            object: T::OBJECT,
            id: id.as_str().to_owned(),
        }
    }

    /// Takes the lock of what may or may not be there.
    pub(super) fn lock(&self, id: &Id, share: Share) -> Result<Guard, Error> {
        let path = self.locks.join(id.file_name());
        Guard::take(&path, share, T::OBJECT, id)
    }

    /// Takes the lock of what is there, and reads its record.
    pub(super) fn lock_known(&self, id: &Id, share: Share) -> Result<(Guard, T), Error> {
        // Looked at first, so that unknown ids leave no locks behind.
        self.get(id)?;
        let guard = self.lock(id, share)?;
        match self.find(id)? {
            Some(record) => Ok((guard, record)),
            None => {
                if share == Share::Exclusive {
                    guard.retire()?;
                }
                Err(Self::unknown(id))
            }
        }
    }

    /// Records, durably. The guard is the record's own.
    pub(super) fn put(&self, _: &Guard, record: &T) -> Result<(), Error> {
        record_file::write(&self.path(&record.id().file_name()), record)
    }

    /// Forgets, durably. The guard is the record's own and goes with it.
    pub(super) fn remove(&self, guard: Guard, id: &Id) -> Result<(), Error> {
        record_file::remove(&self.path(&id.file_name()))?;
        guard.retire()
    }

    /// Every record, in the order of ids' file names.
    pub(super) fn all(&self) -> Result<Vec<T>, Error> {
        Ok(self.page("", 0, |_| true)?.records)
    }

    /// At most `max_entries` (0: all) of the records that match, from a token on.
    /// A token stays good whatever is added and removed meanwhile.
    pub(super) fn page(
        &self,
        token: &str,
        max_entries: i32,
        matches: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, Error> {
        let most = usize::try_from(max_entries)
            .map_err(|_| Error::invalid("max_entries", "is negative"))?;
        let after = match token {
            "" => "",
            token => token
                .strip_prefix(TOKEN)
                .ok_or_else(|| Error::Token(token.to_owned()))?,
        };
        let mut names = self.names()?;
        names.retain(|name| name.as_str() > after);
        names.sort_unstable();
        let mut records = Vec::new();
        let mut last = String::new();
        for name in names {
            // Removed since its name was read: it is no more.
            let Some(record) = record_file::read(&self.path(&name))? else {
                continue;
            };
            if !matches(&record) {
                continue;
            }
            if most > 0 && records.len() == most {
                let next_token = format!("{TOKEN}{last}");
                return Ok(Page {
                    records,
                    next_token,
                });
            }
            records.push(record);
            last = name;
        }
        Ok(Page {
            records,
            next_token: String::new(),
        })
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in self.directory.read_dir()? {
                let name = entry?.file_name();
                if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)) {
                    names.push(name.to_owned());
                }
            }
            Ok(names)
        };
        read().map_err(Error::io("list", &self.directory))
    }

    // Not `with_extension`: an id may have dots.
    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}{SUFFIX}"))
    }
}

#[cfg(test)]
mod tests;
