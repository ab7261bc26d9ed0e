//! Which volume of a pod a FlexVolume call is about.
//!
//! kubelet gives the name of a PersistentVolume, or that of an inline volume,
//! and does not say which. So the way that kubelet came is gone again: from the
//! pod to what it names, and there driver and options have to be the call's.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object::{Kind, Object, Objects};
use super::pod::{Pod, PodClaim};
use super::{CalledVolume, ClusterError, FoundVolume, FsGroupChangePolicy, VolumeSource};

/// Where older objects have the name of their StorageClass; it counts first.
const STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The volume of a call.
pub(super) async fn find<O: Objects>(
    objects: &O,
    called: &CalledVolume,
) -> Result<FoundVolume, ClusterError> {
    let object = Object::pod(&called.pod);
    let json = objects.get(&object).await?;
    let pod = Pod::read(object, json)?;
    pod.is(&called.pod, O::ARE_STORED)?;
    let inline = pod
        .inline(&called.volume)
        .map(|flex| difference(flex, called));
    let claimed = claimed(objects, called, &pod).await?;
    let source = match (inline, claimed) {
        (Some(None), Ok(volume)) if volume.difference(called).is_none() => {
            return Err(pod.object.differs(format!(
                "it has an inline volume {0} and a claim that is bound to PersistentVolume {0}, \
                 and kubelet gives both one directory; give the inline volume another name",
                called.volume
            )));
        }
        (Some(None), _) => VolumeSource::Inline {
            pod: pod.json.clone(),
        },
        (_, Ok(volume)) => match volume.difference(called) {
            None => persistent_volume(objects, volume).await?,
            Some(difference) => return Err(volume.object.differs(difference)),
        },
        (Some(Some(difference)), Err(_)) => {
            let reason = format!("of its volume {}, {difference}", called.volume);
            return Err(pod.object.differs(reason));
        }
        (None, Err(why_not)) => return Err(why_not),
    };
    Ok(FoundVolume {
        source,
        fs_group_change_policy: pod.fs_group_change_policy()?,
        service_account: pod.service_account(),
    })
}

/// The PersistentVolume of the call's name, where no pod is known.
pub(super) async fn find_by_name<O: Objects>(
    objects: &O,
    called: &CalledVolume,
) -> Result<FoundVolume, ClusterError> {
    let object = Object::of_cluster(Kind::PersistentVolume, &called.volume);
    let json = objects.get(&object).await?;
    let volume = Volume::read(object, json)?;
    if let Some(difference) = volume.difference(called) {
        return Err(volume.object.differs(difference));
    }
    Ok(FoundVolume {
        source: persistent_volume(objects, volume).await?,
        fs_group_change_policy: FsGroupChangePolicy::default(),
        service_account: "default".to_owned(),
    })
}

/// A PersistentVolume.
struct Volume {
    object: Object,
    json: String,
    value: Value,
}

impl Volume {
    fn read(object: Object, json: String) -> Result<Self, ClusterError> {
        let value = object.parse(&json)?;
        Ok(Self {
            object,
            json,
            value,
        })
    }

    /// In what it is not the volume of the call. One that is in CSI form by now
    /// has nothing to compare; who asked sees the form.
    fn difference(&self, called: &CalledVolume) -> Option<String> {
        let spec = &self.value["spec"];
        match (&spec["csi"], &spec["flexVolume"]) {
            (Value::Object(_), _) => None,
            (_, flex @ Value::Object(_)) => difference(flex, called),
            _ => Some("it is no FlexVolume".to_owned()),
        }
    }
}

async fn persistent_volume<O: Objects>(
    objects: &O,
    volume: Volume,
) -> Result<VolumeSource, ClusterError> {
    let name = volume.value["metadata"]["annotations"][STORAGE_CLASS].as_str();
    let name = name.or(volume.value["spec"]["storageClassName"].as_str());
    let storage_class = match name {
        None | Some("") => None,
        Some(name) => {
            let class = Object::of_cluster(Kind::StorageClass, name);
            match objects.get(&class).await {
                Ok(json) => Some(json),
                Err(ClusterError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            }
        }
    };
    Ok(VolumeSource::PersistentVolume {
        json: volume.json,
        storage_class,
    })
}

/// In what a FlexVolume's members are not those of the call. Values are not
/// shown: some sites have credentials among them.
fn difference(flex: &Value, called: &CalledVolume) -> Option<String> {
    let driver = flex["driver"].as_str().unwrap_or_default();
    if driver != called.driver {
        return Some(format!(
            "its driver is {driver:?}, and kubelet calls {:?}",
            called.driver
        ));
    }
    let empty = serde_json::Map::new();
    let options = match &flex["options"] {
        Value::Null => &empty,
        Value::Object(options) => options,
        _ => return Some("its options are no map".to_owned()),
    };
    let mut given: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, value) in options {
        match value {
            Value::String(value) => given.insert(key, value),
            // As Go reads it.
            Value::Null => given.insert(key, ""),
            _ => return Some(format!("its option {key:?} is no string")),
        };
    }
    for (key, value) in &called.options {
        match given.remove(key.as_str()) {
            Some(same) if same == value => {}
            Some(_) => return Some(format!("its option {key:?} has another value")),
            None => return Some(format!("it has no option {key:?}")),
        }
    }
    let (key, _) = given.pop_first()?;
    Some(format!("kubelet does not give its option {key:?}"))
}

