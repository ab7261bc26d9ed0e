use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

use super::metadata::{Metadata, null_is_empty};

/// A Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    /// `metadata`
    pub metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "null_is_empty")]
    taints: Vec<Taint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Taint {
    key: String,
    effect: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "null_is_empty")]
    volumes_in_use: Vec<String>,
    #[serde(deserialize_with = "null_is_empty")]
    volumes_attached: Vec<Attached>,
    #[serde(deserialize_with = "null_is_empty")]
    conditions: Vec<Condition>,
    node_info: NodeInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attached {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
    last_heartbeat_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeInfo {
    #[serde(rename = "bootID")]
    boot_id: String,
    #[serde(rename = "kubeletVersion")]
    kubelet_version: String,
}

/// Set by kubelet where the controller is to attach (kubernetes v1.36
/// `pkg/volume/util/util.go`, `ControllerManagedAttachAnnotation`).
const CONTROLLER_ATTACHES: &str = "volumes.kubernetes.io/controller-managed-attach-detach";
/// Set by a person who knows that the node is switched off (kubernetes v1.36
/// `staging/src/k8s.io/api/core/v1/well_known_taints.go`, `TaintNodeOutOfService`).
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

impl Node {
    fn readiness(&self) -> Option<&Condition> {
        let mut conditions = self.status.conditions.iter();
        conditions.find(|condition| condition.kind == "Ready")
    }

    /// Whether its kubelet says that all is well.
    pub fn is_ready(&self) -> bool {
        self.readiness().is_some_and(|ready| ready.status == "True")
    }

    /// Since when nothing is heard of its kubelet (kubernetes v1.36
    /// `pkg/controller/nodelifecycle/node_lifecycle_controller.go`): as far as its Node
    /// object knows, which is told every five minutes at least. `None` where it is heard
    /// of, and where it never was: then it has mounted nothing.
    pub fn silent_since(&self) -> Option<Timestamp> {
        let ready = self.readiness()?;
        let is_silent = ready.status == "Unknown" && ready.reason != "NodeStatusNeverUpdated";
        let heard = ready.last_heartbeat_time.as_deref().unwrap_or_default();
        is_silent.then(|| heard.parse().unwrap_or(Timestamp::MAX))
    }

    /// Whether somebody vouches that it runs no more.
    pub fn is_out_of_service(&self) -> bool {
        self.spec
            .taints
            .iter()
            .any(|taint| taint.key == OUT_OF_SERVICE)
    }

    /// Whether ordinary pods are put there.
    pub fn takes_pods(&self) -> bool {
        // A node that is cordoned, or does not answer, comes back.
        let passing = |key: &str| key.starts_with("node.kubernetes.io/");
        let mut taints = self.spec.taints.iter();
        !taints.any(|taint| taint.effect != "PreferNoSchedule" && !passing(&taint.key))
    }

    /// Whether the controller may attach volumes to it.
    pub fn controller_attaches(&self) -> bool {
        let annotations = &self.metadata.annotations;
        annotations
            .get(CONTROLLER_ATTACHES)
            .is_some_and(|value| value == "true")
    }

    /// Which of its boots it runs in.
    pub fn boot_id(&self) -> &str {
        &self.status.node_info.boot_id
    }

    /// Major and minor version of its kubelet.
    pub fn kubelet(&self) -> Option<(u32, u32)> {
        let version = self.status.node_info.kubelet_version.strip_prefix('v')?;
        let mut numbers = version.split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// Whether kubelet has a volume, by its unique name, mounted, or is about to.
    pub fn uses(&self, volume: &str) -> bool {
        self.status.volumes_in_use.iter().any(|used| used == volume)
    }

    /// Volumes that the controller has attached to it, by their unique names.
    pub fn attached(&self) -> impl Iterator<Item = &str> {
        let attached = self.status.volumes_attached.iter();
        attached.map(|volume| volume.name.as_str())
    }

    /// Volumes that it has in use or attached, by their unique names.
    pub fn held(&self) -> impl Iterator<Item = &str> {
        let in_use = self.status.volumes_in_use.iter();
        in_use.map(String::as_str).chain(self.attached())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(json: &str) -> Node {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_node_without_a_word_is_not_ready() {
        assert!(!node("{}").is_ready());
        assert!(
            !node(r#"{"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}"#).is_ready()
        );
        assert!(node(r#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#).is_ready());
    }

    #[test]
    fn a_node_for_others_takes_no_pods() {
        let tainted = |key: &str| {
            node(&format!(
                r#"{{"spec":{{"taints":[{{"key":"{key}","effect":"NoSchedule"}}]}}}}"#
            ))
        };
        assert!(!tainted("node-role.kubernetes.io/control-plane").takes_pods());
        assert!(tainted("node.kubernetes.io/unschedulable").takes_pods());
        assert!(tainted("node.kubernetes.io/out-of-service").is_out_of_service());
    }

    #[test]
    fn versions_are_read_as_far_as_they_matter() {
        let version = |text: &str| {
            node(&format!(
                r#"{{"status":{{"nodeInfo":{{"kubeletVersion":"{text}"}}}}}}"#
            ))
            .kubelet()
        };
        assert_eq!(version("v1.24.3-eks-1"), Some((1, 24)));
        assert_eq!(version("1"), None);
    }
}
