//! flex2csi and the embedded backend, installed in a lab as `deploy/` says.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Lab, Story};
use crate::StartError;
use crate::grpc_client::{Age, Dial, GrpcClient};
use crate::overlaid::overlaid;

/// The namespace of flex2csi's daemons.
pub const NAMESPACE: &str = "flex2csi-system";

/// The namespace of the embedded backend.
pub const BACKEND_NAMESPACE: &str = "flex2csi-hostpath";

/// The overlay that has both.
const OVERLAY: &str = "test-hostpath";

/// A CSI driver as which the embedded backend poses in `deploy/overlays/test-hostpath`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// File systems that any number of nodes have at a time, without an attach step.
    Files,
    /// Disks, which are attached to one node at a time.
    Disks,
}

impl Backend {
    /// The CSI driver's name.
    #[must_use]
    pub fn csi_driver(self) -> &'static str {
        match self {
            Self::Files => "nas.csi.everest.io",
            Self::Disks => "disk.csi.everest.io",
        }
    }

    /// Who makes its new volumes, by the mapping of the legacy classes.
    #[must_use]
    pub fn provisioner(self) -> &'static str {
        "everest-csi-provisioner"
    }

    /// Where its controller is reached from here.
    #[must_use]
    pub fn socket(self, lab: &Lab) -> PathBuf {
        let socket = format!("/var/lib/kubelet/plugins/{}/csi.sock", self.csi_driver());
        lab.node(super::NODES[0]).path(&socket)
    }

    /// The FlexVolume driver's name.
    #[must_use]
    pub fn flex_driver(self) -> &'static str {
        match self {
            Self::Files => "huawei.com/fuxinfs",
            Self::Disks => "huawei.com/fuxivol",
        }
    }

    /// The access mode of its volumes.
    #[must_use]
    pub fn access_mode(self) -> &'static str {
        match self {
            Self::Files => "ReadWriteMany",
            Self::Disks => "ReadWriteOnce",
        }
    }

    /// The source of a legacy volume, for a PersistentVolume or a pod.
    #[must_use]
    pub fn flex_source(self, handle: &str) -> Value {
        let (fs_type, mut options) = match self {
            Self::Files => ("nfs", json!({ "deviceMountPath": "192.0.2.10:/share" })),
            Self::Disks => ("ext4", json!({ "disk-mode": "SCSI" })),
        };
        options["volumeID"] = json!(handle);
        options["fsType"] = json!(fs_type);
        json!({
            "flexVolume": { "driver": self.flex_driver(), "fsType": fs_type, "options": options },
        })
    }

    /// The source of the same volume in CSI form.
    #[must_use]
    pub fn csi_source(self, handle: &str) -> Value {
        json!({ "csi": { "driver": self.csi_driver(), "volumeHandle": handle } })
    }
}

impl Lab {
    /// Installs the definitions, flex2csi and the backend from `deploy/`, once, as an
    /// operator does, and waits until everything is up.
    ///
    /// # Errors
    /// kubectl's words.
    pub async fn install(&self) -> Result<(), StartError> {
        self.install_with(&[]).await
    }

    /// The same, with components of `deploy/components`.
    ///
    /// # Errors
    /// kubectl's words.
    pub async fn install_with(&self, components: &[&str]) -> Result<(), StartError> {
        let installed = self.installed.get_or_try_init(async || {
            self.apply("deploy/crds").await?;
            let wait = ["wait", "--for=condition=Established", "--timeout=120s"];
            self.kubectl(wait.into_iter().chain(["crd", "--all"]))
                .await?;
            let site = overlaid(OVERLAY, components)?;
            let apply = ["apply", "--server-side", "-k"].map(OsString::from);
            self.kubectl(apply.into_iter().chain([site.path().into()]))
                .await?;
            self.backend_is_up().await?;
            for workload in ["daemonset/flex2csi-node", "deployment/flex2csi-controller"] {
                self.rolled_out(NAMESPACE, workload).await?;
            }
            Ok(())
        });
        installed.await.map(drop)
    }