/// The PersistentVolume of the call's name, if a claim that the pod names is
/// bound to it. The outer error says that nobody knows, the inner why it is not.
async fn claimed<O: Objects>(
    objects: &O,
    called: &CalledVolume,
    pod: &Pod,
) -> Result<Result<Volume, ClusterError>, ClusterError> {
    let claims = pod.claims(&called.pod);
    if claims.is_empty() {
        let reason = format!("it has no FlexVolume {}, and no claim", called.volume);
        return Ok(Err(pod.object.differs(reason)));
    }
    let object = Object::of_cluster(Kind::PersistentVolume, &called.volume);
    let json = match objects.get(&object).await {
        Ok(json) => json,
        Err(error @ ClusterError::NotFound { .. }) => return Ok(Err(error)),
        Err(error) => return Err(error),
    };
    let volume = Volume::read(object, json)?;
    let claim_ref = &volume.value["spec"]["claimRef"];
    if claim_ref.is_null() && !O::ARE_STORED {
        return claimed_by_any(objects, volume, &claims, pod).await;
    }
    let text = |name: &str| claim_ref[name].as_str().unwrap_or_default();
    let bound = Object::named(Kind::PersistentVolumeClaim, text("namespace"), text("name"));
    let Some(claim) = claims.iter().find(|claim| claim.claim == bound) else {
        let reason = if claim_ref.is_null() {
            "it is bound to no claim".to_owned()
        } else {
            format!("it is bound to {bound}, which {} does not name", pod.object)
        };
        return Ok(Err(volume.object.differs(reason)));
    };
    let json = match objects.get(&claim.claim).await {
        Ok(json) => json,
        Err(error @ ClusterError::NotFound { .. }) => return Ok(Err(error)),
        Err(error) => return Err(error),
    };
    Ok(match unbound::<O>(&volume, claim, &json, pod)? {
        None => Ok(volume),
        Some(reason) => Err(claim.claim.differs(reason)),
    })
}

/// As [`claimed`], for a PersistentVolume that does not say by which claim.
async fn claimed_by_any<O: Objects>(
    objects: &O,
    volume: Volume,
    claims: &[PodClaim],
    pod: &Pod,
) -> Result<Result<Volume, ClusterError>, ClusterError> {
    for claim in claims {
        let json = match objects.get(&claim.claim).await {
            Ok(json) => json,
            Err(ClusterError::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        if unbound::<O>(&volume, claim, &json, pod)?.is_none() {
            return Ok(Ok(volume));
        }
    }
    let reason = format!("no claim that {} names is bound to it", pod.object);
    Ok(Err(volume.object.differs(reason)))
}

/// Why a claim is not bound to the volume, or not the pod's.
fn unbound<O: Objects>(
    volume: &Volume,
    claim: &PodClaim,
    json: &str,
    pod: &Pod,
) -> Result<Option<String>, ClusterError> {
    let value = claim.claim.parse(json)?;
    let name = volume.value["metadata"]["name"].as_str();
    let bound_to = value["spec"]["volumeName"]
        .as_str()
        .filter(|name| !name.is_empty());
    let names_another = bound_to != name;
    let claim_ref = &volume.value["spec"]["claimRef"];
    if names_another && (O::ARE_STORED || bound_to.is_some() || claim_ref.is_null()) {
        let bound_to = bound_to.unwrap_or("none");
        return Ok(Some(format!("it is bound to PersistentVolume {bound_to}")));
    }
    let uids = (value["metadata"]["uid"].as_str(), claim_ref["uid"].as_str());
    match uids {
        (Some(uid), Some(bound)) if uid == bound => {}
        (Some(_), Some(_)) => {
            let reason = format!("{} is bound to another claim of that name", volume.object);
            return Ok(Some(reason));
        }
        _ if O::ARE_STORED => {
            return Ok(Some(format!("{} is not bound to it yet", volume.object)));
        }
        _ => {}
    }
    if claim.is_the_pods_own && O::ARE_STORED {
        let owners = value["metadata"]["ownerReferences"].as_array();
        let owners = owners.into_iter().flatten();
        let is_own = owners
            .filter(|owner| owner["controller"] == true)
            .any(|owner| owner["kind"] == "Pod" && owner["uid"].as_str() == pod.uid());
        if !is_own {
            return Ok(Some(format!("it was not made for {}", pod.object)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
