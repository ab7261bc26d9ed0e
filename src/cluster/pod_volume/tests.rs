use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::cluster::PodName;

/// Objects as an API server has them.
#[derive(Default)]
struct Stored {
    objects: BTreeMap<Object, Value>,
    /// What may not be read.
    forbidden: Option<Object>,
}

impl Objects for Stored {
    const ARE_STORED: bool = true;

    async fn get(&self, object: &Object) -> Result<String, ClusterError> {
        if self.forbidden.as_ref() == Some(object) {
            return Err(ClusterError::Forbidden {
                object: object.to_string(),
                reason: "no".into(),
            });
        }
        match self.objects.get(object) {
            Some(value) => Ok(value.to_string()),
            None => Err(object.not_found()),
        }
    }
}

fn pod() -> Object {
    Object::named(Kind::Pod, "shop", "web")
}

fn claim(name: &str) -> Object {
    Object::named(Kind::PersistentVolumeClaim, "shop", name)
}

fn pv() -> Object {
    Object::of_cluster(Kind::PersistentVolume, "pv-1")
}

fn class() -> Object {
    Object::of_cluster(Kind::StorageClass, "fast")
}

fn flex(pool: &str) -> Value {
    json!({"driver": "example.com/d", "options": {"pool": pool}})
}

/// A pod with a claim, an ephemeral claim that is not bound to pv-1, and an
/// inline volume.
fn stored() -> Stored {
    let objects = [
        (
            pod(),
            json!({
                "metadata": {"name": "web", "namespace": "shop", "uid": "u-pod"},
                "spec": {
                    "serviceAccountName": "web",
                    "volumes": [
                        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                        {"name": "tmp", "ephemeral": {"volumeClaimTemplate": {}}},
                        {"name": "scratch", "flexVolume": flex("b")},
                    ],
                },
            }),
        ),
        (
            claim("data"),
            json!({"metadata": {"uid": "u-data"}, "spec": {"volumeName": "pv-1"}}),
        ),
        (
            claim("web-tmp"),
            json!({
                "metadata": {
                    "uid": "u-tmp",
                    "ownerReferences": [{"kind": "Pod", "uid": "u-pod", "controller": true}],
                },
                "spec": {"volumeName": "pv-1"},
            }),
        ),
        (
            pv(),
            json!({
                "metadata": {"name": "pv-1"},
                "spec": {
                    "claimRef": {"namespace": "shop", "name": "data", "uid": "u-data"},
                    "storageClassName": "fast",
                    "flexVolume": flex("a"),
                },
            }),
        ),
        (class(), json!({"metadata": {"name": "fast"}})),
    ];
    Stored {
        objects: objects.into(),
        ..Stored::default()
    }
}

impl Stored {
    /// With a member changed, or removed by `null`.
    fn with(mut self, object: Object, pointer: &str, value: Value) -> Self {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let object = self.objects.get_mut(&object).unwrap();
        object.pointer_mut(parent).unwrap()[member] = value;
        self
    }

    fn without(mut self, object: &Object) -> Self {
        self.objects.remove(object).unwrap();
        self
    }

    /// The volume of a call: what it is called, and the option `pool`.
    async fn find(&self, volume: &str, pool: &str) -> Result<FoundVolume, String> {
        let called = CalledVolume {
            pod: PodName {
                namespace: "shop".into(),
                name: "web".into(),
                uid: "u-pod".into(),
            },
            volume: volume.into(),
            driver: "example.com/d".into(),
            options: BTreeMap::from([("pool".into(), pool.into())]),
        };
        let found = find(self, &called).await;
        found.map_err(|error| error.to_string())
    }

    /// The same for the PersistentVolume and its StorageClass.
    async fn claimed(&self) -> Result<(Value, Option<Value>), String> {
        let read = |json: &str| -> Value { serde_json::from_str(json).unwrap() };
        match self.find("pv-1", "a").await?.source {
            VolumeSource::PersistentVolume {
                json,
                storage_class,
            } => Ok((read(&json), storage_class.as_deref().map(read))),
            VolumeSource::Inline { .. } => panic!("it is inline"),
        }
    }
}

#[tokio::test]
async fn a_claim_leads_to_its_volume_and_the_class() {
    let stored = stored();
    let (volume, storage_class) = stored.claimed().await.unwrap();
    assert_eq!(volume, stored.objects[&pv()]);
    assert_eq!(storage_class.as_ref(), Some(&stored.objects[&class()]));
    let found = stored.find("pv-1", "a").await.unwrap();
    assert_eq!(found.service_account, "web");
    assert_eq!(found.fs_group_change_policy, FsGroupChangePolicy::Always);
    let policy = "/spec/securityContext";
    let stored = stored.with(
        pod(),
        policy,
        json!({"fsGroupChangePolicy": "OnRootMismatch"}),
    );
    let found = stored.find("pv-1", "a").await.unwrap();
    assert_eq!(
        found.fs_group_change_policy,
        FsGroupChangePolicy::OnRootMismatch
    );
}

