use std::path::Path as FilePath;

use super::*;
use crate::json::Object;

const PV: &str = r#"{
  "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1", "uid": "u"},
  "spec": {
    "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
    "claimRef": {"namespace": "web", "name": "data"}, "storageClassName": "fast",
    "persistentVolumeReclaimPolicy": "Delete", "mountOptions": ["noatime", "discard"],
    "nodeAffinity": {"required": {"nodeSelectorTerms": []}},
    "csi": {
      "driver": "d.example.com", "volumeHandle": "vol-1", "fsType": "xfs", "readOnly": true,
      "volumeAttributes": {"a": "1", "b": ""},
      "nodeStageSecretRef": {"name": "s", "namespace": "web"},
      "nodeExpandSecretRef": {"name": "", "namespace": "web"},
      "controllerExpandSecretRef": {"name": "e", "namespace": "admin"}
    }
  }
}"#;

#[test]
fn everything_that_calls_need_is_read() {
    let volume = CsiVolume::read(&mut Object::parse(PV).unwrap());
    let volume = volume.unwrap().unwrap();
    let secret = |namespace: &str, name: &str| {
        Some(SecretRef {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    };
    let expected = CsiVolume {
        name: "pv-1".into(),
        driver: "d.example.com".into(),
        handle: "vol-1".into(),
        fs_type: "xfs".into(),
        attributes: [("a", "1"), ("b", "")]
            .map(|(key, value)| (key.into(), value.into()))
            .into(),
        read_only: true,
        secrets: SecretRefs {
            node_stage: secret("web", "s"),
            node_publish: None,
            node_expand: None,
            controller_expand: secret("admin", "e"),
        },
        mount_options: vec!["noatime".into(), "discard".into()],
        access_modes: vec![AccessMode::ReadWriteOnce, AccessMode::ReadOnlyMany],
        is_block: false,
    };
    assert_eq!(volume, expected);
    assert_eq!(volume.access_mode(), AccessMode::ReadWriteOnce);
    assert!(volume.is_shared());
}

#[test]
fn what_is_in_another_form_or_incomplete_is_told_apart() {
    let read = |text: &str| CsiVolume::read(&mut Object::parse(text).unwrap());
    assert_eq!(read("{}"), Ok(None));
    assert_eq!(
        read(r#"{"spec": {"flexVolume": {"driver": "a/b"}}}"#),
        Ok(None)
    );
    for text in [
        r#"{"spec": {"csi": {"driver": "d"}}}"#,
        r#"{"spec": {"csi": {"volumeHandle": "h", "driver": ""}}}"#,
        r#"{"spec": {"csi": {"volumeHandle": 1, "driver": "d"}}}"#,
        r#"{"spec": {"csi": {"volumeHandle": "h", "driver": "d", "volumeAttributes": {"a": 1}}}}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn a_driver_is_told_the_first_mode_alone() {
    for (mode, plain, multi_writer) in [
        ("ReadWriteOnce", 1, 7),
        ("ReadWriteOncePod", 1, 6),
        ("ReadOnlyMany", 3, 3),
        ("ReadWriteMany", 5, 5),
        ("Later", 0, 0),
    ] {
        let mode = AccessMode::of(mode);
        assert_eq!(mode.csi(false).number(), plain, "{mode:?}");
        assert_eq!(mode.csi(true).number(), multi_writer, "{mode:?}");
    }
    let without = CsiVolume::default();
    assert_eq!(without.access_mode(), AccessMode::ReadWriteOnce);
}

#[test]
fn paths_and_files_are_kubelets() {
    // Kubernetes v1.36 names the directory by `fmt.Sprintf("%x", sha256.Sum256(handle))`.
    assert_eq!(
        staging_directory(FilePath::new("/var/lib/kubelet"), "d.example.com", ""),
        FilePath::new(
            "/var/lib/kubelet/plugins/kubernetes.io/csi/d.example.com/\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )
    );
    assert_eq!(
        volume_data("d", "a\"b"),
        "{\"driverName\":\"d\",\"volumeHandle\":\"a\\\"b\"}\n"
    );
}

#[test]
fn five_codes_leave_open_what_happened() {
    let open: Vec<i32> = (1..=16).filter(|code| !is_final(*code)).collect();
    assert_eq!(open, [1, 4, 8, 10, 14]);
}

#[test]
fn a_group_is_the_drivers_the_mounters_or_nobodys() {
    use Ownership::{Driver, Kept, Mounter};
    use OwnershipPolicy::{File, None as Never, ReadWriteOnceWithFsType};
    let volume = |fs_type: &str, mode: &str| CsiVolume {
        fs_type: fs_type.to_owned(),
        access_modes: vec![AccessMode::of(mode)],
        ..CsiVolume::default()
    };
    for (volume, read_only, policy, mount_group, expected) in [
        (
            volume("ext4", "ReadWriteOnce"),
            false,
            ReadWriteOnceWithFsType,
            false,
            Mounter(7),
        ),
        (
            volume("ext4", "ReadWriteOncePod"),
            false,
            ReadWriteOnceWithFsType,
            false,
            Mounter(7),
        ),
        (
            volume("", "ReadWriteOnce"),
            false,
            ReadWriteOnceWithFsType,
            false,
            Kept,
        ),
        (
            volume("ext4", "ReadWriteMany"),
            false,
            ReadWriteOnceWithFsType,
            false,
            Kept,
        ),
        (volume("", "ReadWriteMany"), false, File, false, Mounter(7)),
        (volume("ext4", "ReadWriteOnce"), true, File, false, Kept),
        (volume("ext4", "ReadWriteOnce"), false, Never, false, Kept),
        (volume("", "ReadWriteMany"), true, Never, true, Driver(7)),
    ] {
        let got = volume.ownership(Some(7), read_only, policy, mount_group);
        assert_eq!(got, expected, "{volume:?} {read_only} {policy:?}");
    }
    let without = volume("ext4", "ReadWriteOnce").ownership(None, false, File, true);
    assert_eq!(without, Kept);
}

#[test]
fn a_secret_without_a_namespace_is_the_claims_or_the_pods() {
    let secret = |text: &str| {
        let found = secret_of_flex_volume(&mut Object::parse(text).unwrap(), "pod-ns").unwrap();
        found.map(|secret| format!("{}/{}", secret.namespace, secret.name))
    };
    let flex = |claim: &str, secret: &str| {
        format!(
            r#"{{"spec": {{{claim} "flexVolume": {{"driver": "a/b", "secretRef": {secret}}}}}}}"#
        )
    };
    let claim = r#""claimRef": {"namespace": "web"},"#;
    assert_eq!(
        secret(&flex(claim, r#"{"name": "s", "namespace": "n"}"#)).as_deref(),
        Some("n/s")
    );
    assert_eq!(
        secret(&flex(claim, r#"{"name": "s"}"#)).as_deref(),
        Some("web/s")
    );
    assert_eq!(
        secret(&flex("", r#"{"name": "s"}"#)).as_deref(),
        Some("pod-ns/s")
    );
    assert_eq!(secret(&flex("", r#"{"name": ""}"#)), None);
    assert_eq!(secret(r#"{"spec": {"nfs": {}}}"#), None);
}

#[test]
fn of_a_pod_only_the_volume_in_question_is_looked_at() {
    let text = r#"{"metadata": {"name": "p", "namespace": "web",
          "ownerReferences": [{"controller": true, "kind": "ReplicaSet", "name": "rs"}]},
        "spec": {"nodeName": "n", "volumes": [
          {"name": "broken", "flexVolume": {"driver": 1}},
          {"name": "data", "flexVolume": {"driver": "a/b", "secretRef": {"name": "s"}}}]}}"#;
    let mut pod = Object::parse(text).unwrap();
    let (alone, secret) = pod_of_inline(&mut pod, "data").unwrap().unwrap();
    let alone: serde_json::Value = serde_json::from_str(&alone.to_json()).unwrap();
    assert_eq!(
        alone["metadata"],
        serde_json::json!({"name": "p", "namespace": "web"})
    );
    assert_eq!(alone["spec"]["volumes"].as_array().unwrap().len(), 1);
    assert_eq!(alone["spec"]["volumes"][0]["name"], "data");
    assert_eq!(secret.unwrap().namespace, "web");
    assert!(pod_of_inline(&mut pod, "other").unwrap().is_none());
}

#[test]
fn what_is_to_be_filled_in_is_no_value() {
    let text = r#"{"kind": "Secret", "metadata": {"name": "s", "namespace": "n"},
        "data": {"a": "YQ=="}, "stringData": {"b": "b", "c": ""}}"#;
    let found = secret_contents(&mut Object::parse(text).unwrap()).unwrap();
    let (secret, data, string_data) = found.unwrap();
    assert_eq!(
        (secret.namespace.as_str(), secret.name.as_str()),
        ("n", "s")
    );
    assert_eq!(data.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(string_data.keys().collect::<Vec<_>>(), ["b"]);
    let pv = secret_contents(&mut Object::parse(r#"{"kind": "PersistentVolume"}"#).unwrap());
    assert_eq!(pv.unwrap(), None);
}
