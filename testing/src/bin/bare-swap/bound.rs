//! Waits until the controller has done its part, by two watches for all volumes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use flex2csi_testing::api;
use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, WatchEvent, WatchParams};
use tokio::sync::Notify;

/// The finalizers that say that a deleter may still act on policy `Delete`.
const OF_DELETERS: [&str; 2] = [
    "external-provisioner.volume.kubernetes.io/finalizer",
    "kubernetes.io/pv-controller",
];

/// Long enough for the controller's own resync, many times.
const WITHIN: Duration = Duration::from_secs(90);

/// What is known of who is bound.
pub struct Bound {
    seen: Arc<Mutex<Seen>>,
    changed: Arc<Notify>,
}

/// What was last seen, by what names the object.
pub type Seen = HashMap<String, State>;

/// What was last seen of an object.
pub struct State {
    phase: String,
    uid: String,
    deletable: bool,
    version: u64,
    is_gone: bool,
}

impl Bound {
    pub async fn watch(client: &Client) -> kube::Result<Self> {
        let bound = Self {
            seen: Arc::default(),
            changed: Arc::default(),
        };
        for api in [api::volumes(client), api::claims(client)] {
            let page = api.list(&ListParams::default().limit(1)).await?;
            let version = page.metadata.resource_version.unwrap_or_default();
            let (seen, changed) = (bound.seen.clone(), bound.changed.clone());
            tokio::spawn(async move { follow(&api, version, &seen, &changed).await });
        }
        Ok(bound)
    }

    /// Waits until `is` is so.
    pub async fn until(
        &self,
        what: &'static str,
        is: impl Fn(&Seen) -> bool,
    ) -> anyhow::Result<()> {
        let waited = tokio::time::timeout(WITHIN, self.forever(is)).await;
        waited.with_context(|| format!("waited {WITHIN:?} until {what}"))
    }

    /// Whether `is` is so, as far as is known.
    pub fn is_now(&self, is: impl Fn(&Seen) -> bool) -> bool {
        self.seen.lock().is_ok_and(|seen| is(&seen))
    }

    async fn forever(&self, is: impl Fn(&Seen) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_now(&is) {
                return;
            }
            changed.await;
        }
    }
}

/// Whether an object of this uid is Bound.
pub fn is_bound(seen: &Seen, key: &str, uid: &str) -> bool {
    let state = seen.get(key);
    state.is_some_and(|state| state.phase == "Bound" && state.uid == uid)
}

/// Whether the object of this uid is gone.
pub fn is_gone(seen: &Seen, key: &str, uid: &str) -> bool {
    let state = seen.get(key);
    state.is_some_and(|state| state.uid == uid && state.is_gone)
}

/// Whether no deleter held the volume at this version or later.
pub fn is_let_go(seen: &Seen, key: &str, version: u64) -> bool {
    let state = seen.get(key);
    state.is_some_and(|state| state.version >= version && !state.deletable)
}

/// Whether a deleter holds the volume.
pub fn is_deletable(metadata: &ObjectMeta) -> bool {
    let mut finalizers = metadata.finalizers.iter().flatten();
    finalizers.any(|name| OF_DELETERS.contains(&name.as_str()))
}

/// How objects are called here: claims by namespace and name.
pub fn key(namespace: Option<&str>, name: &str) -> String {
    format!("{}/{name}", namespace.unwrap_or_default())
}

async fn follow(
    api: &Api<DynamicObject>,
    mut version: String,
    seen: &Mutex<Seen>,
    changed: &Notify,
) {
    loop {
        let Ok(stream) = api.watch(&WatchParams::default(), &version).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let mut stream = std::pin::pin!(stream);
        while let Some(Ok(event)) = stream.next().await {
            let is_gone = matches!(event, WatchEvent::Deleted(_));
            let (WatchEvent::Added(object)
            | WatchEvent::Modified(object)
            | WatchEvent::Deleted(object)) = event
            else {
                continue;
            };
            let metadata = &object.metadata;
            version = metadata.resource_version.clone().unwrap_or_default();
            let name = metadata.name.as_deref().unwrap_or_default();
            let key = key(metadata.namespace.as_deref(), name);
            let phase = object.data["status"]["phase"].as_str().unwrap_or_default();
            let state = State {
                phase: phase.to_owned(),
                uid: metadata.uid.clone().unwrap_or_default(),
                deletable: is_deletable(metadata),
                version: version.parse().unwrap_or(0),
                is_gone,
            };
            if let Ok(mut seen) = seen.lock() {
                seen.insert(key, state);
            }
            changed.notify_waiters();
        }
    }
}
