//! Pods that pin a volume to a node while it is replaced under those that use it.
//!
//! Where a CSI driver attaches, only kubelet's word in `volumesInUse` keeps the
//! attach/detach controller from detaching a volume before it is unmounted, and
//! kubelet gives it for CSI volumes only. So before the swap a pod on the node mounts
//! a temporary volume of the same driver and handle, and it goes when the pods that
//! use the volume have it through CSI themselves.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::names::{MIGRATION, PIN_ATTACHMENT, PIN_HOLDER, PIN_IMAGE, PIN_NODE, PIN_OF, RETAIN};
use super::record::{Direction, Record};
use super::task::InUse;
use super::view::View;
use crate::attachment::unique_volume_name;
use crate::digest::sha256_hex;

/// Where pin pods run, and what in them: recorded, so that whoever goes on finds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinSettings {
    /// The namespace of pods and claims.
    pub namespace: String,
    /// An image in which `/flex2csi pin` waits until it is told to end.
    pub image: String,
    /// `priorityClassName`: who is put out last when a node has too little of something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class: Option<String>,
}

/// What a pin is made of, all of one name. The pod is first and mounts nothing until
/// the claim is there: kubelet may turn a pod away, and once the attach/detach
/// controller sees one that uses the volume, that one's end is the volume's detach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinPart {
    /// The pod on the node.
    Pod,
    /// Its volume.
    Volume,
    /// Its claim.
    Claim,
}

/// A call that makes or removes a part of a pin.
#[derive(Debug, Clone, PartialEq)]
pub enum PinCall {
    /// Create it.
    Create(PinPart, Value),
    /// Change the pod: a JSON merge patch, with the resourceVersion that it is of.
    Patch {
        /// Its name.
        name: String,
        /// What is changed.
        patch: Value,
    },
    /// Delete it, if it still is as it was seen.
    Delete {
        /// What.
        part: PinPart,
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
        /// Its resourceVersion.
        version: String,
    },
}

/// What is seen of a pin and of the volume on its node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pin {
    /// The node.
    pub node: String,
    /// The pod.
    pub pod: Option<Value>,
    /// The temporary volume.
    pub volume: Option<Value>,
    /// The claim.
    pub claim: Option<Value>,
    /// The VolumeAttachment of driver and handle on the node.
    pub attachment: Option<Value>,
    /// The Node.
    pub node_object: Option<Value>,
    /// What the node daemon says; nothing if that is too old.
    pub node_volumes: Option<Value>,
}

impl Pin {
    /// Whether there is anything of it.
    pub fn is_there(&self) -> bool {
        self.pod.is_some() || self.volume.is_some() || self.claim.is_some()
    }

    /// Whether the attach/detach controller may have taken the attachment over for it.
    pub fn is_armed(&self) -> bool {
        self.claim.is_some()
    }

    /// Its parts, as far as they are there.
    pub(super) fn parts(&self) -> impl Iterator<Item = View<'_>> {
        let parts = [&self.pod, &self.volume, &self.claim];
        parts.into_iter().flatten().map(View)
    }

    /// Whether kubelet says that it has the volume.
    pub(super) fn is_in_use(&self, unique_name: &str) -> bool {
        let node = self.node_object.as_ref();
        let names = node.and_then(|node| node["status"]["volumesInUse"].as_array());
        names.is_some_and(|names| names.iter().any(|name| name == unique_name))
    }

    /// Whether the node daemon has anything of the volume, or does not say.
    pub(super) fn is_listed(&self, driver: &str, handle: &str) -> bool {
        let list = self.node_volumes.as_ref();
        let Some(list) = list.and_then(|said| said["shim"].as_array()) else {
            return true;
        };
        list.iter()
            .any(|mount| mount["driver"] == driver && mount["handle"] == handle)
    }

    /// Mounts of the node daemon that kubelet has not through CSI as well; `None`
    /// where the daemon does not say.
    pub(super) fn untaken(&self, driver: &str, handle: &str) -> Option<usize> {
        let said = self.node_volumes.as_ref()?;
        let boot = self
            .node_object
            .as_ref()
            .map_or("", |node| View(node).text("/status/nodeInfo/bootID"));
        if !boot.is_empty() && said["bootID"] != boot {
            return None;
        }
        let mounts = said["shim"].as_array()?.iter().filter(|mount| {
            mount["driver"] == driver && mount["handle"] == handle && mount["podUID"].is_string()
        });
        Some(mounts.filter(|mount| mount["csi"] != true).count())
    }
}

impl Record {
    /// Where this rewrite may have pins: what is recorded of it before it begins.
    pub fn pinned(&self) -> Option<(&PinSettings, &[String])> {
        match (&self.spec.in_use, &self.spec.pins) {
            (
                InUse::Shim {
                    nodes,
                    attach: true,
                },
                Some(settings),
            ) => Some((settings, nodes)),
            _ => None,
        }
    }

    /// The CSI driver and the handle of the translated form; empty without.
    pub fn csi(&self) -> (&str, &str) {
        let form = View(self.form(Direction::Forward));
        (
            form.text("/spec/csi/driver"),
            form.text("/spec/csi/volumeHandle"),
        )
    }

    /// The name of all parts of the pin on a node.
    pub fn pin_name(&self, node: &str) -> String {
        let digest = sha256_hex(format!("{}/{node}", self.spec.id).as_bytes());
        format!("flex2csi-pin-{}", &digest[..24])
    }

