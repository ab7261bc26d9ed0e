//! What holds of the in-tree translation for any input.

use flex2csi_translators::in_tree;
use flex2csi_translators::json::Object;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names that the translation looks at, in the places where it looks.
const NAMES: [&str; 40] = [
    "metadata",
    "name",
    "labels",
    "annotations",
    "spec",
    "csi",
    "driver",
    "volumeHandle",
    "volumeAttributes",
    "nodeStageSecretRef",
    "namespace",
    "fsType",
    "readOnly",
    "partition",
    "awsElasticBlockStore",
    "volumeID",
    "gcePersistentDisk",
    "pdName",
    "cinder",
    "azureDisk",
    "diskURI",
    "kind",
    "cachingMode",
    "azureFile",
    "secretName",
    "shareName",
    "vsphereVolume",
    "volumePath",
    "portworxVolume",
    "rbd",
    "monitors",
    "accessModes",
    "nodeAffinity",
    "required",
    "nodeSelectorTerms",
    "matchExpressions",
    "key",
    "values",
    "parameters",
    "allowedTopologies",
];

const TEXTS: [&str; 18] = [
    "",
    "a",
    "topology.kubernetes.io/zone",
    "topology.gke.io/zone",
    "us-east-1a",
    "us-central1-a",
    "a__b",
    "ebs.csi.aws.com",
    "pd.csi.storage.gke.io",
    "file.csi.azure.com",
    "rbd.csi.ceph.com",
    "aws://z/vol-1",
    "aws://[::1%25]/vol-%ff",
    "a/b/c/d/e/f",
    "a#b#c",
    "http\n://x/vhds/é",
    "azure-storage-account-é-secret",
    "\u{0}\u{fffd}İ",
];

/// Values that another writer would spell in another way.
const SPELLINGS: [&str; 6] = [
    "{ \"a\" :1e3,\n\t\"\\u0061b\":[ 1 ,{}] }",
    "1.0",
    "\"\\/\\u00e9\"",
    "null",
    "[ ]",
    "[[],\"]\\\"}\"]",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&TEXTS[..]).prop_map(str::to_owned),
        any::<String>(),
    ]
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        1 => any_text(),
    ]
}

/// Any JSON, more often with names that mean something.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A member of `spec` and what stands in it.
fn any_source() -> impl Strategy<Value = (String, Value)> {
    (any_name(), any_json())
}

fn parse(text: &str) -> Object<'_> {
    Object::parse(text).expect("the test writes JSON")
}

/// Every public function on one object; what comes out is JSON again.
fn ask_everything(text: &str, plugin: &str) {
    let Ok(object) = Object::parse(text) else {
        return;
    };
    let results = [
        in_tree::to_csi(object.clone()),
        in_tree::to_in_tree(object.clone()),
        in_tree::inline_to_csi(object.clone(), "ns"),
        in_tree::storage_class_to_csi(plugin, object.clone()),
    ];
    for written in results.into_iter().flatten() {
        let written = written.to_json();
        let read: Result<Value, _> = serde_json::from_str(&written);
        assert!(read.is_ok(), "{written}");
    }
    // What nobody claims to know is not translated.
    if let Ok(false) = in_tree::is_migratable(&mut object.clone()) {
        assert!(in_tree::to_csi(object).is_err());
    }
}

