//! Where the values of Secrets come from.

use flex2csi::cluster::{SecretValues, VolumeSource};
use flex2csi::flexvolume::volumes::{MountCall, VolumeError};
use serde_json::json;

use crate::rig::{PATIENCE, Rig, pv};

fn values(key: &str, value: &[u8]) -> SecretValues {
    SecretValues([(key.to_owned(), value.to_vec())].into())
}

/// pv-0 with these options and the Secret web/s, as it stands in a
/// PersistentVolume.
fn in_volume(rig: &Rig, options: serde_json::Value) -> MountCall {
    let flex = json!({"driver": "test/disk", "options": options, "secretRef": {"name": "s"}});
    let source = pv(0, json!({ "flexVolume": flex }));
    rig.cluster.known().volumes.insert("pv-0".into(), source);
    let mut call = rig.call(1, "pv-0");
    call.options.secret = values("key", b"from the call");
    call
}

/// The same in a pod.
fn inline(rig: &Rig, options: serde_json::Value) -> MountCall {
    let flex = json!({"driver": "test/disk", "fsType": "ext4", "options": options, "secretRef": {"name": "s"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "pod-1", "namespace": "web", "uid": "uid-1",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "r", "controller": true}]},
        "spec": {"volumes": [
            {"name": "other", "flexVolume": {"driver": "nobody/knows"}},
            {"name": "data", "flexVolume": flex}]}});
    let source = VolumeSource::Inline {
        pod: pod.to_string(),
    };
    rig.cluster.known().volumes.insert("data".into(), source);
    let mut call = rig.call(1, "data");
    call.options.secret = values("key", b"from the call");
    call
}

fn staged_with(rig: &Rig) -> Vec<(String, String)> {
    let state = rig.driver.state();
    let secrets = &state.staged.values().next().unwrap().secrets;
    let secrets = secrets.iter();
    secrets
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn pair(key: &str, value: &str) -> Vec<(String, String)> {
    vec![(key.to_owned(), value.to_owned())]
}

#[tokio::test]
async fn the_volumes_own_secret_came_with_the_call() {
    let rig = Rig::new();
    let call = in_volume(&rig, json!({"id": "vol-0"}));
    rig.mount_within(call, PATIENCE).await.unwrap();
    assert_eq!(staged_with(&rig), pair("key", "from the call"));
    assert_eq!(rig.cluster.known().asked, Vec::<String>::new());
}

#[tokio::test]
async fn what_stood_in_the_options_becomes_a_secret() {
    let rig = Rig::new();
    let call = in_volume(&rig, json!({"id": "vol-0", "password": "hunter2"}));
    rig.mount_within(call, PATIENCE).await.unwrap();
    assert_eq!(staged_with(&rig), pair("password", "hunter2"));
    for record in rig.records() {
        let text = std::fs::read_to_string(record).unwrap();
        assert!(
            !text.contains("hunter2") && !text.contains("from the call"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn any_other_is_asked_of_the_cluster() {
    let rig = Rig::new();
    let admin = ("admin".to_owned(), "admin".to_owned());
    rig.cluster
        .known()
        .secrets
        .insert(admin, values("admin", b"theirs"));
    let call = in_volume(&rig, json!({"id": "vol-0", "admin": "yes"}));
    rig.mount_within(call, PATIENCE).await.unwrap();
    assert_eq!(staged_with(&rig), pair("admin", "theirs"));
    let state = rig.driver.state();
    assert_eq!(
        state.published.values().next().unwrap().secrets["admin"],
        "theirs"
    );
}

#[tokio::test]
async fn a_volume_in_a_pod_gets_the_pods_own_alone() {
    let rig = Rig::new();
    let call = inline(&rig, json!({"id": "vol-0"}));
    rig.mount_within(call, PATIENCE).await.unwrap();
    assert_eq!(staged_with(&rig), pair("key", "from the call"));
    assert_eq!(rig.volumes.list()[0].persistent_volume, None);
    rig.unmount(1, "data").await.unwrap();

    let admin = ("admin".to_owned(), "admin".to_owned());
    rig.cluster
        .known()
        .secrets
        .insert(admin, values("admin", b"theirs"));
    let call = inline(&rig, json!({"id": "vol-0", "admin": "yes"}));
    let error = rig.mount_within(call, PATIENCE).await.unwrap_err();
    assert!(matches!(error, VolumeError::InlineSecret { .. }), "{error}");
    assert_eq!(rig.cluster.known().asked, Vec::<String>::new());
    rig.assert_nothing_left();
}

#[tokio::test]
async fn what_is_no_text_is_refused_without_its_value() {
    let rig = Rig::new();
    let mut call = in_volume(&rig, json!({"id": "vol-0"}));
    call.options.secret = values("key", b"\xff\xfe");
    let error = rig
        .mount_within(call, PATIENCE)
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "the value \"key\" of the Secret web/s is no text in UTF-8"
    );
    rig.assert_nothing_left();
}
