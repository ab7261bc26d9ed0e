use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::cluster::{FsGroupChangePolicy, FsGroupPolicy, VolumeSource};

const PV: &str = "\
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-1}
spec:
  storageClassName: fast
  flexVolume: {driver: example.com/d, options: {pool: a}}
";
const CLASS: &str = "\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: example.com/d
";
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccountName: web
  securityContext: {fsGroupChangePolicy: OnRootMismatch}
  volumes:
  - name: data
    persistentVolumeClaim: {claimName: data}
  - name: scratch
    flexVolume: {driver: example.com/d, options: {pool: b}}
";
const CLAIM: &str = "\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {volumeName: pv-1}
";

/// Manifests of a test, in a directory.
struct Manifests {
    directory: tempfile::TempDir,
    files: Files,
}

impl Manifests {
    fn of(objects: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::new(vec![directory.path().to_owned()]);
        let manifests = Self { directory, files };
        manifests.write("a.yaml", &objects.join("---\n"));
        manifests
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    async fn volume(&self, volume: &str, pool: &str) -> Result<FoundVolume, String> {
        let called = CalledVolume {
            pod: PodName {
                namespace: "shop".into(),
                name: "web".into(),
                uid: "any".into(),
            },
            volume: volume.into(),
            driver: "example.com/d".into(),
            options: BTreeMap::from([("pool".into(), pool.into())]),
        };
        let found = self.files.volume(&called).await;
        found.map_err(|error| error.to_string())
    }

    async fn secret(&self, name: &str) -> Result<SecretValues, String> {
        let name = SecretName {
            namespace: "shop".into(),
            name: name.into(),
        };
        let values = self.files.secret(&name).await;
        values.map_err(|error| error.to_string())
    }
}

/// The names of the PersistentVolume and of its class.
fn names(found: &FoundVolume) -> (String, Option<String>) {
    let name = |json: &str| {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        value["metadata"]["name"].as_str().unwrap().to_owned()
    };
    match &found.source {
        VolumeSource::PersistentVolume {
            json,
            storage_class,
        } => (name(json), storage_class.as_deref().map(name)),
        VolumeSource::Inline { pod } => (format!("in {}", name(pod)), None),
    }
}

#[tokio::test]
async fn without_the_pod_the_name_counts_if_driver_and_options_are_the_calls() {
    let manifests = Manifests::of(&[PV, CLASS]);
    let found = manifests.volume("pv-1", "a").await.unwrap();
    assert_eq!(names(&found), ("pv-1".into(), Some("fast".into())));
    assert_eq!(found.fs_group_change_policy, FsGroupChangePolicy::Always);
    assert_eq!(found.service_account, "default");
    assert_eq!(
        manifests.volume("pv-1", "b").await.unwrap_err(),
        "PersistentVolume pv-1 is not the volume of this call: \
         its option \"pool\" has another value"
    );
    assert_eq!(
        manifests.volume("scratch", "b").await.unwrap_err(),
        "there is no PersistentVolume scratch among the manifests, nor Pod shop/web, \
         without which its inline volumes are not known"
    );
}

#[tokio::test]
async fn with_the_pod_its_claims_and_inline_volumes_count() {
    let manifests = Manifests::of(&[POD, CLAIM, PV]);
    let found = manifests.volume("pv-1", "a").await.unwrap();
    assert_eq!(names(&found), ("pv-1".into(), None));
    assert_eq!(
        found.fs_group_change_policy,
        FsGroupChangePolicy::OnRootMismatch
    );
    assert_eq!(found.service_account, "web");
    let found = manifests.volume("scratch", "b").await.unwrap();
    assert_eq!(names(&found), ("in web".into(), None));
    let stranger = CLAIM.replace("volumeName: pv-1", "volumeName: pv-2");
    let manifests = Manifests::of(&[POD, &stranger, PV]);
    assert_eq!(
        manifests.volume("pv-1", "a").await.unwrap_err(),
        "PersistentVolume pv-1 is not the volume of this call: \
         no claim that Pod shop/web names is bound to it"
    );
}

#[tokio::test]
async fn an_item_of_a_list_gets_the_kind_that_it_leaves_out() {
    let manifests = Manifests::of(&[]);
    manifests.write(
        "list.json",
        r#"{"kind": "PersistentVolumeList", "apiVersion": "v1", "items": [{"metadata": {"name": "pv-1"},
            "spec": {"flexVolume": {"driver": "example.com/d", "options": {"pool": "a"}}}}]}"#,
    );
    let found = manifests.volume("pv-1", "a").await.unwrap();
    let VolumeSource::PersistentVolume { json, .. } = &found.source else {
        panic!("{found:?}");
    };
    let pv: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(
        (&pv["apiVersion"], &pv["kind"]),
        (&"v1".into(), &"PersistentVolume".into())
    );
    assert_eq!(pv["metadata"]["name"], "pv-1");
}

