//! A cluster with a vendor's driver, one node, and who rewrites, with the rights of
//! `deploy/rbac` and no others.

use std::path::Path;
use std::time::Duration;

use flex2csi_testing::applied::applied;
use flex2csi_testing::audit::Audit;
use flex2csi_testing::controller_manager::ApiRate;
use flex2csi_testing::process::Process;
use flex2csi_testing::served::Served;
use flex2csi_testing::tool::{End, Ended, Tool};
use flex2csi_testing::users::User;
use flex2csi_testing::{Cluster, Setup, api, programs, rewrite_account};
use flex2csi_translators::attachment::attachment_name;
use kube::Client;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

pub const NODE: &str = "node-1";
pub const BOOT: &str = "boot-1";
pub const NAMESPACE: &str = "flex2csi-system";
const NODE_ID: &str = "id-of-node-1";

pub struct Site {
    pub admin: Client,
    pub driver: &'static str,
    user: User,
    _vendor: (Served, Process),
    pub cluster: Cluster,
}

impl Site {
    /// With a driver that attaches these volumes.
    pub async fn new(driver: &'static str, volumes: &[String]) -> Self {
        let user = rewrite_account::user();
        let setup = Setup::binding(ApiRate::FAST).user(user.clone());
        let cluster = Cluster::start_with(&setup).await.unwrap();
        cluster.install_definitions().await.unwrap();
        let admin = cluster.client().unwrap();
        let vendor = vendor(&cluster, driver, volumes).await;
        let site = Self {
            admin,
            driver,
            user,
            _vendor: vendor,
            cluster,
        };
        rewrite_account::install(&site.cluster, &[]).await.unwrap();
        site.node().await;
        site
    }

    /// A node as its kubelet registers it, with the driver.
    async fn node(&self) {
        self.put(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": NODE,
                "labels": {"kubernetes.io/hostname": NODE},
                "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
            },
        }))
        .await;
        let ready = json!([{
            "type": "Ready", "status": "True", "reason": "KubeletReady",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]);
        self.patch_node(json!({
            "conditions": ready,
            "nodeInfo": {
                "bootID": BOOT, "kubeletVersion": "v1.36.3", "machineID": "", "systemUUID": "",
                "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "",
                "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
            },
        }))
        .await;
        self.put(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
            "metadata": {
                "name": NODE,
                "annotations": {
                    "storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/aws-ebs",
                },
            },
            "spec": {"drivers": [
                {"name": self.driver, "nodeID": NODE_ID, "topologyKeys": []},
            ]},
        }))
        .await;
        self.put(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": {"name": self.driver},
            "spec": {"attachRequired": true},
        }))
        .await;
    }

    pub async fn put(&self, object: Value) -> Value {
        let mut stored = applied(&self.cluster, [object]).await.unwrap();
        stored.remove(0)
    }

    pub async fn patch_node(&self, status: Value) {
        let patch = Patch::Merge(json!({"status": status}));
        let nodes = api::nodes(&self.admin);
        let parameters = PatchParams::default();
        nodes.patch_status(NODE, &parameters, &patch).await.unwrap();
    }

    /// An object of a kind, as JSON; nothing where there is none.
    pub async fn get(&self, object: &Value) -> Option<Value> {
        let name = object["metadata"]["name"].as_str().unwrap();
        let found = api::of(&self.admin, object).get_opt(name).await.unwrap();
        found.map(|found: DynamicObject| serde_json::to_value(found).unwrap())
    }

    pub async fn volume(&self, name: &str) -> Option<Value> {
        let of = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        });
        self.get(&of).await
    }

    pub async fn claim(&self, name: &str) -> Option<Value> {
        self.get(&claim(name, "")).await
    }

    /// The driver's attachment of a volume to the node, once it is attached.
    pub async fn attachment(&self, handle: &str) -> Option<Value> {
        let of = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
            "metadata": {"name": attachment_name(self.driver, handle, NODE)},
        });
        let found = self.get(&of).await?;
        (found["status"]["attached"] == true).then_some(found)
    }

    /// A claim and a volume, bound.
    pub async fn bound(&self, volume: Value) -> Value {
        let name = volume["metadata"]["name"].as_str().unwrap().to_owned();
        self.put(claim(&name, &name)).await;
        self.put(volume).await;
        eventually("the claim is bound", async || {
            let claim = self.claim(&name).await.unwrap();
            claim["status"]["phase"] == "Bound"
        })
        .await;
        self.claim(&name).await.unwrap()
    }

    /// A pod on the node with a claim of its name, running.
    pub async fn pod(&self, name: &str) -> Value {
        let pod = self.put(pod(name)).await;
        let status = json!({"phase": "Running", "startTime": "2026-01-01T00:00:00Z"});
        let patch = Patch::Merge(json!({"status": status}));
        let pods = api::of(&self.admin, &pod);
        let parameters = PatchParams::default();
        pods.patch_status(name, &parameters, &patch).await.unwrap();
        pod
    }

    /// Deletes a pod as kubelet does when its containers have ended.
    pub async fn remove_pod(&self, namespace: &str, name: &str) {
        let mut of = pod(name);
        of["metadata"]["namespace"] = namespace.into();
        let parameters = DeleteParams::default().grace_period(0);
        // It may be gone.
        let _ = api::of(&self.admin, &of).delete(name, &parameters).await;
    }

    /// The program, with the rights of the Job.
    pub fn tool(&self, arguments: &[&str]) -> Tool {
        let kubeconfig = self.cluster.kubeconfig_of(&self.user);
        let tool = Tool::flex2csi().unwrap();
        tool.arguments(arguments).kubeconfig(&kubeconfig)
    }

    /// Runs the program, which has to end well.
    pub async fn done(&self, arguments: &[&str]) -> String {
        let ended = self.tool(arguments).run().await.unwrap();
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", said(&ended));
        said(&ended)
    }

    /// Runs the program, which dies at a step.
    pub async fn dies(&self, arguments: &[&str], step: &str) {
        let end = End::At(step.to_owned());
        let ended = self.tool(arguments).run_until(&end).await.unwrap();
        assert!(ended.was_killed(), "{step}: {}", said(&ended));
    }

    /// How often VolumeAttachments were deleted.
    pub fn detachments(&self) -> usize {
        let audit = Audit::read(self.cluster.directory()).unwrap();
        let all = [User::controllers().name, self.user.name.clone()];
        let calls = all.iter().flat_map(|user| audit.of(user));
        calls
            .filter(|call| call.verb == "delete" && call.resource == "volumeattachments")
            .count()
    }

    /// That the rewriter was denied nothing, and all that it wrote is marked as its own.
    pub fn assert_rights(&self) {
        let audit = Audit::read(self.cluster.directory()).unwrap();
        let denied: Vec<String> = audit
            .denied(&self.user.name)
            .iter()
            .map(|call| format!("{} {}", call.verb, call.resource))
            .collect();
        // What it does without: Secrets, and a fence that somebody may have left.
        let may_be = |what: &&String| {
            !what.contains("secrets") && !what.contains("validatingadmissionpolicies")
        };
        let denied: Vec<_> = denied.iter().filter(may_be).collect();
        assert!(denied.is_empty(), "{denied:?}");
        let unmarked = audit.writes_not_of(&self.user.name, "flex2csi");
        let unmarked: Vec<_> = unmarked
            .iter()
            .filter(|call| !call.resource.contains("accessreviews"))
            .collect();
        assert!(unmarked.is_empty(), "{unmarked:?}");
    }
}

