//! A cluster with what `deploy/` puts there.

use std::sync::Arc;
use std::time::Duration;

use flex2csi::attachment::object::{Attachment, attachments};
use flex2csi::attachment::{Attacher, Settings, VolumeAttachments, Wanted};
use flex2csi::cluster::{self, VolumeId};
use flex2csi_testing::account::{client_of, client_of_pod};
use flex2csi_testing::applied::applied;
use flex2csi_testing::{Cluster, Setup};
use flex2csi_translators::attachment::{attachment_name, inline_volume_spec, lease_name};
use flex2csi_translators::json::Object;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

pub use flex2csi_testing::deployed::deployed;

pub use crate::deployed::{NAMESPACE, deploy, eventually};

pub const DRIVER: &str = "csi.example.com";
pub const BOOT: &str = "boot-1";

pub struct Site {
    pub cluster: Arc<Cluster>,
    pub admin: Client,
}

impl Site {
    /// In the cluster that tests share: for tests that know their own objects.
    pub async fn shared() -> Self {
        Self::of(Cluster::shared().await.unwrap()).await
    }

    pub async fn own() -> Self {
        Self::of(Arc::new(
            Cluster::start_with(&Setup::recording()).await.unwrap(),
        ))
        .await
    }

    async fn of(cluster: Arc<Cluster>) -> Self {
        deploy(&cluster).await;
        let admin = cluster.client().unwrap();
        Self { cluster, admin }
    }

    pub async fn put(&self, object: Value) -> Value {
        let mut stored = applied(&self.cluster, [object]).await.unwrap();
        stored.remove(0)
    }

    /// A Node, and a client of its daemon's.
    pub async fn node(&self, name: &str) -> Client {
        let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name } });
        self.put(node).await;
        client_of_pod(&self.cluster, NAMESPACE, "flex2csi-node", name)
            .await
            .unwrap()
    }

    pub async fn attacher(&self, node: &str) -> VolumeAttachments {
        let client = self.node(node).await;
        let api = Arc::new(cluster::Api::new(client.clone(), node));
        let settings = Settings {
            node: node.into(),
            namespace: NAMESPACE.into(),
            boot_id: BOOT.into(),
            patience: Duration::from_secs(60),
        };
        VolumeAttachments::new(client, api, settings)
    }

    pub fn controller(&self) -> Client {
        client_of(&self.cluster, NAMESPACE, "flex2csi-controller").unwrap()
    }

    pub async fn attachment(&self, handle: &str, node: &str) -> Option<Attachment> {
        let name = attachment_name(DRIVER, handle, node);
        let found = attachments(self.admin.clone()).get_opt(&name).await;
        found.unwrap().as_ref().map(Attachment::of)
    }

    pub async fn lease_holder(&self, handle: &str) -> Option<String> {
        let api: Api<k8s_openapi::api::coordination::v1::Lease> =
            Api::namespaced(self.admin.clone(), NAMESPACE);
        let lease = api.get_opt(&lease_name(DRIVER, handle)).await.unwrap()?;
        lease.spec?.holder_identity
    }

    /// Attaches while the driver's attacher is there.
    pub async fn attached(&self, handle: &str, node: &str) {
        let (attacher, wanted) = (self.attacher(node).await, wanted(handle));
        self.while_driven(async { attacher.attach(&wanted).await.unwrap() })
            .await;
    }

    /// Does something while the driver's attacher is there.
    pub async fn while_driven<T>(&self, done: impl Future<Output = T>) -> T {
        tokio::select! {
            done = done => done,
            () = self.drive() => unreachable!(),
        }
    }

    /// What external-attacher does, in a loop: its finalizer, the status, and on
    /// deletion its finalizer again.
    pub async fn drive(&self) {
        let api = attachments(self.admin.clone());
        loop {
            for found in api.list(&ListParams::default()).await.unwrap() {
                if found.data["spec"]["attacher"] == DRIVER {
                    attach_or_detach(&api, &found).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn attach_or_detach(api: &Api<DynamicObject>, found: &DynamicObject) {
    let name = found.metadata.name.as_deref().unwrap();
    let merge = PatchParams::default();
    let finalizers = |value: Value| json!({ "metadata": { "finalizers": value } });
    // What has changed meanwhile is looked at again.
    if found.metadata.deletion_timestamp.is_some() {
        let none = finalizers(json!([]));
        api.patch(name, &merge, &Patch::Merge(none)).await.ok();
    } else if found.data["status"]["attached"] != true {
        let ours = finalizers(json!(["external-attacher/csi-example-com"]));
        api.patch(name, &merge, &Patch::Merge(ours)).await.ok();
        let metadata = json!({ "devicePath": "/dev/vdb" });
        let status = json!({ "status": { "attached": true, "attachmentMetadata": metadata } });
        api.patch_status(name, &merge, &Patch::Merge(status))
            .await
            .ok();
    }
}

pub fn volume(handle: &str) -> VolumeId {
    VolumeId {
        driver: DRIVER.into(),
        handle: handle.into(),
    }
}

/// What a translation gives for a FlexVolume.
pub fn wanted(handle: &str) -> Wanted {
    let mut pv = csi_volume(&format!("pv-{handle}"), handle);
    pv["spec"]["nodeAffinity"] = json!({ "required": { "nodeSelectorTerms": [] } });
    let text = pv.to_string();
    Wanted {
        volume: volume(handle),
        persistent_volume: Some(format!("pv-{handle}")),
        inline_volume_spec: inline_volume_spec(&Object::parse(&text).unwrap()).unwrap(),
        is_shared: false,
    }
}

/// A PersistentVolume in CSI form with all that it can have.
pub fn csi_volume(name: &str, handle: &str) -> Value {
    let secret = json!({ "namespace": "ceph", "name": "s" });
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": { "name": name },
        "spec": {
            "capacity": { "storage": "1Gi" },
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "fast",
            "volumeMode": "Filesystem",
            "mountOptions": ["noatime"],
            "claimRef": { "namespace": "shop", "name": format!("claim-{handle}") },
            "csi": {
                "driver": DRIVER,
                "volumeHandle": handle,
                "fsType": "ext4",
                "readOnly": false,
                "volumeAttributes": { "pool": "p" },
                "controllerPublishSecretRef": secret,
                "nodeStageSecretRef": secret,
            },
        },
    })
}
