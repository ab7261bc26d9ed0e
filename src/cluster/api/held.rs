//! Whether kubelet's CSI plugin may still need a volume.

use super::super::object::{Object, Objects as _};
use super::super::{ClusterError, PodName, VolumeId};
use super::Api;

/// Whether a volume stands in a node's `volumesInUse`, or one of the pods is
/// there and not ending. An error is no answer.
pub(super) async fn is_held(
    api: &Api,
    node: &str,
    volume: &VolumeId,
    pods: &[PodName],
) -> Result<bool, ClusterError> {
    if api.node(node).await?.uses(&volume.unique_name()) {
        return Ok(true);
    }
    for pod in pods {
        if is_there_to_stay(api, pod).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a pod exists, with the uid, and is not ending.
async fn is_there_to_stay(api: &Api, name: &PodName) -> Result<bool, ClusterError> {
    let object = Object::pod(name);
    let json = match api.get(&object).await {
        Ok(json) => json,
        Err(ClusterError::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let pod = object.parse(&json)?;
    let metadata = &pod["metadata"];
    let phase = pod["status"]["phase"].as_str();
    Ok(metadata["uid"] == *name.uid
        && metadata["deletionTimestamp"].is_null()
        && !matches!(phase, Some("Succeeded" | "Failed")))
}
