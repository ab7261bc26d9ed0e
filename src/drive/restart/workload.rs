//! How one workload is stopped and started again: each by one patch, which records in
//! labels what to put back, and is refused if the workload is not as it was seen.
//!
//! Labels, not annotations: the Deployment controller copies a Deployment's annotations
//! to its ReplicaSets, and `kubectl rollout undo` copies them back (kubernetes v1.36
//! `pkg/controller/deployment/util`, `kubectl/pkg/polymorphichelpers`).

use flex2csi_translators::digest::sha256_hex;
use flex2csi_translators::plan::Workload;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use serde_json::{Value, json};

/// What is to be put back: a number of replicas, or one of the words below.
pub const FROM: &str = "flex2csi.io/stopped-from";
/// Which process stopped it.
pub const BY: &str = "flex2csi.io/stopped-by";
/// When that process said last that it lives, in seconds since 1970.
pub const AT: &str = "flex2csi.io/stopped-at";

/// A Job that was not suspended.
const NOT_SUSPENDED: &str = "not-suspended";
/// A DaemonSet without our node selector.
const ALL_NODES: &str = "all-nodes";
/// No node has this label.
const NOWHERE: &str = "flex2csi.io/stopped";

/// A kind of workloads that can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// As in `kind`.
    pub name: &'static str,
    /// As in paths.
    pub plural: &'static str,
    /// Empty for the core group.
    pub group: &'static str,
}

/// All of them.
pub const KINDS: [Kind; 6] = [
    kind("Deployment", "deployments", "apps"),
    kind("StatefulSet", "statefulsets", "apps"),
    kind("DaemonSet", "daemonsets", "apps"),
    kind("ReplicaSet", "replicasets", "apps"),
    kind("ReplicationController", "replicationcontrollers", ""),
    kind("Job", "jobs", "batch"),
];

const fn kind(name: &'static str, plural: &'static str, group: &'static str) -> Kind {
    Kind {
        name,
        plural,
        group,
    }
}

impl Kind {
    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.name == name)
    }

    fn resource(self) -> ApiResource {
        let api_version = match self.group {
            "" => "v1".to_owned(),
            group => format!("{group}/v1"),
        };
        ApiResource {
            group: self.group.to_owned(),
            version: "v1".to_owned(),
            api_version,
            kind: self.name.to_owned(),
            plural: self.plural.to_owned(),
        }
    }

    /// Those of a namespace.
    pub fn of_namespace(self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(client.clone(), namespace, &self.resource())
    }

    /// Those of all namespaces.
    pub fn everywhere(self, client: &Client) -> Api<DynamicObject> {
        Api::all_with(client.clone(), &self.resource())
    }
}

/// Who stops, in a label.
pub fn mark_of(holder: &str) -> String {
    sha256_hex(holder.as_bytes())[..16].to_owned()
}

/// A workload as it is.
#[derive(Debug, Clone, Copy)]
pub struct Live<'a>(pub &'a Value);

