//! A cluster with workloads on FlexVolumes, and who rewrites these.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::time::Duration;

use flex2csi_testing::applied::applied;
use flex2csi_testing::controller_manager::ApiRate;
use flex2csi_testing::users::User;
use flex2csi_testing::{Cluster, Setup, programs, rewrite_account};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use super::kubelet::Kubelet;

pub const NODE: &str = "node-a";
const DRIVER: &str = "blockvolume.csi.oraclecloud.com";
/// The API of a kind, of a namespace or of all.
pub fn api(
    client: &Client,
    version: &str,
    kind: &str,
    namespace: Option<&str>,
) -> Api<DynamicObject> {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let mut resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    if kind == "NodeVolumes" {
        resource.plural = "nodevolumes".to_owned();
    }
    if kind == "ValidatingAdmissionPolicy" {
        resource.plural = "validatingadmissionpolicies".to_owned();
    }
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

pub struct Site {
    pub cluster: Cluster,
    pub client: Client,
    pub kubelet: Kubelet,
    user: User,
}

impl Site {
    pub async fn new() -> Self {
        let user = rewrite_account::user();
        let setup = Setup::binding(ApiRate::FAST).user(user.clone());
        let cluster = Cluster::start_with(&setup).await.unwrap();
        cluster.install_definitions().await.unwrap();
        let installed = rewrite_account::install(&cluster, &["restart", "fence"]).await;
        installed.unwrap();
        let client = cluster.client().unwrap();
        node(&cluster, &client).await;
        Self {
            kubelet: Kubelet::start(&cluster),
            cluster,
            client,
            user,
        }
    }

    /// A FlexVolume that waits for its claim; its name is that of the claim's namespace and
    /// of the claim.
    pub async fn volume(&self, namespace: &str, claim: &str) -> String {
        let name = format!("{namespace}-{claim}");
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": name,
                "annotations": {
                    "ociVolumeID": format!("ocid1.volume.oc1.phx.{name}"),
                    "ociAvailabilityDomain": "PHX-AD-1",
                    "ociCompartment": "ocid1.compartment.example",
                    "pv.kubernetes.io/provisioned-by": "oracle.com/oci",
                },
            },
            "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": namespace, "name": claim},
                "flexVolume": {"driver": "oracle/oci", "fsType": "ext4"},
            },
        });
        applied(&self.cluster, [volume]).await.unwrap();
        name
    }

    /// A volume with its claim.
    pub async fn claim(&self, namespace: &str, claim: &str) -> String {
        let name = self.volume(namespace, claim).await;
        let object = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"namespace": namespace, "name": claim},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        });
        applied(&self.cluster, [object]).await.unwrap();
        let claims = api(&self.client, "v1", "PersistentVolumeClaim", Some(namespace));
        comes("the claim is bound", async || {
            claims.get(claim).await.unwrap().data["status"]["phase"] == "Bound"
        })
        .await;
        name
    }

    /// A StatefulSet with a volume for each of its pods, running.
    pub async fn stateful_set(&self, namespace: &str, replicas: usize, spec: Value) -> Vec<String> {
        let mut volumes = Vec::new();
        for number in 0..replicas {
            volumes.push(self.volume(namespace, &format!("data-db-{number}")).await);
        }
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"namespace": namespace, "name": "db"},
            "spec": {
                "replicas": replicas, "serviceName": "db",
                "selector": {"matchLabels": {"app": "db"}},
                "template": {"metadata": {"labels": {"app": "db"}}, "spec": pod_spec(None)},
                "volumeClaimTemplates": [{
                    "metadata": {"name": "data"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"], "storageClassName": "",
                        "resources": {"requests": {"storage": "1Gi"}},
                    },
                }],
            },
        });
        for (key, value) in spec.as_object().into_iter().flatten() {
            object["spec"][key] = value.clone();
        }
        applied(&self.cluster, [object]).await.unwrap();
        self.comes_up("StatefulSet", namespace, "db", replicas)
            .await;
        volumes
    }

    /// A Deployment whose pods share one claim, running.
    pub async fn deployment(&self, namespace: &str, name: &str, claim: &str, replicas: usize) {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec(Some(claim))},
            },
        });
        applied(&self.cluster, [object]).await.unwrap();
        self.comes_up("Deployment", namespace, name, replicas).await;
    }

    /// A pod that nothing makes again, running.
    pub async fn pod(&self, namespace: &str, name: &str, claim: &str) {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name},
            "spec": pod_spec(Some(claim)),
        });
        applied(&self.cluster, [pod]).await.unwrap();
        let pods = api(&self.client, "v1", "Pod", Some(namespace));
        comes("the pod runs", async || {
            pods.get(name).await.unwrap().data["status"]["phase"] == "Running"
        })
        .await;
    }

    /// Waits until so many pods of a workload are ready, and the node daemon says what
    /// they have mounted.
    pub async fn comes_up(&self, kind: &str, namespace: &str, name: &str, replicas: usize) {
        let workloads = api(&self.client, "apps/v1", kind, Some(namespace));
        comes(&format!("{kind} {namespace}/{name} is up"), async || {
            let found = workloads.get(name).await.unwrap();
            found.data["status"]["readyReplicas"] == replicas
        })
        .await;
    }

    /// Waits until the node daemon says that a volume is mounted.
    pub async fn is_mounted(&self, volume: &str) {
        let published = api(&self.client, "flex2csi.io/v1alpha1", "NodeVolumes", None);
        comes(&format!("{volume} is mounted"), async || {
            let said = published.get(NODE).await.unwrap();
            let mut original = said.data["original"].as_array().into_iter().flatten();
            original.any(|mount| mount["pv"] == volume)
        })
        .await;
    }

    pub fn command(&self, args: &[&str], die_at: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(programs::flex2csi().unwrap());
        command
            .args(args)
            .arg("--kubeconfig")
            .arg(self.user.kubeconfig(self.cluster.directory()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if !die_at.is_empty() {
            command.env("FLEX2CSI_DIE_AT", die_at);
        }
        command
    }

    /// Runs the program: its exit code, and what it says.
    pub async fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        ended(&self.command(args, "").output().await.unwrap())
    }

    /// Runs the program, which has to end well.
    pub async fn done(&self, args: &[&str]) -> String {
        let (code, said) = self.run(args).await;
        assert_eq!(code, Some(0), "{args:?}: {said}");
        said
    }

    /// Runs the program, which is killed at a step.
    pub async fn killed(&self, args: &[&str], step: &str) -> String {
        let output = self.command(args, step).output().await.unwrap();
        let (code, said) = ended(&output);
        assert_eq!(code, None, "{step}: {said}");
        said
    }

    /// The form that each volume of a namespace is in.
    pub async fn forms(&self, namespace: &str) -> BTreeMap<String, &'static str> {
        let volumes = api(&self.client, "v1", "PersistentVolume", None);
        let listed = volumes.list(&ListParams::default()).await.unwrap();
        let of = listed
            .items
            .into_iter()
            .filter(|volume| volume.data["spec"]["claimRef"]["namespace"] == namespace);
        of.map(|volume| {
            let is_csi = volume.data["spec"]["csi"].is_object();
            (
                volume.metadata.name.unwrap(),
                if is_csi { "csi" } else { "legacy" },
            )
        })
        .collect()
    }

    pub async fn assert_all(&self, namespace: &str, form: &str) {
        let forms = self.forms(namespace).await;
        assert!(
            !forms.is_empty() && forms.values().all(|is| *is == form),
            "{namespace}: {forms:?}"
        );
    }

    pub async fn get(&self, version: &str, kind: &str, namespace: &str, name: &str) -> Value {
        let api = api(&self.client, version, kind, Some(namespace));
        serde_json::to_value(api.get(name).await.unwrap()).unwrap()
    }

    /// A workload as it was: so many replicas, and no mark of ours.
    pub async fn assert_as_it_was(&self, kind: &str, namespace: &str, name: &str, replicas: usize) {
        let found = self.get("apps/v1", kind, namespace, name).await;
        assert_eq!(found["spec"]["replicas"], replicas, "{namespace}/{name}");
        let labels = found["metadata"]["labels"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let ours: Vec<&String> = labels
            .keys()
            .filter(|key| key.contains("flex2csi"))
            .collect();
        assert!(ours.is_empty(), "{namespace}/{name}: {ours:?}");
    }

    pub async fn patch(
        &self,
        version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        patch: Value,
    ) {
        let api = api(&self.client, version, kind, Some(namespace));
        let patch = Patch::Merge(patch);
        api.patch(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
}

pub fn ended(output: &Output) -> (Option<i32>, String) {
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

pub fn pod_spec(claim: Option<&str>) -> Value {
    let volume =
        claim.map(|claim| json!({"name": "data", "persistentVolumeClaim": {"claimName": claim}}));
    let mount = json!({"name": "data", "mountPath": "/data"});
    json!({
        "nodeName": NODE, "automountServiceAccountToken": false,
        "containers": [{"name": "c", "image": "i", "volumeMounts": [mount]}],
        "volumes": volume.into_iter().collect::<Vec<_>>(),
    })
}

async fn node(cluster: &Cluster, client: &Client) {
    let attaches = "volumes.kubernetes.io/controller-managed-attach-detach";
    let node = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": NODE, "annotations": {attaches: "true"},
            "labels": {"topology.kubernetes.io/zone": "PHX-AD-1", "oci-availability-domain": "PHX-AD-1"},
        },
    });
    let csi_node = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": NODE},
        "spec": {"drivers": [{"name": DRIVER, "nodeID": NODE, "topologyKeys": []}]},
    });
    // Attaching is another matter.
    let driver = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER},
        "spec": {"attachRequired": false},
    });
    let node_volumes = json!({
        "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
        "metadata": {"name": NODE}, "bootID": "boot", "version": "0.1.0",
        "renewTime": k8s_openapi::jiff::Timestamp::now().to_string(), "renewSeconds": 3600,
        "counts": {"shim": 0, "detaching": 0, "original": 0}, "shim": [], "original": [],
    });
    applied(cluster, [node, csi_node, driver, node_volumes])
        .await
        .unwrap();
    let status = json!({"status": {
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z",
        }],
        "nodeInfo": {
            "bootID": "boot", "kubeletVersion": "v1.36.3", "machineID": "", "systemUUID": "",
            "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "", "kubeProxyVersion": "",
            "operatingSystem": "linux", "architecture": "amd64",
        },
    }});
    let nodes = api(client, "v1", "Node", None);
    // A node that is new gets a taint, which nobody here takes off.
    let untainted = Patch::Merge(json!({"spec": {"taints": null}}));
    nodes
        .patch(NODE, &PatchParams::default(), &untainted)
        .await
        .unwrap();
    let patch = Patch::Merge(status);
    nodes
        .patch_status(NODE, &PatchParams::default(), &patch)
        .await
        .unwrap();
}

/// Waits for something that has to come.
pub async fn comes(what: &str, mut is_there: impl AsyncFnMut() -> bool) {
    for _ in 0..1200 {
        if is_there().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("does not come: {what}");
}
