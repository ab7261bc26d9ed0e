//! Kubelet and scheduler, played: every pod of flex2csi is put on the node, is ready,
//! and ends when it is deleted. The pod of the rewrite's Job is run: its program, with
//! its arguments, its ConfigMaps and its account's rights.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flex2csi_testing::{Cluster, programs};
use http::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const NODE: &str = "node-1";
const EVERY: Duration = Duration::from_millis(100);

/// Played until it is dropped.
pub struct Kubelet(JoinHandle<()>);

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Kubelet {
    pub fn play(cluster: Arc<Cluster>) -> Self {
        Self(tokio::spawn(async move {
            loop {
                for namespace in ["flex2csi-system", "flex2csi-rewrite"] {
                    // What is refused now is tried again: it is played by looking.
                    let _ = look(&cluster, namespace).await;
                }
                tokio::time::sleep(EVERY).await;
            }
        }))
    }
}

async fn look(cluster: &Cluster, namespace: &str) -> Result<(), kube::Error> {
    let client = cluster.client().unwrap();
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for pod in pods.list(&ListParams::default()).await? {
        let pod = serde_json::to_value(&pod).unwrap();
        let name = pod["metadata"]["name"].as_str().unwrap();
        if pod["metadata"].get("deletionTimestamp").is_some() {
            let now = DeleteParams::default().grace_period(0);
            pods.delete(name, &now).await?;
        } else if pod["spec"].get("nodeName").is_none() {
            let bound = json!({
                "apiVersion": "v1", "kind": "Binding",
                "metadata": { "name": name, "namespace": namespace },
                "target": { "kind": "Node", "name": NODE },
            });
            let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/binding");
            let request = Request::post(path)
                .header("content-type", "application/json")
                .body(bound.to_string().into_bytes())
                .unwrap();
            client.request_text(request).await?;
        } else if pod["status"]["phase"] == "Pending" {
            let status = if namespace == "flex2csi-rewrite" {
                ran(cluster, &pod).await
            } else {
                if name.starts_with("flex2csi-node") {
                    publish(cluster).await;
                }
                running(&pod)
            };
            let patch = Patch::Merge(json!({ "status": status }));
            pods.patch_status(name, &PatchParams::default(), &patch)
                .await?;
        }
    }
    Ok(())
}

fn running(pod: &Value) -> Value {
    let container = &pod["spec"]["containers"][0];
    json!({
        "phase": "Running",
        "conditions": [
            { "type": "Ready", "status": "True", "lastTransitionTime": now() },
            { "type": "ContainersReady", "status": "True", "lastTransitionTime": now() },
        ],
        "containerStatuses": [{
            "name": container["name"], "image": container["image"], "imageID": "", "ready": true,
            "restartCount": 0, "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } },
        }],
    })
}

/// What the node daemon says of a node where nothing is mounted; for longer than a test.
async fn publish(cluster: &Cluster) {
    let said = json!({
        "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
        "metadata": { "name": NODE },
        "bootID": "played", "version": "0.0.0", "renewTime": now(), "renewSeconds": 3600,
        "counts": { "shim": 0, "detaching": 0, "original": 0 },
        "shim": [], "original": [],
    });
    let said = flex2csi_testing::applied::applied(cluster, [said]).await;
    said.unwrap();
}

fn now() -> String {
    k8s_openapi::jiff::Timestamp::now().to_string()
}

/// Runs the Job's program to its end, as its pod.
async fn ran(cluster: &Cluster, pod: &Value) -> Value {
    let container = &pod["spec"]["containers"][0];
    let directory = tempfile::tempdir().unwrap();
    let mut arguments: Vec<String> = container["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap().to_owned())
        .collect();
    for volume in pod["spec"]["volumes"].as_array().unwrap() {
        let Some(map) = volume["configMap"]["name"].as_str() else {
            continue;
        };
        let mounts = container["volumeMounts"].as_array().unwrap();
        let mount = mounts.iter().find(|mount| mount["name"] == volume["name"]);
        let at = mount.unwrap()["mountPath"].as_str().unwrap();
        let here = directory.path().join(map);
        write(cluster, map, &here).await;
        for argument in &mut arguments {
            *argument = argument.replace(at, here.to_str().unwrap());
        }
    }
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap();
    let kubeconfig = directory.path().join("kubeconfig");
    std::fs::write(&kubeconfig, as_account(cluster, account)).unwrap();
    let ended = tokio::process::Command::new(programs::flex2csi().unwrap())
        .args(&arguments)
        .env("KUBECONFIG", &kubeconfig)
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .unwrap();
    let log = String::from_utf8_lossy(&ended.stderr).into_owned();
    let code = ended.status.code().unwrap();
    json!({
        "phase": if code == 0 { "Succeeded" } else { "Failed" },
        "message": log.chars().take(2000).collect::<String>(),
        "containerStatuses": [{
            "name": container["name"], "image": container["image"], "imageID": "", "ready": false,
            "restartCount": 0, "state": { "terminated": {
                "exitCode": code, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": now(),
            }},
        }],
    })
}

async fn write(cluster: &Cluster, map: &str, directory: &Path) {
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().unwrap(), "flex2csi-rewrite");
    // Kubelet waits for one that is not there yet.
    let map = loop {
        if let Ok(map) = maps.get(map).await {
            break map;
        }
        tokio::time::sleep(EVERY).await;
    };
    std::fs::create_dir(directory).unwrap();
    for (name, text) in map.data.unwrap_or_default() {
        std::fs::write(directory.join(name), text).unwrap();
    }
}

/// The administrator's kubeconfig, as a service account of the rewrite's namespace.
fn as_account(cluster: &Cluster, account: &str) -> String {
    let text = std::fs::read(cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Value = serde_json::from_slice(&text).unwrap();
    kubeconfig["users"][0]["user"]["as"] =
        json!(format!("system:serviceaccount:flex2csi-rewrite:{account}"));
    kubeconfig.to_string()
}
