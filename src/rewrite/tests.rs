//! One volume rewritten and brought back, in a cluster that is kept in memory.

mod begin;
mod cluster;
mod faults;
mod late;
mod pins;
mod told;
mod words;

use flex2csi_translators::rewrite::{ClaimId, Direction, Glimpsed, InUse, ObjectKind, Task, View};
use serde_json::{Value, json};

use self::cluster::Cluster;
use super::{Api, Finished, Options, Seen, Stopped, go_on_one, roll_back_one};
use crate::journal::Document;

const CLAIM: &str = "uid-claim";

fn volume() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": "data",
            "uid": "uid-original",
            "resourceVersion": "1",
            "annotations": {"pv.kubernetes.io/provisioned-by": "example.com/legacy"},
            "finalizers": ["kubernetes.io/pv-protection", "kubernetes.io/pv-controller"],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": "n", "name": "c", "uid": CLAIM,
            },
            "flexVolume": {"driver": "example.com/legacy", "options": {"id": "1"}},
            "persistentVolumeReclaimPolicy": "Delete",
        },
        "status": {"phase": "Bound"},
    })
}

fn claim() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c", "namespace": "n", "uid": CLAIM, "resourceVersion": "1"},
        "spec": {"volumeName": "data"},
        "status": {"phase": "Bound"},
    })
}

fn task() -> Task {
    let mut translated = volume();
    let spec = translated["spec"].as_object_mut().unwrap();
    spec.remove("flexVolume");
    let csi = json!({"driver": "csi.example.com", "volumeHandle": "1", "fsType": "ext4"});
    spec.insert("csi".into(), csi);
    Task {
        kind: ObjectKind::PersistentVolume,
        original: volume().to_string(),
        translated: translated.to_string(),
        claim: Some(ClaimId {
            namespace: "n".into(),
            name: "c".into(),
            uid: CLAIM.into(),
        }),
        claim_annotations: Default::default(),
        in_use: InUse::No,
        keep_delete: false,
    }
}

/// Rewrites an object that was read, and its claim not.
async fn rewrite_one<A: Api>(api: &A, task: &Task, options: &Options) -> Result<Finished, Stopped> {
    super::rewrite_one(api, task, &Seen::default(), options).await
}

/// Goes on with the volume as its record says.
async fn resume<A: Api>(api: &A, record: &Value, holder: &str) -> Result<Finished, Stopped> {
    let Document { spec, status, .. } = Document::read(record).unwrap();
    let options = Options::new(holder);
    match status.direction {
        Direction::Forward => go_on_one(api, spec.kind, &spec.name, &options).await,
        Direction::Back => roll_back_one(api, spec.kind, &spec.name, &options).await,
    }
}

/// Rewrites the volume; where a watch tells of changes it has told how all was at first.
async fn forward(cluster: &Cluster, holder: &str) -> Result<Finished, Stopped> {
    let seen = match cluster.lag {
        Some(_) => told(&claim()),
        None => Seen::default(),
    };
    super::rewrite_one(cluster, &task(), &seen, &Options::new(holder)).await
}

/// A volume and its claim as a watch told them.
fn told(claim: &Value) -> Seen {
    Seen {
        claim: Some(claim.to_string()),
        glimpsed: Glimpsed {
            object: true,
            claim: true,
        },
    }
}

async fn back(cluster: &Cluster, holder: &str) -> Result<Finished, Stopped> {
    let kind = ObjectKind::PersistentVolume;
    roll_back_one(cluster, kind, "data", &Options::new(holder)).await
}

/// Checks that the volume is whole, bound, as it was meant to be, and that the
/// record says so.
fn assert_right(cluster: &Cluster, goal: Direction) {
    let volume = cluster.volume().expect("a volume");
    let view = View(&volume);
    assert!(!view.is_ending());
    assert_eq!(view.policy(), "Delete");
    assert_eq!(
        (view.phase(), view.text("/spec/claimRef/uid")),
        ("Bound", CLAIM)
    );
    let is_csi = volume["spec"]["csi"].is_object();
    assert_eq!(is_csi, goal == Direction::Forward);
    assert_ne!(is_csi, volume["spec"]["flexVolume"].is_object());
    let claim = cluster.claim().expect("the claim");
    assert_eq!((View(&claim).uid(), View(&claim).phase()), (CLAIM, "Bound"));
    let record = cluster.record().expect("a record");
    assert_eq!(record["status"]["step"], "Done");
    assert_eq!(record["status"]["uid"], volume["metadata"]["uid"]);
    let phase = if is_csi { "Rewritten" } else { "RolledBack" };
    assert_eq!(record["status"]["phase"], phase);
    assert_eq!(record["status"]["conditions"][0]["status"], "True");
}

#[tokio::test(start_paused = true)]
async fn it_goes_there_and_back() {
    let cluster = Cluster::new();
    let there = forward(&cluster, "one").await.unwrap();
    assert!(!there.was_done);
    assert_right(&cluster, Direction::Forward);
    assert!(forward(&cluster, "two").await.unwrap().was_done);
    back(&cluster, "three").await.unwrap();
    assert_right(&cluster, Direction::Back);
    assert!(back(&cluster, "four").await.unwrap().was_done);
    let reasons = cluster.events();
    let told = ["Rewritten", "Rewritten", "RolledBack", "RolledBack"];
    assert_eq!(reasons, told, "one on the volume and one on the claim each");
}

#[tokio::test(start_paused = true)]
async fn a_volume_goes_there_again_after_it_came_back() {
    let cluster = Cluster::new();
    forward(&cluster, "one").await.unwrap();
    back(&cluster, "one").await.unwrap();
    let mut task = task();
    task.original = cluster.volume().unwrap().to_string();
    rewrite_one(&cluster, &task, &Options::new("two"))
        .await
        .unwrap();
    assert_right(&cluster, Direction::Forward);
    back(&cluster, "three").await.unwrap();
    assert_right(&cluster, Direction::Back);
}