impl<'a> Live<'a> {
    fn text(self, at: &str) -> &'a str {
        self.0.pointer(at).and_then(Value::as_str).unwrap_or("")
    }

    fn number(self, at: &str) -> Option<i64> {
        self.0.pointer(at).and_then(Value::as_i64)
    }

    /// Its uid.
    pub fn uid(self) -> &'a str {
        self.text("/metadata/uid")
    }

    /// One of our labels; empty without.
    pub fn label(self, name: &str) -> &'a str {
        self.0["metadata"]["labels"][name].as_str().unwrap_or("")
    }

    /// How it is called.
    pub fn workload(self) -> Workload {
        let (namespace, name) = (
            self.text("/metadata/namespace"),
            self.text("/metadata/name"),
        );
        let mut workload = Workload::unknown(self.text("/kind"), namespace, name, "");
        workload.uid = self.uid().to_owned();
        workload
    }

    /// Why it must not be stopped, whoever wants it.
    pub fn forbids(self) -> Option<&'static str> {
        let policy = self.text("/spec/persistentVolumeClaimRetentionPolicy/whenScaled");
        (policy == "Delete").then_some(
            "scaled down, it would delete its claims (persistentVolumeClaimRetentionPolicy.whenScaled)",
        )
    }

    /// What it is stopped from, as the label has it; `None` where it makes no pods.
    fn from(self) -> Option<String> {
        match self.text("/kind") {
            "Job" => (self.0["spec"]["suspend"] != true).then(|| NOT_SUSPENDED.to_owned()),
            "DaemonSet" => {
                let selector = &self.0["spec"]["template"]["spec"]["nodeSelector"];
                selector[NOWHERE].is_null().then(|| ALL_NODES.to_owned())
            }
            _ => match self.number("/spec/replicas").unwrap_or(1) {
                0 => None,
                replicas => Some(replicas.to_string()),
            },
        }
    }

    /// Whether it makes no pods.
    pub fn is_stopped(self) -> bool {
        self.from().is_none()
    }

    /// Whether all is there that is noted when it is stopped: else somebody has taken
    /// some of it off, and it is not known what they mean.
    pub fn is_noted(self) -> bool {
        let at = self.label(AT).parse::<i64>();
        !self.label(FROM).is_empty() && !self.label(BY).is_empty() && at.is_ok()
    }

    /// The patch that stops it; `None` where it is stopped.
    pub fn stop(self, mark: &str, now: i64) -> Option<Value> {
        let from = self.from()?;
        let spec = match from.as_str() {
            NOT_SUSPENDED => json!({"suspend": true}),
            ALL_NODES => json!({"template": {"spec": {"nodeSelector": {NOWHERE: "true"}}}}),
            _ => json!({"replicas": 0}),
        };
        let labels = json!({FROM: from, BY: mark, AT: now.to_string()});
        Some(self.patch(labels, Some(spec)))
    }

    /// The patch that says who stops it, and that this one lives.
    pub fn hold(self, mark: &str, now: i64) -> Value {
        self.patch(json!({BY: mark, AT: now.to_string()}), None)
    }

    /// The patch that puts back what was; `None` where we did not stop it. What
    /// somebody else has set meanwhile stays.
    pub fn back(self) -> Option<Value> {
        let spec = match self.label(FROM) {
            "" => return None,
            _ if !self.is_stopped() => None,
            NOT_SUSPENDED => Some(json!({"suspend": false})),
            ALL_NODES => Some(json!({"template": {"spec": {"nodeSelector": {NOWHERE: null}}}})),
            // Somebody has changed the label: whatever they want, it is not a number.
            replicas => replicas
                .parse::<u32>()
                .ok()
                .map(|replicas| json!({"replicas": replicas})),
        };
        Some(self.patch(json!({FROM: null, BY: null, AT: null}), spec))
    }

    fn patch(self, labels: Value, spec: Option<Value>) -> Value {
        let mut patch = json!({"metadata": {
            "uid": self.uid(),
            "resourceVersion": self.text("/metadata/resourceVersion"),
            "labels": labels,
        }});
        if let Some(spec) = spec {
            patch["spec"] = spec;
        }
        patch
    }

    /// How many of its pods are ready.
    pub fn ready(self) -> i64 {
        let at = match self.text("/kind") {
            "DaemonSet" => "/status/numberReady",
            "Job" => "/status/ready",
            _ => "/status/readyReplicas",
        };
        self.number(at).unwrap_or(0)
    }

    /// Whether its controller has seen it as it is.
    pub fn is_observed(self) -> bool {
        match self.number("/status/observedGeneration") {
            Some(observed) => Some(observed) >= self.number("/metadata/generation"),
            // Jobs say nothing of it.
            None => true,
        }
    }

    /// Whether its pods name a claim of its namespace.
    pub fn names(self, claim: &str) -> bool {
        let of = |at: &str| self.0.pointer(at).and_then(Value::as_array);
        let volumes = of("/spec/template/spec/volumes").into_iter().flatten();
        let mut volumes = volumes.map(|volume| &volume["persistentVolumeClaim"]["claimName"]);
        let templates = of("/spec/volumeClaimTemplates").into_iter().flatten();
        let mut templates = templates.filter_map(|claim| claim["metadata"]["name"].as_str());
        let name = self.text("/metadata/name");
        let is_of = |template: &str| {
            let number = claim.strip_prefix(&format!("{template}-{name}-"));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        volumes.any(|named| named == claim) || templates.any(is_of)
    }
}