#[tokio::test]
async fn an_ephemeral_claim_is_the_pods_own() {
    let claim_ref = json!({"namespace": "shop", "name": "web-tmp", "uid": "u-tmp"});
    let stored = stored().with(pv(), "/spec/claimRef", claim_ref);
    stored.claimed().await.unwrap();
    let owner = "/metadata/ownerReferences/0/uid";
    let stored = stored.with(claim("web-tmp"), owner, "u-other".into());
    assert_eq!(
        stored.claimed().await.unwrap_err(),
        "PersistentVolumeClaim shop/web-tmp is not the volume of this call: \
         it was not made for Pod shop/web"
    );
}

#[tokio::test]
async fn an_inline_volume_is_found_in_its_pod() {
    let stored = stored();
    let found = stored.find("scratch", "b").await.unwrap();
    let VolumeSource::Inline { pod: json } = found.source else {
        panic!("{found:?}");
    };
    assert_eq!(json, stored.objects[&pod()].to_string());
}

/// Hazard 7: an inline volume may be called as a stranger's PersistentVolume is.
#[tokio::test]
async fn an_inline_volume_is_not_taken_for_a_volume_of_its_name() {
    let named = stored().with(pod(), "/spec/volumes/2/name", "pv-1".into());
    let strangers = named.with(pv(), "/spec/claimRef/namespace", "other".into());
    let found = strangers.find("pv-1", "b").await.unwrap();
    assert!(matches!(found.source, VolumeSource::Inline { .. }));
    // Not even where it says what the stranger's says.
    let same = strangers.with(pod(), "/spec/volumes/2/flexVolume", flex("a"));
    let found = same.find("pv-1", "a").await.unwrap();
    assert!(matches!(found.source, VolumeSource::Inline { .. }));
}

#[tokio::test]
async fn two_volumes_of_one_directory_are_told_apart_or_refused() {
    let named = stored().with(pod(), "/spec/volumes/2/name", "pv-1".into());
    let found = named.find("pv-1", "b").await.unwrap();
    assert!(matches!(found.source, VolumeSource::Inline { .. }));
    named.claimed().await.unwrap();
    let same = named.with(pod(), "/spec/volumes/2/flexVolume", flex("a"));
    let error = same.find("pv-1", "a").await.unwrap_err();
    assert!(
        error.contains("give the inline volume another name"),
        "{error}"
    );
}

#[tokio::test]
async fn a_volume_in_csi_form_is_found_as_it_is() {
    let csi = json!({"driver": "csi.example.com", "volumeHandle": "h"});
    let stored = stored()
        .with(pv(), "/spec/flexVolume", Value::Null)
        .with(pv(), "/spec/csi", csi);
    let (volume, _) = stored.claimed().await.unwrap();
    assert_eq!(volume["spec"]["csi"]["volumeHandle"], "h");
}

#[tokio::test]
async fn the_class_of_an_annotation_counts_first_and_one_that_is_gone_is_none() {
    let gone = stored().without(&class());
    assert_eq!(gone.claimed().await.unwrap().1, None);
    let none = stored().with(pv(), "/spec/storageClassName", "".into());
    assert_eq!(none.claimed().await.unwrap().1, None);
    let annotation = json!({ STORAGE_CLASS: "fast" });
    let annotated = none.with(pv(), "/metadata/annotations", annotation);
    assert!(annotated.claimed().await.unwrap().1.is_some());
}

#[tokio::test]
async fn the_stand_in_of_a_static_pod_has_the_pods_uid_in_an_annotation() {
    let other = stored().with(pod(), "/metadata/uid", "u-mirror".into());
    assert_eq!(
        other.find("scratch", "b").await.unwrap_err(),
        "Pod shop/web is not the volume of this call: \
         its uid is u-mirror, and kubelet calls for pod u-pod, which is gone"
    );
    let annotation = json!({"kubernetes.io/config.mirror": "u-pod"});
    let mirror = other.with(pod(), "/metadata/annotations", annotation);
    mirror.find("scratch", "b").await.unwrap();
}

