//! News of volumes and claims, so that nobody has to look for them again and again.
//!
//! It only wakes whoever waits. Without it, or where it misses something, they look
//! by themselves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use http::header::ACCEPT;
use kube::Client;
use kube::core::WatchEvent;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;

use crate::rewrite::{Place, Resource};

/// Names and versions are enough.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// How often somebody looks who is told.
const LOOK: Duration = Duration::from_millis(250);

/// Between two attempts to watch.
const AGAIN: Duration = Duration::from_secs(1);

/// The volumes and claims of a cluster.
#[derive(Debug)]
pub struct Watch {
    known: Arc<Known>,
    // They end with it.
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Known {
    waiting: Mutex<HashMap<Place, Arc<Notify>>>,
    volumes: AtomicBool,
    claims: AtomicBool,
}

#[derive(Debug, Clone, Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    namespace: String,
    resource_version: String,
}

impl Watch {
    /// One that sees nothing.
    #[cfg(test)]
    pub fn blind() -> Self {
        Self {
            known: Arc::default(),
            _tasks: JoinSet::new(),
        }
    }

    /// Begins to watch.
    pub fn start(client: &Client) -> Self {
        let known = Arc::new(Known::default());
        let mut tasks = JoinSet::new();
        for resource in [Resource::PersistentVolume, Resource::Claim] {
            let (client, known) = (client.clone(), Arc::clone(&known));
            tasks.spawn(async move {
                loop {
                    if let Err(error) = known.follow(&client, resource).await {
                        tracing::debug!(%error, ?resource, "no watch");
                    }
                    known.lives(resource).store(false, Ordering::Relaxed);
                    tokio::time::sleep(AGAIN).await;
                }
            });
        }
        Self {
            known,
            _tasks: tasks,
        }
    }

    /// Waits until an object may have changed, for about `longest`.
    pub async fn moved(&self, place: &Place, longest: Duration) {
        let notify = {
            let mut waiting = self.known.waiting();
            Arc::clone(waiting.entry(place.clone()).or_default())
        };
        let is_told = self.known.lives(place.resource).load(Ordering::Relaxed);
        let longest = if is_told { longest.max(LOOK) } else { longest };
        // Nobody came: one looks by oneself.
        let _ = tokio::time::timeout(longest, notify.notified()).await;
    }

    /// Nobody waits for an object any more.
    pub fn forget(&self, place: &Place) {
        self.known.waiting().remove(place);
    }
}

impl Known {
    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Arc<Notify>>> {
        // Whole entries, whoever panicked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lives(&self, resource: Resource) -> &AtomicBool {
        match resource {
            Resource::Claim => &self.claims,
            _ => &self.volumes,
        }
    }

    /// Watches until the server ends it.
    async fn follow(&self, client: &Client, resource: Resource) -> Result<(), kube::Error> {
        let collection = Place::of_cluster(resource, "").collection();
        let ask = |query: String, accept| {
            let request = Request::get(format!("{collection}?{query}")).header(ACCEPT, accept);
            request.body(Vec::new()).map_err(kube::Error::HttpError)
        };
        let list = ask("limit=1".to_owned(), METADATA_LIST)?;
        let list: Object = client.request(list).await?;
        let version = list.metadata.resource_version;
        let query = format!("watch=true&timeoutSeconds=290&resourceVersion={version}");
        let events = client
            .request_events::<Object>(ask(query, METADATA)?)
            .await?;
        let mut events = std::pin::pin!(events);
        self.lives(resource).store(true, Ordering::Relaxed);
        while let Some(event) = events.next().await {
            let object = match event? {
                WatchEvent::Added(object)
                | WatchEvent::Modified(object)
                | WatchEvent::Deleted(object) => object,
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(_) => return Ok(()),
            };
            let place = Place {
                resource,
                namespace: object.metadata.namespace,
                name: object.metadata.name,
            };
            if let Some(notify) = self.waiting().get(&place) {
                notify.notify_one();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn news_that_come_before_somebody_waits_are_not_lost() {
        let watch = Watch::blind();
        let place = Place::of_cluster(Resource::PersistentVolume, "a");
        let began = Instant::now();
        watch.moved(&place, Duration::from_secs(1)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        watch.known.waiting().get(&place).unwrap().notify_one();
        watch.moved(&place, Duration::from_secs(1)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        watch.forget(&place);
        assert!(watch.known.waiting().is_empty());
    }
}