/// What an in-tree volume may look like in a cluster, and what it looks like
/// once it has been there and back; the module of each plugin says why.
fn round_trip() -> impl Strategy<Value = (Value, Value)> {
    let id = "[a-z0-9]{1,12}";
    let fs = prop::sample::select(vec!["", "ext4", "xfs"]);
    let common = (id, fs, any::<bool>(), 0..5_i32);
    common.prop_flat_map(|(id, fs, read_only, partition)| {
        let with = |mut source: Value, more: &[(&str, Value)]| {
            for (name, value) in more {
                let empty = [json!(""), json!(false), json!(0)].contains(value);
                if !empty {
                    source[*name] = value.clone();
                }
            }
            source
        };
        let fs_type = ("fsType", json!(fs));
        let read_only_member = ("readOnly", json!(read_only));
        let volume = |field: &str, source: Value| json!({ field: source });
        let both =
            |field: &str, source: Value| (volume(field, source.clone()), volume(field, source));
        let ebs = with(
            json!({"volumeID": format!("vol-{id}")}),
            &[
                fs_type.clone(),
                read_only_member.clone(),
                ("partition", json!(partition)),
            ],
        );
        let gce = with(
            json!({"pdName": id}),
            &[
                fs_type.clone(),
                read_only_member.clone(),
                ("partition", json!(partition)),
            ],
        );
        let plain = with(
            json!({"volumeID": id}),
            &[fs_type.clone(), read_only_member.clone()],
        );
        let uri =
            format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/{id}");
        let azure_disk = json!({
            "diskName": id, "diskURI": uri, "kind": "Managed", "fsType": fs, "readOnly": read_only,
        });
        let azure_file = with(
            json!({"secretName": id, "shareName": "s", "secretNamespace": "n"}),
            std::slice::from_ref(&read_only_member),
        );
        let secret = json!({"secretName": id, "shareName": "s"});
        let default_secret =
            json!({"secretName": id, "shareName": "s", "secretNamespace": "claims"});
        let path = with(json!({"volumePath": id}), std::slice::from_ref(&fs_type));
        let no_path = with(json!({"volumePath": ""}), std::slice::from_ref(&fs_type));
        let no_secret = with(plain.clone(), &[("secretRef", json!({"name": "s"}))]);
        let portworx = with(json!({"volumeID": id}), std::slice::from_ref(&fs_type));
        prop::sample::select(vec![
            both("awsElasticBlockStore", ebs.clone()),
            (
                volume(
                    "awsElasticBlockStore",
                    with(
                        ebs.clone(),
                        &[("volumeID", json!(format!("aws://z/vol-{id}")))],
                    ),
                ),
                volume("awsElasticBlockStore", ebs),
            ),
            both("gcePersistentDisk", gce),
            both("cinder", plain.clone()),
            (volume("cinder", no_secret), volume("cinder", plain.clone())),
            both("azureDisk", azure_disk),
            both("azureFile", azure_file),
            (
                volume("azureFile", secret),
                volume("azureFile", default_secret),
            ),
            (
                volume("vsphereVolume", path),
                volume("vsphereVolume", no_path),
            ),
            (
                volume("portworxVolume", plain),
                volume("portworxVolume", portworx),
            ),
        ])
    })
}

