//! What CSI volumes can do and legacy ones cannot, asked for as a user does.

use flex2csi_testing::lab::{Started, Story};
use serde_json::{Value, json};

/// Asks for 2 GiB for a claim of 1 GiB, and waits until the pod that has it at `/data`
/// sees them.
pub async fn grow_under(story: &Story, pod: &Started<'_>, claim: &str) {
    let size = async || -> u64 {
        let size = pod.exec("df -k /data | awk 'END { print $2 }'").await;
        size.trim().parse().unwrap()
    };
    let before = size().await;
    grow(story, claim, "2Gi").await;
    assert!(size().await > before + (900 << 10), "{before} KiB before");
}

/// Asks for more space, and waits until the claim has it.
async fn grow(story: &Story, claim: &str, size: &str) {
    let patch = json!({ "spec": { "resources": { "requests": { "storage": size } } } });
    let patch = patch.to_string();
    let arguments = ["patch", "pvc", "-n", story.namespace(), claim, "-p", &patch];
    story.lab.kubectl(arguments).await.unwrap();
    story
        .until("the claim has its new size", async || {
            let claim = story.object(&["persistentvolumeclaim", claim]).await;
            claim["status"]["capacity"]["storage"] == size
        })
        .await;
    let volume = volume_of(story, claim).await;
    assert_eq!(volume["spec"]["capacity"]["storage"], size);
}

/// The only VolumeSnapshotClass.
pub fn snapshot_class(driver: &str) -> Value {
    json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
        "metadata": { "name": "snapshots" },
        "driver": driver,
        "deletionPolicy": "Delete",
    })
}

/// Takes a snapshot of a claim's volume.
pub async fn snapshot(story: &Story, name: &str, claim: &str) {
    let snapshot = json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": { "name": name, "namespace": "" },
        "spec": {
            "volumeSnapshotClassName": "snapshots",
            "source": { "persistentVolumeClaimName": claim },
        },
    });
    story.apply([snapshot]).await;
    story
        .until("the snapshot is ready", async || {
            let snapshot = story.object(&["volumesnapshot", name]).await;
            snapshot["status"]["readyToUse"] == true
        })
        .await;
}

/// A claim whose volume is to be made from a snapshot.
pub fn restored(mut claim: Value, size: &str, snapshot: &str) -> Value {
    claim["spec"]["resources"]["requests"]["storage"] = json!(size);
    claim["spec"]["dataSource"] = json!({
        "apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": snapshot,
    });
    claim
}

/// The volume of a claim.
pub async fn volume_of(story: &Story, claim: &str) -> Value {
    let claim = story.object(&["persistentvolumeclaim", claim]).await;
    let volume = claim["spec"]["volumeName"].as_str().unwrap();
    story.object(&["persistentvolume", volume]).await
}

/// The zones from which a volume is reached.
pub fn zones(volume: &Value) -> Vec<String> {
    let terms = volume.pointer("/spec/nodeAffinity/required/nodeSelectorTerms");
    let terms = terms.and_then(Value::as_array).into_iter().flatten();
    let expressions = terms.flat_map(|term| term["matchExpressions"].as_array().unwrap());
    expressions
        .flat_map(|expression| expression["values"].as_array().unwrap())
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}