pub fn said(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}

pub fn claim(name: &str, volume: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "default", "name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": volume,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    })
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "default", "name": name},
        "spec": {
            "nodeName": NODE,
            "containers": [{
                "name": "c", "image": "i",
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        },
    })
}

/// The backend under a vendor's name, and the attacher beside it as a vendor's
/// controller pod has it.
async fn vendor(cluster: &Cluster, driver: &str, volumes: &[String]) -> (Served, Process) {
    let directory: &Path = cluster.directory();
    let socket = directory.join("csi.sock");
    let address = socket.to_str().unwrap().to_owned();
    let state = directory.join("state").to_str().unwrap().to_owned();
    let mut backend: Vec<String> = [
        "hostpath",
        "--endpoint",
        &address,
        "--state-dir",
        &state,
        "--driver-name",
        driver,
        "--node-id",
        NODE_ID,
        "--attach",
    ]
    .map(str::to_owned)
    .into();
    let given = volumes.iter();
    backend.extend(given.map(|volume| format!("--volume={volume}=directory:1Gi")));
    let backend = Served::start("backend", backend, &socket, directory).await;
    let attacher = [
        format!("--csi-address={address}"),
        format!("--kubeconfig={}", cluster.kubeconfig().display()),
        "--retry-interval-start=100ms".to_owned(),
        "--retry-interval-max=500ms".to_owned(),
    ];
    let program = programs::built("csi-attacher").unwrap();
    let attacher = Process::start("csi-attacher", &program, attacher, directory);
    (backend.unwrap(), attacher.unwrap())
}

/// Waits until something is so. The time only ends a hang.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(180), waiting).await;
    assert!(waited.is_ok(), "never: {what}");
}