    /// Installs of that only the backend, as a vendor's CSI driver that is there before
    /// flex2csi.
    ///
    /// # Errors
    /// kubectl's words.
    pub async fn install_backend(&self) -> Result<(), StartError> {
        self.apply("deploy/hostpath").await?;
        self.backend_is_up().await
    }

    async fn backend_is_up(&self) -> Result<(), StartError> {
        for workload in ["daemonset/hostpath", "deployment/hostpath-attacher"] {
            self.rolled_out(BACKEND_NAMESPACE, workload).await?;
        }
        Ok(())
    }
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
impl Story {
    /// Begins a story in the shared lab, where flex2csi is installed.
    ///
    /// # Panics
    /// The lab does not start.
    pub async fn of_shim(namespace: &str) -> Self {
        let lab = Lab::shared().await.unwrap();
        lab.install().await.unwrap();
        Self::begin(lab, namespace).await
    }

    /// A volume of the backend, as somebody provisioned it once, and its handle.
    ///
    /// # Panics
    /// The backend makes none.
    pub async fn provisioned(&self, backend: Backend, name: &str) -> String {
        self.provisioned_as(backend, name, "directory").await
    }

    /// The same, of a kind of `flex2csi hostpath`.
    ///
    /// # Panics
    /// The backend makes none.
    pub async fn provisioned_as(&self, backend: Backend, name: &str, kind: &str) -> String {
        let request = json!({
            "name": format!("{}-{name}", self.namespace()),
            "capacityRange": { "requiredBytes": "1073741824" },
            "volumeCapabilities": [{
                "mount": {}, "accessMode": { "mode": "SINGLE_NODE_WRITER" },
            }],
            "parameters": { "kind": kind },
            // Reached from everywhere: all nodes share the backend's directory.
            "accessibilityRequirements": { "requisite": [{ "segments": {} }] },
        });
        let socket = backend.socket(&self.lab);
        // Its pod is ready a moment before it serves.
        self.until("the backend serves", async || {
            tokio::net::UnixStream::connect(&socket).await.is_ok()
        })
        .await;
        let client = GrpcClient::new(Age::New, &socket).unwrap();
        let method = "/csi.v1.Controller/CreateVolume";
        let answer = client.call(Dial::Unix, method, &request).await.unwrap();
        let handle = answer.pointer("/responses/0/volume/volumeId");
        let handle = handle.and_then(Value::as_str);
        handle.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A legacy volume of the backend, and the claim `name` that is bound to it; gives
    /// the handle.
    ///
    /// # Panics
    /// As [`Story::provisioned`] and [`Story::volume`].
    pub async fn flex_volume(&self, backend: Backend, name: &str) -> String {
        let handle = self.provisioned(backend, name).await;
        self.volume(name, backend.access_mode(), backend.flex_source(&handle))
            .await;
        handle
    }

    /// Waits until nothing of a volume is left: no mount on any node, no attachment,
    /// nothing that a daemon or kubelet publishes.
    ///
    /// # Panics
    /// Something stays.
    pub async fn nothing_left_of(&self, handle: &str) {
        let what = format!("nothing is left of volume {handle}");
        self.until(&what, async || self.left_of(handle).await.is_empty())
            .await;
    }

    /// What is left of a volume: lines of mountinfo, names of attachments, of NodeVolumes
    /// and of nodes that have it in use or attached.
    ///
    /// # Panics
    /// The server does not say.
    pub async fn left_of(&self, handle: &str) -> Vec<String> {
        let mut left = Vec::new();
        for node in self.lab.nodes() {
            // Volumes are directories, named in the source of each mount.
            let mounts = node.mounts();
            let lines = mounts.lines().filter(|line| line.contains(handle));
            left.extend(lines.map(|line| format!("{}: {line}", node.name())));
        }
        for kind in ["volumeattachments", "nodevolumes", "nodes"] {
            let list = self.lab.kubectl(["get", kind, "-o", "json"]).await.unwrap();
            let list: Value = serde_json::from_str(&list).unwrap();
            let items = list["items"].as_array().into_iter().flatten();
            let of_volume = items.filter(|item| item.to_string().contains(handle));
            left.extend(of_volume.map(|item| format!("{kind} {}", item["metadata"]["name"])));
        }
        left
    }
}
