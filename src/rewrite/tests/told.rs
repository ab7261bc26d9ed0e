//! What begins with volume and claim as a watch told of them.

use std::sync::{Arc, Mutex};

use flex2csi_translators::rewrite::{Direction, StopCode};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::{assert_right, task, told};
use crate::rewrite::{Finished, Options, Resource, Stopped, Verb, rewrite_one};

/// Rewrites the volume, of which the watch told as the task has it, and of its claim so.
async fn rewrite(cluster: &Cluster, claim: &Value) -> Result<Finished, Stopped> {
    rewrite_one(cluster, &task(), &told(claim), &Options::new("one")).await
}

/// A volume or claim, changed by somebody since.
fn change(cluster: &Cluster, resource: Resource, change: impl FnOnce(&mut Value)) {
    let (at, object) = match resource {
        Resource::Claim => (("n", "c"), cluster.claim()),
        _ => (("", "data"), cluster.volume()),
    };
    let mut object = object.unwrap();
    change(&mut object);
    cluster.put(resource, at, object);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_was_told_is_read_once() {
    let reads = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&reads);
    let mut cluster = Cluster::failing(move |_, call| {
        if call.verb == Verb::Get {
            noted.lock().unwrap().push(call.place.resource);
        }
        None
    });
    cluster.lag = Some(0);
    let claim = cluster.claim().unwrap();
    rewrite(&cluster, &claim).await.unwrap();
    assert_right(&cluster, Direction::Forward);
    let reads = reads.lock().unwrap();
    assert_eq!(
        *reads,
        [Resource::Claim],
        "right before the creation; the record was written right before the deletion"
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_volume_that_was_not_told_goes_along() {
    let cluster = Cluster::new();
    let claim = cluster.claim().unwrap();
    change(&cluster, Resource::PersistentVolume, |volume| {
        volume["metadata"]["labels"] = json!({"team": "db"});
    });
    rewrite(&cluster, &claim).await.unwrap();
    assert_right(&cluster, Direction::Forward);
    let volume = cluster.volume().unwrap();
    assert_eq!(volume["metadata"]["labels"]["team"], "db");
}

#[tokio::test(start_paused = true)]
async fn a_reason_to_stop_is_read_before_it_is_one() {
    let cluster = Cluster::new();
    let mut claim = cluster.claim().unwrap();
    claim["status"]["conditions"] = json!([{"type": "Resizing", "status": "True"}]);
    rewrite(&cluster, &claim).await.unwrap();
    assert_right(&cluster, Direction::Forward);
}

/// The cluster has not told the volume yet either.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_deleted_meanwhile_gets_no_volume_or_one_that_stays() {
    let cluster = Cluster::new();
    let claim = cluster.claim().unwrap();
    cluster.remove(Resource::Claim, "n", "c");
    let stopped = rewrite(&cluster, &claim).await.unwrap_err();
    assert!(
        matches!(&stopped, Stopped::World(stop) if stop.code == StopCode::ClaimGone),
        "{stopped}"
    );
    assert!(cluster.record().unwrap()["spec"]["restore"].is_string());

    let cluster = Cluster::new();
    change(&cluster, Resource::Claim, |claim| {
        claim["metadata"]["deletionTimestamp"] = "now".into();
        claim["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
    });
    let stopped = rewrite(&cluster, &claim).await.unwrap_err();
    assert!(
        matches!(&stopped, Stopped::World(stop) if stop.code == StopCode::ClaimEnding),
        "{stopped}"
    );
    let volume = cluster.volume().unwrap();
    assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
}