    /// How nodes call the CSI volume in `volumesInUse` (kubernetes v1.36
    /// `pkg/volume/csi/csi_plugin.go`, `GetVolumeName`).
    pub(super) fn unique_name(&self) -> String {
        let (driver, handle) = self.csi();
        unique_volume_name(driver, handle)
    }

    fn pin_metadata(&self, settings: Option<&PinSettings>, node: &str) -> Value {
        let mut metadata = json!({
            "name": self.pin_name(node),
            "labels": {
                "app.kubernetes.io/name": "flex2csi",
                "app.kubernetes.io/component": "pin",
                MIGRATION: self.spec.id,
            },
            "annotations": {PIN_OF: self.spec.name, PIN_NODE: node},
        });
        if let Some(settings) = settings {
            metadata["namespace"] = settings.namespace.as_str().into();
        }
        metadata
    }

    /// The pod of a pin. It reads: so kubelet gives the files no group and no SELinux
    /// label (kubernetes v1.36 `pkg/kubelet/kubelet_pods.go`, `makeMounts`).
    pub(super) fn pin_pod(&self, settings: &PinSettings, node: &str) -> Value {
        let is_block = View(self.form(Direction::Forward)).text("/spec/volumeMode") == "Block";
        let mut container = json!({
            "name": "pin",
            "image": settings.image,
            "command": ["/flex2csi", "pin"],
            "resources": {
                "requests": {"cpu": "1m", "memory": "8Mi"},
                "limits": {"memory": "32Mi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
        });
        if is_block {
            container["volumeDevices"] = json!([{"name": "pinned", "devicePath": "/pinned"}]);
        } else {
            container["volumeMounts"] =
                json!([{"name": "pinned", "mountPath": "/pinned", "readOnly": true}]);
        }
        let mut spec = json!({
            "nodeName": node,
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 5,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "tolerations": [{"operator": "Exists"}],
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65534,
                "runAsGroup": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{
                "name": "pinned",
                "persistentVolumeClaim": {"claimName": self.pin_name(node), "readOnly": true},
            }],
        });
        if let Some(class) = &settings.priority_class {
            spec["priorityClassName"] = class.as_str().into();
        }
        let mut metadata = self.pin_metadata(Some(settings), node);
        metadata["annotations"][PIN_IMAGE] = settings.image.as_str().into();
        metadata["annotations"][PIN_HOLDER] = self.spec.holder.as_str().into();
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": spec,
        })
    }

    /// The patch by which the holder of the record takes over the pod of a pin that another
    /// one made.
    pub(super) fn pin_holder(&self, pod: View<'_>) -> Value {
        as_seen(pod, json!({PIN_HOLDER: self.spec.holder}))
    }

    /// The patch that has the pod of a pin run the image that is meant now. A pod stays the
    /// pod that it is (the API lets an image be changed): nothing is detached.
    pub(super) fn pin_image(&self, settings: &PinSettings, pod: View<'_>) -> Value {
        let mut containers = pod.0["spec"]["containers"].clone();
        let all = containers.as_array_mut().into_iter().flatten();
        // Others may have put theirs beside it.
        for container in all.filter(|container| container["name"] == "pin") {
            container["image"] = settings.image.as_str().into();
        }
        let mut patch = as_seen(pod, json!({PIN_IMAGE: settings.image}));
        patch["spec"] = json!({"containers": containers});
        patch
    }

    /// The temporary volume of a pin: what will be stored, with a claim of its own.
    pub(super) fn pin_volume(&self, settings: &PinSettings, node: &str, attachment: &str) -> Value {
        let form = &self.form(Direction::Forward)["spec"];
        let mut spec = json!({
            "persistentVolumeReclaimPolicy": RETAIN,
            "storageClassName": "",
            "claimRef": {"namespace": settings.namespace, "name": self.pin_name(node)},
        });
        for member in [
            "accessModes",
            "capacity",
            "csi",
            "mountOptions",
            "nodeAffinity",
            "volumeMode",
        ] {
            if !form[member].is_null() {
                spec[member] = form[member].clone();
            }
        }
        let mut metadata = self.pin_metadata(None, node);
        metadata["annotations"][PIN_ATTACHMENT] = attachment.into();
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": metadata,
            "spec": spec,
        })
    }

    /// The claim of a pin. It goes with the temporary volume, should it come too late.
    pub(super) fn pin_claim(&self, settings: &PinSettings, node: &str, volume: View<'_>) -> Value {
        let spec = &volume.0["spec"];
        let mut metadata = self.pin_metadata(Some(settings), node);
        metadata["ownerReferences"] = json!([{
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "name": self.pin_name(node),
            "uid": volume.uid(),
        }]);
        let mut claim = json!({
            "accessModes": spec["accessModes"],
            "storageClassName": "",
            "volumeName": self.pin_name(node),
            "resources": {"requests": {"storage": spec["capacity"]["storage"]}},
        });
        if !spec["volumeMode"].is_null() {
            claim["volumeMode"] = spec["volumeMode"].clone();
        }
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata,
            "spec": claim,
        })
    }
}

/// The patch of a pod's annotations, if it still is as it was seen.
fn as_seen(pod: View<'_>, annotations: Value) -> Value {
    json!({
        "metadata": {
            "uid": pod.uid(),
            "resourceVersion": pod.version(),
            "annotations": annotations,
        },
    })
}
