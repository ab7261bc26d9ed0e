//! Whatever object comes, of whatever kind and for whichever form: nothing
//! panics, and what is not understood is not lost.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::json::Object;
use flex2csi_translators::{Context, Target, TargetForm, Values, translate};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KINDS: [(&str, &str); 12] = [
    ("v1", "PersistentVolume"),
    ("v1", "PersistentVolumeClaim"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshotContent"),
    ("v1", "Pod"),
    ("v1", "PodTemplate"),
    ("v1", "ReplicationController"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "List"),
];

/// Members that translations look for, so that they are met with wrong values.
const NAMES: [&str; 42] = [
    "metadata",
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "ownerReferences",
    "controller",
    "spec",
    "template",
    "jobTemplate",
    "volumes",
    "replicas",
    "provisioner",
    "parameters",
    "allowedTopologies",
    "matchLabelExpressions",
    "nodeAffinity",
    "required",
    "nodeSelectorTerms",
    "matchExpressions",
    "key",
    "operator",
    "values",
    "accessModes",
    "claimRef",
    "csi",
    "driver",
    "volumeHandle",
    "volumeAttributes",
    "flexVolume",
    "options",
    "volumeID",
    "awsElasticBlockStore",
    "gcePersistentDisk",
    "azureFile",
    "rbd",
    "nfs",
    "secretRef",
    "readOnly",
    "fsType",
    "items",
];

const TEXTS: [&str; 10] = [
    "",
    "vol-1",
    "ebs.csi.aws.com",
    "huawei.com/fuxivol",
    "ceph.rook.io/a",
    "us-east-1a",
    "a^b",
    "kubernetes.io/aws-ebs",
    "flexvolume-huawei.com/fuxivol",
    "\u{130}\u{0}\u{1f600}",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => prop::sample::select(&TEXTS[..]).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => ".{0,12}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(6, 48, 5, |inner| {
        let members =
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner.clone()), 0..5);
        prop_oneof![
            4 => members.prop_map(object),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    })
}

fn object(members: Vec<(&'static str, Value)>) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

fn ways() -> impl Strategy<Value = (Target, TargetForm)> {
    let targets = prop::sample::select(vec![Target::Stored, Target::Runtime]);
    let forms = vec![TargetForm::Csi, TargetForm::InTree, TargetForm::Endpoint];
    (targets, prop::sample::select(forms))
}

/// The object after translation, and whether it changed; `None` if it failed.
fn translated(text: &str, (target, target_form): (Target, TargetForm)) -> Option<(String, bool)> {
    let (mappings, values) = (Mappings::built_in(), Values::default());
    let context = Context {
        target,
        target_form,
        ..Context::new(&values, &mappings)
    };
    let outcome = translate(Object::parse(text).unwrap(), &context).ok()?;
    Some((outcome.object.to_json(), outcome.changed))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn nothing_panics_and_what_is_unknown_stays(
        (version, kind) in prop::sample::select(&KINDS[..]),
        mut members in prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..6),
        way in ways(),
    ) {
        members.push(("futureField", json!({ "a": [1, { "b": null }] })));
        let mut all = object(members);
        all["apiVersion"] = version.into();
        all["kind"] = kind.into();
        let text = all.to_string();
        if let Some((out, changed)) = translated(&text, way) {
            let after: Value = serde_json::from_str(&out).unwrap();
            prop_assert_eq!(&after["futureField"], &all["futureField"]);
            if !changed {
                prop_assert_eq!(after, all);
            }
        }
    }

    /// A workload with a volume of each kind, some of them nonsense.
    #[test]
    fn a_pod_keeps_all_but_its_legacy_volumes(
        sources in prop::collection::vec((prop::sample::select(&NAMES[25..40]), value()), 0..4),
        containers in value(),
        way in ways(),
    ) {
        let volumes: Vec<Value> = sources
            .into_iter()
            .enumerate()
            .map(|(n, (source, value))| json!({ "name": format!("v{n}"), source: value, "x": n }))
            .collect();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "n" },
            "spec": { "containers": containers, "volumes": volumes },
        });
        if let Some((out, _)) = translated(&pod.to_string(), way) {
            let after: Value = serde_json::from_str(&out).unwrap();
            prop_assert_eq!(&after["spec"]["containers"], &pod["spec"]["containers"]);
            let (before, after) = (pod["spec"]["volumes"].as_array(), after["spec"]["volumes"].as_array());
            prop_assert_eq!(before.unwrap().len(), after.unwrap().len());
            for (before, after) in before.unwrap().iter().zip(after.unwrap()) {
                prop_assert_eq!(&before["name"], &after["name"]);
                prop_assert_eq!(&before["x"], &after["x"]);
            }
        }
    }
}