/// A PersistentVolume around members of `spec`.
fn around(source: &Value) -> Value {
    let mut pv = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "pv-1", "annotations": {"a": "b"}},
        "spec": {
            "capacity": {"storage": "1.50Gi"},
            "accessModes": ["ReadWriteOnce"],
            "claimRef": {"namespace": "claims", "name": "c", "uid": "u"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
            ]}},
            "unknown": {"x": 1},
        },
        "status": {"phase": "Bound"},
    });
    // Region rules ask for a zone in every term.
    if source.get("awsElasticBlockStore").is_some() || source.get("gcePersistentDisk").is_some() {
        pv["spec"]["nodeAffinity"] = json!({});
    }
    for (name, value) in source.as_object().into_iter().flatten() {
        pv["spec"][name] = value.clone();
    }
    pv
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_input_ends_the_program(value in any_json(), plugin in 0..8_usize) {
        let plugins = ["aws-ebs", "gce-pd", "cinder", "azure-disk", "azure-file",
            "vsphere-volume", "portworx-volume", "rbd"];
        ask_everything(&value.to_string(), &format!("kubernetes.io/{}", plugins[plugin]));
    }

    #[test]
    fn no_volume_ends_the_program(
        sources in prop::collection::vec(any_source(), 0..4),
        metadata in any_json(),
    ) {
        let spec: Map<String, Value> = sources.into_iter().collect();
        let pv = json!({"metadata": metadata, "spec": spec});
        ask_everything(&pv.to_string(), "kubernetes.io/rbd");
    }

    #[test]
    fn no_text_ends_the_program(id in any_text(), host in "[\\[\\]:%@a-f0-9./#?]{0,16}") {
        let _ = in_tree::ebs_volume_id(&id);
        let _ = in_tree::ebs_volume_id(&format!("aws://{host}/vol-1"));
        for driver in ["pd.csi.storage.gke.io", "ebs.csi.aws.com"] {
            let _ = in_tree::repair_handle(driver, &id, &host);
            let _ = in_tree::repair_handle(driver, &format!("a/UNSPECIFIED/{host}/d/e/f"), &id);
        }
        let _ = in_tree::driver_of_plugin(&id);
        let _ = in_tree::plugin_of_driver(&id);
    }

    #[test]
    fn only_json_is_opened(
        value in any_json(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), "[\\[\\]{}\",:\\\\u0-9eE.+\\- \\n\u{1}\u{c}truefalsn]{0,2}", any::<bool>()),
            0..4,
        ),
    ) {
        let mut text: Vec<char> = json!({"a": value}).to_string().chars().collect();
        for (place, new, replaces) in edits {
            let at = place.index(text.len());
            text.splice(at..at + usize::from(replaces), new.chars());
            if text.is_empty() {
                return Ok(());
            }
        }
        let text: String = text.into_iter().collect();
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text.trim_ascii()).is_ok();
        let opened = Object::parse(&text);
        prop_assert!(is_json || opened.is_err(), "{}", text);
        if let Ok(object) = opened {
            let written: Value = serde_json::from_str(&object.to_json()).unwrap_or_default();
            let read: Value = serde_json::from_str(text.trim_ascii()).unwrap_or_default();
            prop_assert_eq!(written, read);
        }
    }

    #[test]
    fn a_volume_comes_back_as_its_plugin_says((source, expected) in round_trip()) {
        let text = around(&source).to_string();
        let csi = in_tree::to_csi(parse(&text)).unwrap().to_json();
        let back = in_tree::to_in_tree(parse(&csi)).unwrap().to_json();
        let back: Value = serde_json::from_str(&back).unwrap();
        prop_assert_eq!(back, around(&expected));
    }

    #[test]
    fn what_is_not_touched_keeps_its_text(
        value in prop::sample::select(&SPELLINGS[..]),
        (source, _) in round_trip(),
    ) {
        let source = source.to_string();
        let source = &source[1..source.len() - 1];
        let text = format!(
            r#"{{"kind":{value},"metadata":{{"name":"n","x":{value}}},"spec":{{"first":{value},{source},"claimRef":{{"namespace":"c","y":{value}}},"last":{value}}},"z":{value}}}"#
        );
        let csi = in_tree::to_csi(parse(&text)).unwrap();
        let written = csi.to_json();
        let start = format!(r#"{{"kind":{value},"metadata":{{"name":"n","x":{value}}},"spec":{{"first":{value},"csi":{{"#);
        let end = format!(r#"}},"claimRef":{{"namespace":"c","y":{value}}},"last":{value}}},"z":{value}}}"#);
        prop_assert!(written.starts_with(&start), "{}", written);
        prop_assert!(written.ends_with(&end), "{}", written);
    }
}

#[test]
fn an_rbd_image_survives_and_its_cluster_does_not() {
    let text = r#"{"metadata":{"name":"n"},"spec":{"rbd":{"monitors":["m"],"image":"i","pool":"p","user":"u","keyring":"k","fsType":"ext4","readOnly":true,"secretRef":{"name":"s","namespace":"n"}},"accessModes":["ReadWriteMany"]}}"#;
    let csi = in_tree::to_csi(parse(text)).unwrap().to_json();
    let back = in_tree::to_in_tree(parse(&csi)).unwrap().to_json();
    let back: Value = serde_json::from_str(&back).unwrap();
    assert_eq!(
        back["spec"],
        json!({
            "rbd": {
                "monitors": [""], "image": "i", "pool": "p", "user": "admin", "fsType": "ext4",
                "secretRef": {"name": "s", "namespace": "n"},
            },
            "accessModes": ["ReadOnlyMany"],
        })
    );
    assert_eq!(
        back["metadata"]["annotations"],
        json!({
            "rbd.csi.ceph.com/volume-handle":
                "mig_mons-6f8f57715090da2632453988d9a1501b_image-i_70",
            "clusterID": "6f8f57715090da2632453988d9a1501b",
            "imageFeatures": "layering", "imageFormat": "", "journalPool": "",
        })
    );
}

#[test]
fn a_term_that_is_not_touched_keeps_its_text_beside_one_that_is() {
    let text = r#"{"spec":{"cinder":{"volumeID":"v"},"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"topology.kubernetes.io/zone","operator":"In","values":[ "b","a" ]}, {"operator": "Exists" , "key":"disk"}]},{ "matchFields" : [] }]}}}}"#;
    let expected = r#"{"spec":{"csi":{"driver":"cinder.csi.openstack.org","volumeHandle":"v"},"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"topology.cinder.csi.openstack.org/zone","operator":"In","values":[ "b","a" ]}, {"operator": "Exists" , "key":"disk"}]},{ "matchFields" : [] }]}}}}"#;
    assert_eq!(in_tree::to_csi(parse(text)).unwrap().to_json(), expected);
}

#[test]
fn escapes_of_half_a_character_are_read_as_go_reads_them() {
    let text = r#"{"spec":{"cinder":{"volumeID":"\ud800x"},"\udc00":1}}"#;
    let expected =
        r#"{"spec":{"csi":{"driver":"cinder.csi.openstack.org","volumeHandle":"�x"},"\udc00":1}}"#;
    assert_eq!(in_tree::to_csi(parse(text)).unwrap().to_json(), expected);
}