/// What puts a workload back by hand. What was noted goes with it: else a later run puts
/// it back once more, however it is meant to be then.
pub fn by_hand(workload: &Workload, from: &str) -> String {
    let (kind, name) = (workload.kind.to_ascii_lowercase(), &workload.name);
    let kubectl = format!("kubectl -n {}", workload.namespace);
    let back = match from {
        NOT_SUSPENDED => {
            format!(r#"{kubectl} patch {kind} {name} -p '{{"spec":{{"suspend":false}}}}'"#)
        }
        ALL_NODES => format!(
            r#"{kubectl} patch {kind} {name} --type merge -p '{{"spec":{{"template":{{"spec":{{"nodeSelector":{{"{NOWHERE}":null}}}}}}}}}}'"#
        ),
        replicas => format!("{kubectl} scale {kind} {name} --replicas={replicas}"),
    };
    format!("{back} && {}", forget_by_hand(workload))
}

/// What takes off by hand what was noted of a workload.
pub fn forget_by_hand(workload: &Workload) -> String {
    let (kind, name) = (workload.kind.to_ascii_lowercase(), &workload.name);
    format!(
        "kubectl -n {} label {kind} {name} {FROM}- {BY}- {AT}-",
        workload.namespace
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge_patch::merge;

    fn live(kind: &str, spec: Value) -> Value {
        json!({
            "kind": kind,
            "metadata": {"namespace": "shop", "name": "db", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}},
            "spec": spec,
        })
    }

    #[test]
    fn what_is_stopped_is_put_back_as_it_was() {
        for (kind, spec) in [
            ("StatefulSet", json!({"replicas": 3})),
            ("Deployment", json!({"replicas": 1})),
            ("Job", json!({"suspend": false})),
            (
                "DaemonSet",
                json!({"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}),
            ),
        ] {
            let before = live(kind, spec);
            let mut object = before.clone();
            merge(&mut object, &Live(&before).stop("me", 5).unwrap());
            assert!(Live(&object).is_stopped(), "{object}");
            assert_eq!(Live(&object).stop("me", 5), None);
            assert_eq!(Live(&object).label(BY), "me");
            let back = Live(&object).back().unwrap();
            merge(&mut object, &back);
            assert_eq!(object, before);
            assert_eq!(Live(&object).back(), None);
        }
    }

    #[test]
    fn what_others_set_meanwhile_stays() {
        let mut object = live("Deployment", json!({"replicas": 3}));
        let stop = Live(&object).stop("me", 5).unwrap();
        merge(&mut object, &stop);
        object["spec"]["replicas"] = 5.into();
        let back = Live(&object).back().unwrap();
        merge(&mut object, &back);
        assert_eq!(object, live("Deployment", json!({"replicas": 5})));
    }

    /// By hand it was put back with its labels left, and stopped later for another reason.
    #[test]
    fn what_is_put_back_by_hand_bears_no_label_any_more() {
        let workload = Live(&live("StatefulSet", json!({}))).workload();
        let labels = "kubectl -n shop label statefulset db flex2csi.io/stopped-from- \
                      flex2csi.io/stopped-by- flex2csi.io/stopped-at-";
        assert_eq!(forget_by_hand(&workload), labels);
        let scale = "kubectl -n shop scale statefulset db --replicas=3";
        assert_eq!(by_hand(&workload, "3"), format!("{scale} && {labels}"));
        assert!(by_hand(&workload, NOT_SUSPENDED).ends_with(labels));
        assert!(by_hand(&workload, ALL_NODES).ends_with(labels));
    }

    #[test]
    fn only_what_is_noted_in_full_is_put_back() {
        let before = live("StatefulSet", json!({"replicas": 3}));
        let mut left = before.clone();
        merge(&mut left, &Live(&before).stop("me", 5).unwrap());
        assert!(Live(&left).is_noted());
        for labels in [
            json!({FROM: null}),
            json!({BY: null}),
            json!({AT: null}),
            json!({AT: "today"}),
        ] {
            let mut other = left.clone();
            merge(&mut other, &json!({"metadata": {"labels": labels}}));
            assert!(!Live(&other).is_noted(), "{labels}");
        }
    }

    #[test]
    fn each_write_names_what_was_seen() {
        let object = live("StatefulSet", json!({}));
        let seen = Live(&object);
        for patch in [seen.stop("me", 5).unwrap(), seen.hold("me", 5)] {
            assert_eq!(patch["metadata"]["uid"], "u");
            assert_eq!(patch["metadata"]["resourceVersion"], "7");
        }
        // Without a number it is one.
        assert_eq!(seen.stop("me", 5).unwrap()["metadata"]["labels"][FROM], "1");
    }

    #[test]
    fn its_claims_are_known_without_its_pods() {
        let object = live(
            "StatefulSet",
            json!({
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
                "template": {"spec": {"volumes": [{"name": "s", "persistentVolumeClaim": {"claimName": "shared"}}]}},
            }),
        );
        for (claim, expected) in [
            ("data-db-0", true),
            ("data-db-12", true),
            ("shared", true),
            ("data-db-x", false),
            ("data-db2-0", false),
            ("other", false),
        ] {
            assert_eq!(Live(&object).names(claim), expected, "{claim}");
        }
    }

    #[test]
    fn one_that_deletes_its_claims_is_never_stopped() {
        let spec = json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}});
        assert!(Live(&live("StatefulSet", spec)).forbids().is_some());
        assert!(Live(&live("StatefulSet", json!({}))).forbids().is_none());
    }
}
