//! What kubelet and the node daemon do for pods of the node, as far as the API shows
//! it.

use std::sync::Mutex;
use std::time::Duration;

use flex2csi_testing::api;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::site::{BOOT, NAMESPACE, NODE, Site};

/// A volume that the node daemon has mounted for a pod of its name.
#[derive(Clone)]
pub struct Mounted {
    pub name: String,
    pub handle: String,
    pub pod_uid: String,
    /// Kubelet has it through CSI as well.
    taken: bool,
}

/// An image that the node cannot have.
pub const NO_IMAGE: &str = "registry.example.com/none:such";

/// The node, with what is mounted on it.
#[derive(Default)]
pub struct Kubelet {
    mounted: Mutex<Vec<Mounted>>,
}

impl Kubelet {
    /// The node daemon has mounted a volume for a pod.
    pub async fn mounts(&self, site: &Site, name: &str, handle: &str, pod: &Value) {
        self.mounted.lock().unwrap().push(Mounted {
            name: name.to_owned(),
            handle: handle.to_owned(),
            pod_uid: pod["metadata"]["uid"].as_str().unwrap().to_owned(),
            taken: false,
        });
        self.turn(site).await;
    }

    /// Whether nothing is mounted for a pod, and the node has said so.
    pub fn has_none(&self) -> bool {
        self.mounted.lock().unwrap().is_empty()
    }

    /// Works until the other is done.
    pub async fn while_it_works<T>(&self, site: &Site, done: impl Future<Output = T>) -> T {
        let work = async {
            loop {
                self.turn(site).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::select! {
            done = done => done,
            () = work => unreachable!(),
        }
    }

    async fn turn(&self, site: &Site) {
        let mut in_use = self.pins(site).await;
        let node = api::nodes(&site.admin).get(NODE).await.unwrap();
        let mounted = self.mounted.lock().unwrap().clone();
        let mut kept = Vec::new();
        for mut mount in mounted {
            let of = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"namespace": "default", "name": mount.name},
            });
            // A pod that is gone is unmounted; a volume that is CSI now is mounted so too,
            // where kubelet comes to look at the pod.
            let Some(pod) = site.get(&of).await else {
                continue;
            };
            if pod["metadata"]["deletionTimestamp"].is_string() {
                site.remove_pod("default", &mount.name).await;
                continue;
            }
            let volume = site.volume(&mount.name).await;
            mount.taken |= volume.is_some_and(|volume| {
                volume["spec"]["csi"].is_object() && volume["status"]["phase"] == "Bound"
            }) && is_attached(&node.data, &unique_name(site, &mount.handle));
            if mount.taken {
                in_use.push(unique_name(site, &mount.handle));
            }
            kept.push(mount);
        }
        self.says(site, &kept).await;
        *self.mounted.lock().unwrap() = kept;
        in_use.sort();
        in_use.dedup();
        site.patch_node(json!({"volumesInUse": in_use})).await;
    }

    /// Runs the pods that pin volumes, and gives the volumes.
    async fn pins(&self, site: &Site) -> Vec<String> {
        let of = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": NAMESPACE}});
        let pods = api::of(&site.admin, &of);
        let node = api::nodes(&site.admin).get(NODE).await.unwrap();
        let mut in_use = Vec::new();
        for pod in pods.list(&ListParams::default()).await.unwrap() {
            let name = pod.metadata.name.clone().unwrap();
            if pod.metadata.deletion_timestamp.is_some() {
                site.remove_pod(NAMESPACE, &name).await;
                continue;
            }
            // Before it knows the volume it has taken up the pod.
            let mut status = json!({"phase": "Pending", "startTime": "2026-01-01T00:00:00Z"});
            let volume = site.volume(&name).await;
            let volume = volume.filter(|volume| volume["status"]["phase"] == "Bound");
            if let (Some(volume), true) = (volume, pod.data["status"]["startTime"].is_string()) {
                let handle = volume["spec"]["csi"]["volumeHandle"].as_str().unwrap();
                let unique = unique_name(site, handle);
                in_use.push(unique.clone());
                let has_image = pod.data["spec"]["containers"][0]["image"] != NO_IMAGE;
                if is_attached(&node.data, &unique) && has_image {
                    status["phase"] = "Running".into();
                    status["conditions"] = json!([{"type": "Ready", "status": "True"}]);
                }
            }
            let patch = Patch::Merge(json!({"status": status}));
            // It may be gone meanwhile.
            let _ = pods
                .patch_status(&name, &PatchParams::default(), &patch)
                .await;
        }
        in_use
    }

    async fn says(&self, site: &Site, mounted: &[Mounted]) {
        let shim: Vec<Value> = mounted
            .iter()
            .map(|mount| {
                json!({
                    "driver": site.driver, "handle": mount.handle, "pv": mount.name,
                    "podUID": mount.pod_uid, "state": "Mounted", "csi": mount.taken,
                })
            })
            .collect();
        site.put(json!({
            "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
            "metadata": {"name": NODE},
            "bootID": BOOT, "version": "test",
            "renewTime": Timestamp::now().to_string(), "renewSeconds": 30,
            "counts": {"shim": shim.len(), "detaching": 0, "original": 0},
            "shim": shim, "original": [],
        }))
        .await;
    }
}

/// How a node calls a CSI volume.
pub fn unique_name(site: &Site, handle: &str) -> String {
    format!("kubernetes.io/csi/{}^{handle}", site.driver)
}

/// Whether the attach/detach controller has told the node that a volume is attached.
fn is_attached(node: &Value, unique: &str) -> bool {
    let attached = node["status"]["volumesAttached"].as_array();
    attached.is_some_and(|all| all.iter().any(|one| one["name"] == unique))
}
