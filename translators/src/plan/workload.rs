//! What makes the pods that use a volume, and whether it may be stopped for a while.

use serde::{Deserialize, Serialize};

use super::{Finding, FindingCode};

/// What makes the pods that use a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Its kind; `Pod` for a pod that nothing makes again.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Whether `flex2csi rewrite --restart` may stop it for a while.
    pub restart: Restart,
    /// Why not, or not without being told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Whether a workload may be stopped for a while.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// It may.
    Plain,
    /// Only if that is said: somebody else has a say in it, or something is lost.
    IfTold,
    /// Nothing would bring it back as it was, or nobody knows how it is stopped.
    #[default]
    Never,
}

/// What was found about a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkloadFacts {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// What controls it: `Kind/name`.
    pub controller: Option<String>,
    /// Who applies it, as [`super::gitops_owner`] tells.
    pub gitops: Option<String>,
    /// The HorizontalPodAutoscaler that scales it, and what made that one.
    pub autoscaler: Option<String>,
    /// Whether a StatefulSet deletes the claims of the pods that it scales down.
    pub deletes_claims: bool,
}

impl WorkloadFacts {
    /// Whether it may be stopped for a while, and why not.
    pub fn judge(self) -> Workload {
        let (restart, why) = self.restart();
        Workload {
            restart,
            why: why.unwrap_or_default(),
            kind: self.kind,
            namespace: self.namespace,
            name: self.name,
            uid: self.uid,
        }
    }

    fn restart(&self) -> (Restart, Option<String>) {
        let never = |why: &str| (Restart::Never, Some(why.to_owned()));
        let if_told = |why: String| (Restart::IfTold, Some(why));
        match self.kind.as_str() {
            "StatefulSet" if self.deletes_claims => {
                return never("scaled down, it would delete its claims (whenScaled: Delete)");
            }
            "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {}
            "DaemonSet" => {
                let why = "it is stopped by a node selector, and rolls out when that goes";
                return if_told(why.to_owned());
            }
            "Job" => {
                return if_told("suspended, it loses what its pods have done so far".to_owned());
            }
            "Pod" => return never("nothing would make it again"),
            kind => return never(&format!("how a {kind} is stopped is not known")),
        }
        if let Some(controller) = &self.controller {
            return if_told(format!("{controller} controls it and may start it again"));
        }
        if let Some(autoscaler) = &self.autoscaler {
            return if_told(format!("{autoscaler} sets its replicas"));
        }
        match &self.gitops {
            // Nothing of Helm's runs between two of its calls.
            Some(tool) if !tool.starts_with("Helm (") => {
                if_told(format!("it is applied by {tool}, which may start it again"))
            }
            _ => (Restart::Plain, None),
        }
    }
}

impl Workload {
    /// A workload of which no more is known.
    pub fn unknown(kind: &str, namespace: &str, name: &str, why: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            why: why.to_owned(),
            ..Self::default()
        }
    }

    /// `Kind namespace/name`
    pub fn full_name(&self) -> String {
        format!("{} {}/{}", self.kind, self.namespace, self.name)
    }

    /// What is to be said of one that is not simply stopped.
    pub(super) fn finding(&self) -> Option<Finding> {
        let code = match self.restart {
            Restart::Plain => return None,
            Restart::IfTold => FindingCode::RestartIfTold,
            Restart::Never => FindingCode::NoRestart,
        };
        let message = format!("{}: {}", self.full_name(), self.why);
        Some(Finding::new(code, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(kind: &str) -> WorkloadFacts {
        WorkloadFacts {
            kind: kind.into(),
            namespace: "shop".into(),
            name: "db".into(),
            ..WorkloadFacts::default()
        }
    }

    #[test]
    fn what_nothing_else_controls_may_be_stopped() {
        for kind in [
            "Deployment",
            "StatefulSet",
            "ReplicaSet",
            "ReplicationController",
        ] {
            let workload = facts(kind).judge();
            assert_eq!(
                (workload.restart, workload.why.as_str()),
                (Restart::Plain, ""),
                "{kind}"
            );
            assert_eq!(workload.finding(), None);
        }
    }

    #[test]
    fn who_else_has_a_say_is_named() {
        let cases = [
            WorkloadFacts {
                controller: Some("Kafka/k".into()),
                ..facts("StatefulSet")
            },
            WorkloadFacts {
                autoscaler: Some("HorizontalPodAutoscaler a".into()),
                ..facts("Deployment")
            },
            WorkloadFacts {
                gitops: Some("Argo CD (k: v)".into()),
                ..facts("Deployment")
            },
            facts("Job"),
            facts("DaemonSet"),
        ];
        for case in cases {
            let workload = case.judge();
            assert_eq!(workload.restart, Restart::IfTold, "{workload:?}");
            assert_eq!(workload.finding().unwrap().code, "restart-if-told");
        }
        let helm = WorkloadFacts {
            gitops: Some("Helm (meta.helm.sh/release-name: shop)".into()),
            ..facts("Deployment")
        };
        assert_eq!(helm.judge().restart, Restart::Plain);
    }

    /// Such a StatefulSet loses its volumes when it is scaled to 0, whoever controls it.
    #[test]
    fn claims_are_never_deleted_by_a_restart() {
        let set = WorkloadFacts {
            deletes_claims: true,
            autoscaler: Some("a".into()),
            ..facts("StatefulSet")
        };
        let workload = set.judge();
        assert_eq!(workload.restart, Restart::Never);
        assert!(workload.why.contains("whenScaled"), "{}", workload.why);
        for kind in ["Pod", "Rollout"] {
            assert_eq!(facts(kind).judge().restart, Restart::Never);
        }
    }
}
