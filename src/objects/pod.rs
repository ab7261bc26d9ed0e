use flex2csi_translators::plan::{PodPhase, PodUse};
use serde::Deserialize;

use super::metadata::{Metadata, null_is_empty};

/// A Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// `metadata`
    pub metadata: Metadata,
    /// `spec`
    pub spec: PodSpec,
    status: Status,
}

/// A pod's specification, in a pod or in what makes pods.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    node_name: String,
    security_context: Option<SecurityContext>,
    #[serde(deserialize_with = "null_is_empty")]
    volumes: Vec<Volume>,
    #[serde(deserialize_with = "null_is_empty")]
    containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SecurityContext {
    fs_group: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Volume {
    name: String,
    persistent_volume_claim: Option<Claim>,
    ephemeral: Option<Ephemeral>,
    host_path: Option<HostPath>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Claim {
    claim_name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Ephemeral {}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HostPath {
    path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
}

impl Pod {
    /// The node that it is on; empty before it is on one.
    pub fn node(&self) -> &str {
        &self.spec.node_name
    }

    /// The claims that it names, those of its ephemeral volumes too: they are
    /// called `<pod>-<volume>`.
    pub fn claims(&self) -> Vec<String> {
        let volumes = self.spec.volumes.iter();
        volumes
            .filter_map(
                |volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
                    (Some(claim), _) => Some(claim.claim_name.clone()),
                    (None, Some(_)) => Some(format!("{}-{}", self.metadata.name, volume.name)),
                    (None, None) => None,
                },
            )
            .collect()
    }

    /// The pod as a user of a claim.
    pub fn as_use(&self) -> PodUse {
        let phase = match self.status.phase.as_str() {
            "Succeeded" | "Failed" => PodPhase::Ended,
            _ if self.metadata.deletion_timestamp.is_some() => PodPhase::Ending,
            "Running" => PodPhase::Running,
            _ => PodPhase::Pending,
        };
        let context = self.spec.security_context.as_ref();
        PodUse {
            namespace: self.metadata.namespace.clone(),
            pod: self.metadata.name.clone(),
            uid: self.metadata.uid.clone(),
            node: self.spec.node_name.clone(),
            phase,
            fs_group: context.is_some_and(|context| context.fs_group.is_some()),
            owner: String::new(),
        }
    }
}

impl PodSpec {
    /// Its directories of the host.
    pub fn host_paths(&self) -> impl Iterator<Item = &str> {
        let volumes = self.volumes.iter();
        volumes.filter_map(|volume| Some(volume.host_path.as_ref()?.path.as_str()))
    }

    /// Its containers' names and images.
    pub fn containers(&self) -> impl Iterator<Item = (&str, &str)> {
        let containers = self.containers.iter();
        containers.map(|container| (container.name.as_str(), container.image.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ephemeral_volumes_have_claims_too() {
        let json = r#"{"metadata":{"name":"p"},"spec":{"volumes":[
            {"name":"a","persistentVolumeClaim":{"claimName":"c"}},
            {"name":"b","ephemeral":{"volumeClaimTemplate":{}}},
            {"name":"d","emptyDir":{}}]}}"#;
        let pod: Pod = serde_json::from_str(json).unwrap();
        assert_eq!(pod.claims(), ["c", "p-b"]);
    }

    #[test]
    fn a_pod_that_has_ended_is_no_running_one() {
        for (status, deleted, expected) in [
            ("Running", false, PodPhase::Running),
            ("Running", true, PodPhase::Ending),
            ("Succeeded", true, PodPhase::Ended),
            ("Pending", false, PodPhase::Pending),
            ("Unknown", false, PodPhase::Pending),
        ] {
            let mut pod = Pod::default();
            pod.status.phase = status.into();
            pod.metadata.deletion_timestamp = deleted.then(|| "now".into());
            assert_eq!(pod.as_use().phase, expected);
        }
    }
}
