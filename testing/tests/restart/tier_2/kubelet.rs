//! The kubelet and the node daemon of the one node, as far as the cluster sees them: pods
//! become ready, what they have mounted is published, and pods that are to go, go. Their
//! mounts stay a while longer, as those of pods that are deleted by force do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flex2csi_testing::Cluster;
use kube::Client;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::site::{NODE, api};

/// How much longer something is mounted than its pod is there.
const LINGERS: Duration = Duration::from_millis(600);
const DRIVER: &str = "oracle/oci";

/// A running kubelet, until it is dropped.
pub struct Kubelet {
    task: tokio::task::JoinHandle<()>,
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A pod's mount of a volume.
struct Mount {
    volume: String,
    uid: String,
    gone: Option<Instant>,
}

impl Kubelet {
    /// Starts it.
    pub fn start(cluster: &Cluster) -> Self {
        let wrong: Arc<Mutex<Vec<String>>> = Arc::default();
        let (client, seen) = (cluster.client().unwrap(), Arc::clone(&wrong));
        let task = tokio::spawn(async move {
            let mut mounts = BTreeMap::new();
            loop {
                sync(&client, &mut mounts, &seen).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Self { task, wrong }
    }

    /// No volume was ever replaced while it was mounted.
    pub fn assert_undisturbed(&self) {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(!self.task.is_finished(), "the kubelet has ended");
    }
}

async fn sync(
    client: &Client,
    mounts: &mut BTreeMap<(String, String), Mount>,
    wrong: &Mutex<Vec<String>>,
) {
    let pods = api(client, "v1", "Pod", None);
    // The server may be busy: the next round sees the same.
    let Ok(listed) = pods.list(&ListParams::default()).await else {
        return;
    };
    let claims = api(client, "v1", "PersistentVolumeClaim", None);
    let Ok(claims) = claims.list(&ListParams::default()).await else {
        return;
    };
    let volume_of = |namespace: &str, claim: &Value| {
        let mut claims = claims.items.iter();
        let found = claims.find(|found| {
            found.metadata.namespace.as_deref() == Some(namespace)
                && found.metadata.name.as_deref() == claim.as_str()
        })?;
        found.data["spec"]["volumeName"].as_str().map(str::to_owned)
    };
    for mount in mounts.values_mut() {
        mount.gone.get_or_insert_with(Instant::now);
    }
    for pod in &listed.items {
        let pod = serde_json::to_value(pod).unwrap();
        let text = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
        let (namespace, name, uid) = (text("namespace"), text("name"), text("uid"));
        if pod["spec"]["nodeName"] != NODE {
            continue;
        }
        if pod["metadata"]["deletionTimestamp"].is_string() {
            let pods = api(client, "v1", "Pod", Some(&namespace));
            let now = DeleteParams::default().grace_period(0);
            let _ = pods.delete(&name, &now).await;
            continue;
        }
        let volumes = pod["spec"]["volumes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let named = volumes
            .iter()
            .map(|volume| &volume["persistentVolumeClaim"]["claimName"]);
        let named: Vec<&Value> = named.filter(|claim| claim.is_string()).collect();
        let found: Vec<String> = named
            .iter()
            .filter_map(|claim| volume_of(&namespace, claim))
            .collect();
        // As kubelet does, it waits for all of them.
        if found.len() < named.len() {
            continue;
        }
        for volume in found {
            let key = (uid.clone(), volume.clone());
            let mount = Mount {
                volume,
                uid: uid.clone(),
                gone: None,
            };
            mounts.insert(key, mount);
        }
        if pod["status"]["phase"] == "Pending" {
            run(client, &namespace, &name).await;
        }
    }
    mounts.retain(|_, mount| mount.gone.is_none_or(|gone| gone.elapsed() < LINGERS));
    publish(client, mounts, wrong).await;
}

async fn run(client: &Client, namespace: &str, name: &str) {
    let status = json!({"status": {
        "phase": "Running",
        "conditions": [{
            "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z",
        }],
    }});
    let pods = api(client, "v1", "Pod", Some(namespace));
    let patch = Patch::Merge(status);
    let _ = pods
        .patch_status(name, &PatchParams::default(), &patch)
        .await;
}

/// Says what is mounted: of legacy volumes, through the legacy driver.
async fn publish(
    client: &Client,
    mounts: &mut BTreeMap<(String, String), Mount>,
    wrong: &Mutex<Vec<String>>,
) {
    let volumes = api(client, "v1", "PersistentVolume", None);
    let Ok(volumes) = volumes.list(&ListParams::default()).await else {
        return;
    };
    let is_legacy = |name: &str| {
        let mut volumes = volumes.items.iter();
        let found = volumes.find(|found| found.metadata.name.as_deref() == Some(name));
        found.is_some_and(|found: &DynamicObject| found.data["spec"]["flexVolume"].is_object())
    };
    let published = api(client, "flex2csi.io/v1alpha1", "NodeVolumes", None);
    let Ok(before) = published.get(NODE).await else {
        return;
    };
    let was_published = |mount: &Mount| {
        let mut original = before.data["original"].as_array().into_iter().flatten();
        original.any(|one| one["podUID"] == *mount.uid && one["pv"] == *mount.volume)
    };
    let mut original = Vec::new();
    for mount in mounts.values() {
        if is_legacy(&mount.volume) {
            original.push(json!({"driver": DRIVER, "pv": mount.volume, "podUID": mount.uid}));
        } else if was_published(mount) {
            let what = format!(
                "{} was replaced while pod {} had it mounted",
                mount.volume, mount.uid
            );
            wrong.lock().unwrap().push(what);
        }
    }
    let said = json!({"original": original, "counts": {"original": original.len()}});
    if before.data["original"] != said["original"] {
        let patch = Patch::Merge(said);
        let _ = published.patch(NODE, &PatchParams::default(), &patch).await;
    }
}
