//! Records that are not trusted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::NodeRecord;
use crate::cluster::VolumeId;
use crate::node_record::RecordError;
use crate::node_record::file::read;
use crate::node_record::index::Index;
use crate::node_record::place::file_name;
use crate::node_record::record::VolumeRecord;

/// A record that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl NodeRecord {
    /// The files that are not trusted.
    pub fn refused(&self) -> Vec<Refused> {
        let index = self.shared.index();
        let refused = index.refused.values();
        refused
            .map(|(file, why)| Refused {
                file: file.clone(),
                why: why.clone(),
            })
            .collect()
    }

    /// Says that a volume's record is not trusted, if it still is so: the file may
    /// have been put right.
    ///
    /// # Errors
    /// It is not.
    pub async fn check(&self, volume: &VolumeId) -> Result<(), RecordError> {
        let name = file_name(volume);
        if !self.shared.index().refused.contains_key(&name) {
            return Ok(());
        }
        self.on_disk(move |shared| {
            let path = shared.directory.join(&name);
            let mut index = shared.index();
            take_in(&mut index, &path, name.clone(), &shared.root);
            match index.refused.get(&name) {
                None => Ok(()),
                Some((file, why)) => Err(RecordError::Refused {
                    file: file.clone(),
                    why: why.clone(),
                }),
            }
        })
        .await
    }

    /// Reads again what is not trusted; gives what is trusted now.
    ///
    /// # Errors
    /// The work broke off.
    pub async fn check_refused(&self) -> Result<Vec<Arc<VolumeRecord>>, RecordError> {
        if self.shared.index().refused.is_empty() {
            return Ok(Vec::new());
        }
        self.on_disk(|shared| {
            let mut index = shared.index();
            let refused: Vec<_> = index.refused.clone().into_iter().collect();
            let taken = refused
                .into_iter()
                .filter_map(|(name, (path, _))| take_in(&mut index, &path, name, &shared.root));
            Ok(taken.collect())
        })
        .await
    }
}

/// Reads a file into the index, or refuses it. One that is gone is neither.
pub(super) fn take_in(
    index: &mut Index,
    path: &Path,
    name: String,
    root: &Path,
) -> Option<Arc<VolumeRecord>> {
    let before = index.refused.remove(&name);
    let taken = read(path, &name, root).and_then(|record| {
        let Some(record) = record.map(Arc::new) else {
            return Ok(None);
        };
        index.check(&record).map_err(|error| error.to_string())?;
        index.put(record.clone());
        Ok(Some(record))
    });
    match taken {
        Ok(taken) => {
            if before.is_some() {
                tracing::info!(file = %path.display(), "a record was put right, or removed");
            }
            taken
        }
        Err(why) => {
            if before.is_none_or(|(_, said)| said != why) {
                tracing::error!(file = %path.display(), %why, "a record is not trusted, its volume is left alone");
            }
            index.refused.insert(name, (path.to_owned(), why));
            None
        }
    }
}
