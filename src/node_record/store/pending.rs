//! Notes of files that are being given to a pod's group.

use std::path::Path;

use super::NodeRecord;
use crate::node_record::RecordError;
use crate::node_record::ownership::{self, PendingOwnership};

impl NodeRecord {
    /// Notes that a target's files are being given to a group.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn begin_ownership(&self, pending: PendingOwnership) -> Result<(), RecordError> {
        self.on_disk(move |shared| Ok(ownership::write(&shared.directory, &pending)?))
            .await
    }

    /// Notes that they are given, or that the target is gone.
    ///
    /// # Errors
    /// The note cannot be removed.
    pub async fn end_ownership(&self, target: &Path) -> Result<(), RecordError> {
        let target = target.to_owned();
        self.on_disk(move |shared| Ok(ownership::remove(&shared.directory, &target)?))
            .await
    }

    /// The same, at once. It waits for a disk.
    ///
    /// # Errors
    /// The note cannot be removed.
    pub fn end_ownership_now(&self, target: &Path) -> Result<(), RecordError> {
        Ok(ownership::remove(&self.shared.directory, target)?)
    }

    /// The targets whose files were being given to a group, in this boot.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub async fn pending_ownership(&self) -> Result<Vec<PendingOwnership>, RecordError> {
        self.on_disk(|shared| Ok(ownership::read_all(&shared.directory, &shared.boot_id)?))
            .await
    }

    /// That of one target.
    ///
    /// # Errors
    /// The work broke off.
    pub async fn pending_ownership_of(
        &self,
        target: &Path,
    ) -> Result<Option<PendingOwnership>, RecordError> {
        let target = target.to_owned();
        self.on_disk(move |shared| {
            let (directory, boot_id) = (&shared.directory, &shared.boot_id);
            Ok(ownership::read(directory, &target, boot_id))
        })
        .await
    }

    /// The same, at once. It waits for a disk.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn pending_ownership_now(&self) -> Result<Vec<PendingOwnership>, RecordError> {
        Ok(ownership::read_all(
            &self.shared.directory,
            &self.shared.boot_id,
        )?)
    }
}
