//! What a Pod says of its volumes.

use serde_json::Value;

use super::object::{Kind, Object};
use super::{ClusterError, FsGroupChangePolicy, PodName};

/// Where the API server's stand-in for a static pod has the static pod's uid.
const MIRRORED: &str = "kubernetes.io/config.mirror";

/// A Pod.
pub(super) struct Pod {
    pub(super) object: Object,
    pub(super) json: String,
    value: Value,
}

/// A claim that a pod names.
pub(super) struct PodClaim {
    pub(super) claim: Object,
    /// It is made for the pod (`ephemeral`), and so has to be the pod's own.
    pub(super) is_the_pods_own: bool,
}

impl Pod {
    pub(super) fn read(object: Object, json: String) -> Result<Self, ClusterError> {
        let value = object.parse(&json)?;
        Ok(Self {
            object,
            json,
            value,
        })
    }

    /// That it is the pod of the call, and not another that has its name.
    pub(super) fn is(&self, called: &PodName, are_stored: bool) -> Result<(), ClusterError> {
        let metadata = &self.value["metadata"];
        let uid = metadata["uid"].as_str();
        let mirrored = metadata["annotations"][MIRRORED].as_str();
        let called = called.uid.as_str();
        if uid == Some(called) || mirrored == Some(called) || (uid.is_none() && !are_stored) {
            return Ok(());
        }
        let uid = uid.unwrap_or("not known");
        Err(self.object.differs(format!(
            "its uid is {uid}, and kubelet calls for pod {called}, which is gone"
        )))
    }

    /// Its uid, where it has one.
    pub(super) fn uid(&self) -> Option<&str> {
        self.value["metadata"]["uid"].as_str()
    }

    fn volumes(&self) -> impl Iterator<Item = &Value> {
        self.value["spec"]["volumes"]
            .as_array()
            .into_iter()
            .flatten()
    }

    /// The FlexVolume that stands in it under a name.
    pub(super) fn inline(&self, name: &str) -> Option<&Value> {
        let volume = self.volumes().find(|volume| volume["name"] == name)?;
        volume.get("flexVolume").filter(|flex| !flex.is_null())
    }

    /// The claims that it names.
    pub(super) fn claims(&self, called: &PodName) -> Vec<PodClaim> {
        let claim = |volume: &Value| {
            let named = volume["persistentVolumeClaim"]["claimName"].as_str();
            let is_the_pods_own = named.is_none() && volume["ephemeral"].is_object();
            let name = match (named, volume["name"].as_str()) {
                (Some(name), _) => name.to_owned(),
                // kubernetes `component-helpers/storage/ephemeral`, v1.36.
                (None, Some(volume)) if is_the_pods_own => format!("{}-{volume}", called.name),
                _ => return None,
            };
            let claim = Object::named(Kind::PersistentVolumeClaim, &called.namespace, &name);
            Some(PodClaim {
                claim,
                is_the_pods_own,
            })
        };
        self.volumes().filter_map(claim).collect()
    }

    pub(super) fn fs_group_change_policy(&self) -> Result<FsGroupChangePolicy, ClusterError> {
        match &self.value["spec"]["securityContext"]["fsGroupChangePolicy"] {
            Value::Null => Ok(FsGroupChangePolicy::Always),
            Value::String(policy) if policy == "Always" => Ok(FsGroupChangePolicy::Always),
            Value::String(policy) if policy == "OnRootMismatch" => {
                Ok(FsGroupChangePolicy::OnRootMismatch)
            }
            other => Err(self.object.unreadable(format!(
                "spec.securityContext.fsGroupChangePolicy is {other}, \
                 which this version does not know"
            ))),
        }
    }

    /// Its service account, `default` where it does not say.
    pub(super) fn service_account(&self) -> String {
        let account = self.value["spec"]["serviceAccountName"].as_str();
        account
            .filter(|name| !name.is_empty())
            .unwrap_or("default")
            .to_owned()
    }
}
