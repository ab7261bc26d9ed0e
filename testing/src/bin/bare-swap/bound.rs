//! Waits until both sides are bound, by two watches for all volumes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use flex2csi_testing::api;
use futures::StreamExt;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, WatchEvent, WatchParams};
use tokio::sync::Notify;

/// What is known of who is bound.
pub struct Bound {
    phases: Arc<Mutex<Phases>>,
    changed: Arc<Notify>,
}

/// Phase and uid, by what names the object.
type Phases = HashMap<String, (String, String)>;

impl Bound {
    pub async fn watch(client: &Client) -> kube::Result<Self> {
        let bound = Self {
            phases: Arc::default(),
            changed: Arc::default(),
        };
        for api in [api::volumes(client), api::claims(client)] {
            let page = api.list(&ListParams::default().limit(1)).await?;
            let version = page.metadata.resource_version.unwrap_or_default();
            let (phases, changed) = (bound.phases.clone(), bound.changed.clone());
            tokio::spawn(async move { follow(&api, version, &phases, &changed).await });
        }
        Ok(bound)
    }

    /// Waits until the object `is_bound`; the phase that it had before is what
    /// decides nothing.
    pub async fn until(&self, is_bound: impl Fn(&Phases) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.phases.lock().is_ok_and(|phases| is_bound(&phases)) {
                return;
            }
            changed.await;
        }
    }
}

/// Whether an object of this uid is Bound.
pub fn is_bound(phases: &Phases, key: &str, uid: &str) -> bool {
    let found = phases.get(key);
    found.is_some_and(|(phase, found)| phase == "Bound" && found == uid)
}

/// How objects are called here: claims by namespace and name.
pub fn key(namespace: Option<&str>, name: &str) -> String {
    format!("{}/{name}", namespace.unwrap_or_default())
}

async fn follow(
    api: &Api<DynamicObject>,
    mut version: String,
    phases: &Mutex<Phases>,
    changed: &Notify,
) {
    loop {
        let Ok(stream) = api.watch(&WatchParams::default(), &version).await else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let mut stream = std::pin::pin!(stream);
        while let Some(Ok(event)) = stream.next().await {
            let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = event else {
                continue;
            };
            let metadata = &object.metadata;
            version = metadata.resource_version.clone().unwrap_or_default();
            let name = metadata.name.as_deref().unwrap_or_default();
            let key = key(metadata.namespace.as_deref(), name);
            let phase = object.data["status"]["phase"].as_str().unwrap_or_default();
            let entry = (phase.to_owned(), metadata.uid.clone().unwrap_or_default());
            if let Ok(mut phases) = phases.lock() {
                phases.insert(key, entry);
            }
            changed.notify_waiters();
        }
    }
}
