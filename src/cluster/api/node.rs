//! What a Node says of its volumes.

use flex2csi_translators::attachment;
use serde_json::Value;

use super::super::object::Object;
use super::super::{ClusterError, VolumeId};

/// Set where the attach/detach controller attaches, and not kubelet itself
/// (kubernetes `pkg/volume/util/util.go`, v1.36).
const CONTROLLER_ATTACHES: &str = "volumes.kubernetes.io/controller-managed-attach-detach";

/// The taint of a node that somebody has declared dead.
pub(super) const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// A Node, as far as it is of use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its uid: a node that was made again has another.
    pub uid: String,
    /// `status.volumesInUse`: what kubelet has mounted, or is about to, of what
    /// can be attached.
    pub volumes_in_use: Vec<String>,
    /// The names in `status.volumesAttached`.
    pub volumes_attached: Vec<String>,
    /// Whether the attach/detach controller attaches for it. Where kubelet does
    /// it itself, a VolumeAttachment is nothing to it.
    pub controller_attaches: bool,
    /// Its taints.
    pub taints: Vec<Taint>,
}

/// A taint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, if any.
    pub value: String,
    /// Its effect.
    pub effect: String,
}

/// How `volumesInUse` and `volumesAttached` name a volume of a CSI driver
/// (kubernetes `pkg/volume/util/util.go`, `GetUniqueVolumeName`, v1.36).
pub fn unique_volume_name(volume: &VolumeId) -> String {
    attachment::unique_volume_name(&volume.driver, &volume.handle)
}

impl Node {
    pub(super) fn read(object: &Object, json: &str) -> Result<Self, ClusterError> {
        let node = object.parse(json)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = |value: &Value, text: &dyn Fn(&Value) -> String| -> Vec<String> {
            value.as_array().into_iter().flatten().map(text).collect()
        };
        let (metadata, status) = (&node["metadata"], &node["status"]);
        let taints = node["spec"]["taints"].as_array().into_iter().flatten();
        Ok(Self {
            uid: text(&metadata["uid"]),
            volumes_in_use: all(&status["volumesInUse"], &text),
            volumes_attached: all(&status["volumesAttached"], &|volume| text(&volume["name"])),
            controller_attaches: metadata["annotations"][CONTROLLER_ATTACHES] == "true",
            taints: taints
                .map(|taint| Taint {
                    key: text(&taint["key"]),
                    value: text(&taint["value"]),
                    effect: text(&taint["effect"]),
                })
                .collect(),
        })
    }

    /// Whether a volume stands in `volumesInUse`.
    pub fn uses(&self, volume: &VolumeId) -> bool {
        self.volumes_in_use.contains(&unique_volume_name(volume))
    }

    /// Whether it is declared dead, so that its volumes may be taken from it.
    pub fn is_out_of_service(&self) -> bool {
        self.taints.iter().any(|taint| taint.key == OUT_OF_SERVICE)
    }
}
