//! A stand-in for a driver's external-provisioner: it deletes what it may delete.
//!
//! As the real one does (sig-storage-lib-external-provisioner,
//! controller/controller.go, `syncVolume`, `shouldDelete`), it puts its finalizer
//! on bound volumes with policy `Delete`, takes it off those that are `Retain`,
//! and has the backend delete the data of a volume that is `Released` and
//! `Delete`. It acts on what it last saw, which is old: that is what the rewrite's
//! wait for the finalizer is for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

use crate::api;

/// The finalizer of volumes that it may have to delete.
pub const FINALIZER: &str = "external-provisioner.volume.kubernetes.io/finalizer";

/// Who made a volume, in its annotations.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// Runs until it is dropped, for every driver at once.
#[derive(Debug)]
pub struct Provisioner {
    deleted: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Provisioner {
    /// Starts one that acts on what it saw `behind` ago.
    #[must_use]
    pub fn start(client: &Client, behind: Duration) -> Self {
        let deleted = Arc::new(Mutex::new(Vec::new()));
        let volumes = api::volumes(client);
        let task = tokio::spawn(work(volumes, behind, deleted.clone()));
        Self { deleted, task }
    }

    /// The volumes whose data it had deleted.
    #[must_use]
    pub fn deleted(&self) -> Vec<String> {
        let deleted = self.deleted.lock();
        deleted.map(|deleted| deleted.clone()).unwrap_or_default()
    }
}

impl Drop for Provisioner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn work(volumes: Api<DynamicObject>, behind: Duration, deleted: Arc<Mutex<Vec<String>>>) {
    // From the beginning: the first events are of what is there already.
    let mut version = "0".to_owned();
    loop {
        if let Ok(stream) = volumes.watch(&WatchParams::default(), &version).await {
            let mut stream = std::pin::pin!(stream);
            while let Some(Ok(event)) = stream.next().await {
                let (WatchEvent::Added(volume) | WatchEvent::Modified(volume)) = event else {
                    continue;
                };
                version = volume.metadata.resource_version.clone().unwrap_or_default();
                let (volumes, deleted) = (volumes.clone(), deleted.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(behind).await;
                    act(&volumes, &volume, &deleted).await;
                });
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Does what the volume asks for, as it was.
async fn act(volumes: &Api<DynamicObject>, volume: &DynamicObject, deleted: &Mutex<Vec<String>>) {
    let name = volume.metadata.name.as_deref().unwrap_or_default();
    let none = BTreeMap::new();
    let annotations = volume.metadata.annotations.as_ref().unwrap_or(&none);
    // In-tree volumes are the controller-manager's.
    let of_a_driver = volume.data["spec"]["csi"].is_object();
    if !of_a_driver || !annotations.contains_key(PROVISIONED_BY) {
        return;
    }
    let deletes = volume.data["spec"]["persistentVolumeReclaimPolicy"] == "Delete";
    let phase = &volume.data["status"]["phase"];
    let finalizers = volume.metadata.finalizers.iter().flatten();
    let others: Vec<&String> = finalizers.filter(|name| *name != FINALIZER).collect();
    let all = volume.metadata.finalizers.as_ref().map_or(0, Vec::len);
    let holds = others.len() < all;
    if deletes && phase == "Released" {
        if let Ok(mut deleted) = deleted.lock() {
            deleted.push(name.to_owned());
        }
    } else if deletes && !holds && phase == "Bound" && volume.metadata.deletion_timestamp.is_none()
    {
        let mut with: Vec<Value> = others.iter().map(|name| json!(name)).collect();
        with.push(json!(FINALIZER));
        set(volumes, volume, name, &json!(with)).await;
    } else if !deletes && holds {
        set(volumes, volume, name, &json!(others)).await;
    }
}

/// Fails where the volume is another by now; then it acts on that one later.
async fn set(volumes: &Api<DynamicObject>, volume: &DynamicObject, name: &str, finalizers: &Value) {
    let patch = json!({ "metadata": {
        "resourceVersion": volume.metadata.resource_version,
        "finalizers": finalizers,
    }});
    let parameters = PatchParams::apply("external-provisioner");
    let patch = Patch::Merge(&patch);
    volumes.patch(name, &parameters, &patch).await.ok();
}
