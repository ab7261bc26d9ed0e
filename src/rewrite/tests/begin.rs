//! Records that are there already, and backups.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flex2csi_translators::rewrite::{Direction, ObjectKind, Use};
use serde_json::Value;

use super::cluster::{Cluster, Fault};
use super::{assert_right, back, forward, rewrite_one, task};
use crate::manifest;
use crate::rewrite::{
    Api, Call, Failure, Glimpse, Options, Place, Resource, Stopped, Subject, Verb, roll_back_one,
};

/// A worker that sleeps before one of its calls.
pub(super) struct Sleeper {
    pub(super) cluster: Arc<Cluster>,
    pub(super) at: usize,
    pub(super) calls: AtomicUsize,
    pub(super) slept: Arc<tokio::sync::Notify>,
    pub(super) wake: tokio::sync::Notify,
}

impl Api for Sleeper {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        if self.calls.fetch_add(1, Ordering::Relaxed) + 1 == self.at {
            self.slept.notify_one();
            self.wake.notified().await;
        }
        self.cluster.call(call).await
    }

    async fn used(&self, subject: &Subject<'_>) -> Result<Use, Failure> {
        self.cluster.used(subject).await
    }

    async fn moved(&self, place: &Place, known: &str, longest: Duration) -> bool {
        self.cluster.moved(place, known, longest).await
    }

    fn glimpse(&self, place: &Place, known: &str) -> Option<Glimpse> {
        self.cluster.glimpse(place, known)
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_rewritten_cannot_be_rolled_back() {
    let cluster = Cluster::new();
    let stopped = back(&cluster, "one").await.unwrap_err();
    assert!(matches!(stopped, Stopped::NoRecord { .. }), "{stopped}");
    assert!(cluster.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_record_of_another_original_is_never_written_over() {
    let cluster = Cluster::new();
    forward(&cluster, "one").await.unwrap();
    // As if another of its name were to be rewritten.
    let mut again = task();
    let mut other = cluster.volume().unwrap();
    other["metadata"]["uid"] = "uid-other".into();
    again.original = other.to_string();
    let stopped = rewrite_one(&cluster, &again, &Options::new("two"))
        .await
        .unwrap_err();
    assert!(matches!(stopped, Stopped::OtherRecord { .. }), "{stopped}");
    assert!(
        stopped.to_string().contains("the only way back"),
        "{stopped}"
    );
    assert_right(&cluster, Direction::Forward);
}

#[tokio::test(start_paused = true)]
async fn what_was_rewritten_goes_on_to_another_form_and_back_to_its_original() {
    let cluster = Cluster::new();
    forward(&cluster, "one").await.unwrap();
    let mut again = task();
    let mut live = cluster.volume().unwrap();
    again.original = live.to_string();
    live["spec"]["csi"]["driver"] = "other.example.com".into();
    again.translated = live.to_string();
    let options = Options::new("two");
    rewrite_one(&cluster, &again, &options).await.unwrap();
    assert_right(&cluster, Direction::Forward);
    let driver = |cluster: &Cluster| cluster.volume().unwrap()["spec"]["csi"]["driver"].clone();
    assert_eq!(driver(&cluster), "other.example.com");
    let again = rewrite_one(&cluster, &again, &options).await.unwrap();
    assert!(again.was_done);
    // The first original is in the second record.
    let record = cluster.record().unwrap()["spec"].clone();
    assert!(
        record["original"]
            .as_str()
            .unwrap()
            .contains("uid-original")
    );
    assert!(record["from"].as_str().unwrap().contains("csi.example.com"));
    back(&cluster, "three").await.unwrap();
    assert_right(&cluster, Direction::Back);
    // From there it begins anew.
    let mut task = task();
    task.original = cluster.volume().unwrap().to_string();
    rewrite_one(&cluster, &task, &Options::new("four"))
        .await
        .unwrap();
    assert_right(&cluster, Direction::Forward);
    assert!(cluster.record().unwrap()["spec"]["from"].is_null());
    assert_eq!(driver(&cluster), "csi.example.com");
}

#[tokio::test(start_paused = true)]
async fn what_was_planned_last_counts_until_something_is_deleted() {
    let cluster = Cluster::new();
    *cluster.used.lock().unwrap() = Use::By("pod n/p".into());
    forward(&cluster, "one").await.unwrap_err();
    *cluster.used.lock().unwrap() = Use::Idle;
    let mut other = task();
    other.translated = other.translated.replace("\"ext4\"", "\"xfs\"");
    rewrite_one(&cluster, &other, &Options::new("one"))
        .await
        .unwrap();
    assert_eq!(cluster.volume().unwrap()["spec"]["csi"]["fsType"], "xfs");
    assert_right(&cluster, Direction::Forward);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lives_keeps_its_record() {
    let cluster = Arc::new(Cluster::new());
    cluster.controllers.store(false, Ordering::Relaxed);
    let one = forward(&cluster, "one");
    let two = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        forward(&cluster, "two").await
    };
    let (one, two) = tokio::join!(one, two);
    assert!(matches!(one, Err(Stopped::Waited { .. })), "{one:?}");
    assert!(matches!(two, Err(Stopped::Held { .. })), "{two:?}");
    let record = cluster.record().unwrap();
    assert_eq!(record["status"]["phase"], "Stopped");
    assert_eq!(record["status"]["conditions"][0]["reason"], "WaitedTooLong");
    // Once the controllers work again it goes on.
    cluster.controllers.store(true, Ordering::Relaxed);
    forward(&cluster, "three").await.unwrap();
    assert_right(&cluster, Direction::Forward);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_somebody_deletes_meanwhile_is_made_anew() {
    let cluster = Arc::new(Cluster::new());
    let gone = cluster.clone();
    let sleeper = Sleeper {
        cluster: cluster.clone(),
        at: usize::MAX,
        calls: AtomicUsize::new(0),
        slept: Arc::default(),
        wake: tokio::sync::Notify::new(),
    };
    let options = Options::new("one");
    let task = task();
    let work = rewrite_one(&sleeper, &task, &options);
    let meddle = async {
        while gone
            .volume()
            .is_some_and(|volume| volume["metadata"]["deletionTimestamp"].is_null())
        {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        gone.remove(Resource::Migration, "", "pv-data");
    };
    let (done, ()) = tokio::join!(work, meddle);
    done.unwrap();
    assert_right(&cluster, Direction::Forward);
    back(&cluster, "two").await.unwrap();
    assert_right(&cluster, Direction::Back);
}

#[tokio::test(start_paused = true)]
async fn the_original_is_written_down_before_anything_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("backup");
    let mut options = Options::new("one");
    options.backup = Some(place.clone());
    let cluster =
        Cluster::failing(|_, call| (call.verb == Verb::Create).then_some(Fault::Forbidden));
    rewrite_one(&cluster, &task(), &options).await.unwrap_err();
    assert!(cluster.writes().is_empty());
    let files: Vec<_> = std::fs::read_dir(&place)
        .unwrap()
        .map(|file| file.unwrap())
        .collect();
    assert_eq!(files.len(), 1);
    let mode = files[0].metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(files[0].path()).unwrap();
    let document = text.split("---\n").next().unwrap();
    let restored = manifest::yaml::to_json(document, 1).unwrap();
    let restored: Value = serde_json::from_str(&restored).unwrap();
    assert_eq!(
        restored["spec"]["flexVolume"],
        super::volume()["spec"]["flexVolume"]
    );
    assert_eq!(restored["spec"]["claimRef"]["uid"], super::CLAIM);
    assert_eq!(restored["spec"]["persistentVolumeReclaimPolicy"], "Retain");
}

/// Somebody died while writing the backup: the next one writes it, and leaves no half.
#[tokio::test(start_paused = true)]
async fn half_a_backup_is_removed_by_the_next_run() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::new("one");
    options.backup = Some(directory.path().to_owned());
    let record = flex2csi_translators::rewrite::Record::begin(&task(), "dead").unwrap();
    let whole = format!("pv-data.{}.yaml", &record.spec.id[..8]);
    let half = directory.path().join(format!(".{whole}.partial"));
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join(".tmpAbCdEf"), "apiVersion: v").unwrap();
    std::fs::write(directory.path().join("another"), "").unwrap();
    rewrite_one(&Cluster::new(), &task(), &options)
        .await
        .unwrap();
    let files = std::fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["another", &whole]);
}

#[tokio::test(start_paused = true)]
async fn without_a_backup_nothing_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut options = Options::new("one");
    options.backup = Some(file);
    let cluster = Cluster::new();
    let stopped = rewrite_one(&cluster, &task(), &options).await.unwrap_err();
    assert!(matches!(stopped, Stopped::Backup(_)), "{stopped}");
    assert!(cluster.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_told_to_stop_finishes_what_cannot_be_undone() {
    let cluster = Arc::new(Cluster::new());
    let options = Options::new("one");
    options.cancel.cancel();
    let stopped = rewrite_one(&*cluster, &task(), &options).await.unwrap_err();
    assert!(matches!(stopped, Stopped::Cancelled { .. }), "{stopped}");
    assert!(cluster.writes().is_empty());

    let options = Options::new("one");
    let cancel = options.cancel.clone();
    let watched = Cluster::failing(move |_, call| {
        let deletes = call.verb == Verb::Delete;
        if deletes {
            cancel.cancel();
        }
        None
    });
    rewrite_one(&watched, &task(), &options).await.unwrap();
    assert!(options.cancel.is_cancelled());
    assert_right(&watched, Direction::Forward);
    let kind = ObjectKind::PersistentVolume;
    roll_back_one(&watched, kind, "data", &options)
        .await
        .unwrap_err();
    assert_right(&watched, Direction::Forward);
}