/// Each row: what is different, and what is said of the call for pv-1.
#[tokio::test]
async fn every_mismatch_is_said() {
    let not = "is not the volume of this call:";
    let rows = [
        (
            stored().without(&pod()),
            "there is no Pod shop/web".to_owned(),
        ),
        (
            stored().without(&pv()),
            "there is no PersistentVolume pv-1".to_owned(),
        ),
        (
            stored().without(&claim("data")),
            "there is no PersistentVolumeClaim shop/data".to_owned(),
        ),
        (
            stored().with(pv(), "/spec/claimRef", Value::Null),
            format!("PersistentVolume pv-1 {not} it is bound to no claim"),
        ),
        (
            stored().with(pv(), "/spec/claimRef/name", "other".into()),
            format!(
                "PersistentVolume pv-1 {not} it is bound to PersistentVolumeClaim shop/other, \
                 which Pod shop/web does not name"
            ),
        ),
        (
            stored().with(pv(), "/spec/claimRef/namespace", "other".into()),
            format!(
                "PersistentVolume pv-1 {not} it is bound to PersistentVolumeClaim other/data, \
                 which Pod shop/web does not name"
            ),
        ),
        (
            stored().with(pv(), "/spec/claimRef/uid", "u-before".into()),
            format!(
                "PersistentVolumeClaim shop/data {not} \
                 PersistentVolume pv-1 is bound to another claim of that name"
            ),
        ),
        (
            stored().with(pv(), "/spec/claimRef/uid", Value::Null),
            format!(
                "PersistentVolumeClaim shop/data {not} PersistentVolume pv-1 is not bound to it yet"
            ),
        ),
        (
            stored().with(claim("data"), "/spec/volumeName", "pv-2".into()),
            format!("PersistentVolumeClaim shop/data {not} it is bound to PersistentVolume pv-2"),
        ),
        (
            stored().with(claim("data"), "/spec/volumeName", Value::Null),
            format!("PersistentVolumeClaim shop/data {not} it is bound to PersistentVolume none"),
        ),
        (
            stored().with(
                pv(),
                "/spec/flexVolume/driver",
                "flexvolume-example.com/d".into(),
            ),
            format!(
                "PersistentVolume pv-1 {not} its driver is \"flexvolume-example.com/d\", \
                 and kubelet calls \"example.com/d\""
            ),
        ),
        (
            stored().with(pv(), "/spec/flexVolume/options/pool", "c".into()),
            format!("PersistentVolume pv-1 {not} its option \"pool\" has another value"),
        ),
        (
            stored().with(pv(), "/spec/flexVolume/options", Value::Null),
            format!("PersistentVolume pv-1 {not} it has no option \"pool\""),
        ),
        (
            stored().with(pv(), "/spec/flexVolume/options/more", "1".into()),
            format!("PersistentVolume pv-1 {not} kubelet does not give its option \"more\""),
        ),
        (
            stored().with(pv(), "/spec/flexVolume/options/pool", 1.into()),
            format!("PersistentVolume pv-1 {not} its option \"pool\" is no string"),
        ),
        (
            stored().with(pv(), "/spec/flexVolume", Value::Null),
            format!("PersistentVolume pv-1 {not} it is no FlexVolume"),
        ),
        (
            stored().with(pod(), "/spec/volumes", json!([])),
            format!("Pod shop/web {not} it has no FlexVolume pv-1, and no claim"),
        ),
        (
            stored().with(
                pod(),
                "/spec/securityContext",
                json!({"fsGroupChangePolicy": "Never"}),
            ),
            "Pod shop/web cannot be read: spec.securityContext.fsGroupChangePolicy is \"Never\", \
             which this version does not know"
                .to_owned(),
        ),
    ];
    for (stored, expected) in rows {
        assert_eq!(stored.claimed().await.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn an_inline_volume_that_differs_is_said() {
    assert_eq!(
        stored()
            .without(&pv())
            .find("scratch", "x")
            .await
            .unwrap_err(),
        "Pod shop/web is not the volume of this call: \
         of its volume scratch, its option \"pool\" has another value"
    );
}

#[tokio::test]
async fn what_may_not_be_read_is_no_mismatch() {
    for object in [pod(), pv(), claim("data"), class()] {
        let stored = Stored {
            forbidden: Some(object.clone()),
            ..stored()
        };
        assert_eq!(
            stored.claimed().await.unwrap_err(),
            format!("flex2csi may not read {object}: no; give its service account that right")
        );
    }
}

#[tokio::test]
async fn a_message_shows_no_options() {
    let stored = stored().with(pv(), "/spec/flexVolume/options/pool", "hunter2".into());
    let error = stored.find("pv-1", "hunter3").await.unwrap_err();
    assert!(!error.contains("hunter"), "{error}");
}
