//! What users, kubelet and the volume controllers put into the cluster.

use flex2csi_testing::applied::applied;
use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::cluster::Volume;
use crate::deployed::eventually;
use crate::kubelet::Pod;
use crate::node::Node;

/// The class of all volumes.
pub const CLASS: &str = "disks";

impl Node {
    pub async fn put(&self, object: Value) -> Value {
        let mut stored = applied(&self.cluster, [object]).await.unwrap();
        stored.remove(0)
    }

    /// A PersistentVolume of the backend's volume NODE-NAME in FlexVolume form, bound to
    /// a claim of the same name.
    pub async fn volume(&self, name: &str) -> Volume {
        let mut volume = Volume::new(&format!("{}-{name}", self.name));
        // As `deploy/rbac/examples/secret.yaml` gives the daemon the right to.
        volume.options.insert("admin".into(), "yes".into());
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "namespace": "default", "name": volume.name },
            "spec": {
                "volumeName": volume.name,
                "storageClassName": CLASS,
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "1Gi" } },
            },
        });
        let claim = self.put(claim).await;
        let mut object = volume.object();
        object["spec"]["storageClassName"] = json!(CLASS);
        object["spec"]["claimRef"] = json!({
            "namespace": "default", "name": volume.name, "uid": claim["metadata"]["uid"],
        });
        self.put(object).await;
        volume
    }

    /// A pod that has a volume's claim, as the scheduler gave it to this node.
    pub async fn pod(&self, name: &str, volume: &Volume) -> Pod {
        let name = format!("{}-{name}", self.name);
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "namespace": "default", "name": name },
            "spec": {
                "nodeName": self.name,
                "containers": [{ "name": "c", "image": "i" }],
                "volumes": [
                    { "name": "data", "persistentVolumeClaim": { "claimName": volume.name } },
                ],
            },
        });
        let stored = self.put(pod).await;
        let mut pod = self.kubelet.pod(&name);
        pod.uid = stored["metadata"]["uid"].as_str().unwrap().to_owned();
        pod
    }

    /// Deletes a pod: it is ending until kubelet says that it is gone.
    pub async fn delete_pod(&self, pod: &Pod) {
        let pods: Api<core::Pod> = Api::namespaced(self.admin.clone(), "default");
        let deleted = pods.delete(&pod.name, &DeleteParams::default()).await;
        deleted.unwrap();
    }

    /// What kubelet does when nothing of a pod is left.
    pub async fn pod_is_gone(&self, pod: &Pod) {
        pod.end();
        let pods: Api<core::Pod> = Api::namespaced(self.admin.clone(), "default");
        let now = DeleteParams::default().grace_period(0);
        pods.delete(&pod.name, &now).await.unwrap();
    }

    /// What kubelet says that it uses.
    pub async fn uses(&self, volumes: &[String]) {
        let nodes: Api<core::Node> = Api::all(self.admin.clone());
        let status = Patch::Merge(json!({ "status": { "volumesInUse": volumes } }));
        let merge = PatchParams::default();
        let patched = nodes.patch_status(&self.name, &merge, &status);
        patched.await.unwrap();
    }

    /// Puts another PersistentVolume of the same name in place of one, as a rewrite does.
    pub async fn replace_volume(&self, volume: &Volume, object: Value) {
        let volumes: Api<core::PersistentVolume> = Api::all(self.admin.clone());
        let now = DeleteParams::default();
        volumes.delete(&volume.name, &now).await.unwrap();
        // Its protection is lifted by a controller when nothing is bound to it any more.
        let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        let merge = PatchParams::default();
        let patched = volumes.patch(&volume.name, &merge, &none);
        patched.await.unwrap();
        eventually("the PersistentVolume is gone", async || {
            volumes.get_opt(&volume.name).await.unwrap().is_none()
        })
        .await;
        self.put(object).await;
    }
}
