//! Which PersistentVolume in CSI form has a handle.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kube::Client;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::super::{ClusterError, VolumeId};
use super::list::List;

/// How long a listing counts: calls that come together share one.
const KEPT: Duration = Duration::from_secs(30);

/// The handles of all PersistentVolumes in CSI form, for a short time.
#[derive(Default)]
pub(super) struct Handles {
    /// Held while it is listed, so that others wait for the same list.
    seen: Arc<Mutex<Option<Seen>>>,
    hasher: RandomState,
}

/// Eight bytes for each handle: a hundred thousand are less than a MiB.
struct Seen {
    /// Sorted.
    hashes: Vec<u64>,
    until: Instant,
}

/// What is read of a PersistentVolume.
#[derive(Deserialize)]
struct Volume {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
struct Spec {
    csi: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    driver: String,
    #[serde(rename = "volumeHandle")]
    handle: String,
}

impl Source {
    fn is(&self, volume: &VolumeId) -> bool {
        self.driver == volume.driver && self.handle == volume.handle
    }
}

impl Handles {
    /// The name of the PersistentVolume that has a driver and handle.
    pub(super) async fn find(
        &self,
        client: &Client,
        volume: &VolumeId,
    ) -> Result<Option<String>, ClusterError> {
        let mut seen = self.seen.lock().await;
        if let Some(known) = seen.as_ref().filter(|seen| Instant::now() < seen.until) {
            let hash = self.hash(&volume.driver, &volume.handle);
            if known.hashes.binary_search(&hash).is_err() {
                return Ok(None);
            }
        }
        // Nothing is known, or there is one, and only a list says which.
        let began = Instant::now();
        let mut hashes = Vec::new();
        let mut found = None;
        let list = List::persistent_volumes();
        list.each(client, |pv: Volume| {
            let Some(source) = pv.spec.csi else {
                return;
            };
            hashes.push(self.hash(&source.driver, &source.handle));
            if source.is(volume) {
                found = Some(pv.metadata.name);
            }
        })
        .await?;
        hashes.sort_unstable();
        let until = began + KEPT;
        *seen = Some(Seen { hashes, until });
        tokio::spawn(forget(Arc::downgrade(&self.seen), until));
        Ok(found)
    }

    #[cfg(test)]
    pub(super) async fn is_empty(&self) -> bool {
        self.seen.lock().await.is_none()
    }

    fn hash(&self, driver: &str, handle: &str) -> u64 {
        self.hasher.hash_one((driver, handle))
    }
}

/// Gives the memory back when its time is over.
async fn forget(seen: Weak<Mutex<Option<Seen>>>, until: Instant) {
    sleep_until(until).await;
    let Some(seen) = seen.upgrade() else {
        return;
    };
    let mut seen = seen.lock().await;
    if seen.as_ref().is_some_and(|seen| seen.until <= until) {
        *seen = None;
    }
}
