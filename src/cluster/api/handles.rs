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
    last: Arc<Mutex<Option<Listing>>>,
    hasher: RandomState,
}

/// What became of the last listing.
enum Listing {
    Seen(Seen),
    /// It failed at this time, for all who were waiting then: to try in turn
    /// would take the last of them too long.
    Failed(Instant, ClusterError),
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
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        match &*last {
            Some(Listing::Seen(seen)) if Instant::now() < seen.until => {
                let hash = self.hash(&volume.driver, &volume.handle);
                if seen.hashes.binary_search(&hash).is_err() {
                    return Ok(None);
                }
            }
            Some(Listing::Failed(at, error)) if *at > asked => return Err(error.clone()),
            _ => {}
        }
        // Nothing is known, or there is one, and only a list says which.
        let until = Instant::now() + KEPT;
        match self.list(client, volume).await {
            Ok((hashes, found)) => {
                *last = Some(Listing::Seen(Seen { hashes, until }));
                tokio::spawn(forget(Arc::downgrade(&self.last), until));
                Ok(found)
            }
            Err(error) => {
                *last = Some(Listing::Failed(Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The hashes of all handles, and the name of the one that is looked for.
    async fn list(
        &self,
        client: &Client,
        volume: &VolumeId,
    ) -> Result<(Vec<u64>, Option<String>), ClusterError> {
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
        Ok((hashes, found))
    }

    #[cfg(test)]
    pub(super) async fn is_empty(&self) -> bool {
        self.last.lock().await.is_none()
    }

    fn hash(&self, driver: &str, handle: &str) -> u64 {
        self.hasher.hash_one((driver, handle))
    }
}

/// Gives the memory back when its time is over.
async fn forget(last: Weak<Mutex<Option<Listing>>>, until: Instant) {
    sleep_until(until).await;
    let Some(last) = last.upgrade() else {
        return;
    };
    let mut last = last.lock().await;
    if matches!(&*last, Some(Listing::Seen(seen)) if seen.until <= until) {
        *last = None;
    }
}