#[tokio::test]
async fn secrets_and_csi_drivers_are_read() {
    let secret = "\
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: shop}
data: {key: djE=}
stringData: {user: u}
";
    let driver = "\
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: csi.example.com}
spec: {attachRequired: false, fsGroupPolicy: File}
";
    let manifests = Manifests::of(&[secret, driver]);
    let values = manifests.secret("s").await.unwrap().0;
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(values, [("key", &b"v1"[..]), ("user", b"u")]);
    assert_eq!(
        manifests.secret("t").await.unwrap_err(),
        "there is no Secret shop/t"
    );
    let driver = manifests.files.csi_driver("csi.example.com").await.unwrap();
    assert!(!driver.attach_required);
    assert_eq!(driver.fs_group_policy, FsGroupPolicy::File);
    let unknown = manifests.files.csi_driver("other").await.unwrap();
    assert_eq!(unknown, CsiDriver::default());
}

#[tokio::test]
async fn a_change_counts_at_the_next_call() {
    let manifests = Manifests::of(&[PV]);
    manifests.volume("pv-1", "a").await.unwrap();
    // Same file, same size, within one tick of the file system's clock.
    manifests.write("a.yaml", &PV.replace("pool: a", "pool: b"));
    manifests.volume("pv-1", "b").await.unwrap();
    manifests.write("b.yml", &PV.replace("pv-1", "pv-2"));
    manifests.volume("pv-2", "a").await.unwrap();
    std::fs::remove_file(manifests.path().join("b.yml")).unwrap();
    manifests.volume("pv-2", "a").await.unwrap_err();
}

#[tokio::test]
async fn what_does_not_change_is_read_once() {
    let manifests = Manifests::of(&[PV]);
    // Until the file's last change is long enough ago.
    let settled = async {
        loop {
            let first = manifests.files.cache.snapshot().await.unwrap();
            let second = manifests.files.cache.snapshot().await.unwrap();
            if std::sync::Arc::ptr_eq(&first, &second) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let settled = tokio::time::timeout(std::time::Duration::from_secs(60), settled).await;
    settled.expect("it is kept");
    manifests.write("a.yaml", &PV.replace("pool: a", "pool: b"));
    manifests.volume("pv-1", "b").await.unwrap();
}

#[tokio::test]
async fn what_is_missing_may_be_in_what_is_broken() {
    let there = "apiVersion: v1\nkind: Secret\nmetadata: {name: t, namespace: shop}\n";
    let manifests = Manifests::of(&[there, PV, "kind: Secret\ndata: {key: hunter2\n"]);
    manifests.secret("t").await.unwrap();
    // The call's Pod may be there, and say something else.
    manifests.volume("pv-1", "a").await.unwrap_err();
    let error = manifests.secret("s").await.unwrap_err();
    assert!(
        error.starts_with("Secret shop/s cannot be read: it is not in what can be read")
            && error.contains("a.yaml: line "),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn two_objects_of_one_name_are_not_chosen_from() {
    let manifests = Manifests::of(&[PV, PV]);
    manifests.volume("pv-1", "a").await.unwrap();
    manifests.write("b.yaml", &PV.replace("pool: a", "pool: b"));
    assert_eq!(
        manifests.volume("pv-1", "a").await.unwrap_err(),
        "PersistentVolume pv-1 cannot be read: \
         it is there twice, and not the same; remove one of them"
    );
}

#[tokio::test]
async fn files_that_are_not_there_are_said() {
    let files = Files::new(vec!["/nonexistent/pvs".into()]);
    let error = files.csi_driver("d").await.unwrap_err().to_string();
    assert!(
        error.starts_with("what is in /nonexistent/pvs cannot be read: ")
            && error.contains("does not exist"),
        "{error}"
    );
}
