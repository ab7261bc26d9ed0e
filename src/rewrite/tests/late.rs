//! What happens between the last look at who uses a volume and its deletion.

use std::sync::Mutex;
use std::time::Duration;

use flex2csi_translators::rewrite::{Direction, Use, View};
use serde_json::Value;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::{assert_right, back, forward, rewrite_one, task};
use crate::rewrite::{Api, Call, Failure, Options, Place, Resource, Stopped, Subject, Verb};

/// What becomes of the call at which a pod comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// It is done, after this time.
    Done(Duration),
    /// It is not, the server has too much to do.
    Busy,
    /// It is not, and nobody knows.
    Lost,
    /// It is, and nobody knows.
    AnswerLost,
}

/// A cluster in which a pod comes to use the volume while a call is under way.
struct PodComes {
    cluster: Cluster,
    at: fn(&Call) -> bool,
    fate: Fate,
    /// The call.
    came: Mutex<Option<Call>>,
    /// How long it takes to find out who uses it.
    looks: Duration,
}

impl PodComes {
    fn new(at: fn(&Call) -> bool, fate: Fate) -> Self {
        Self {
            cluster: Cluster::new(),
            at,
            fate,
            came: Mutex::default(),
            looks: Duration::ZERO,
        }
    }

    fn comes(&self, call: &Call) -> bool {
        let mut came = self.came.lock().unwrap();
        let is_now = came.is_none() && (self.at)(call);
        if is_now {
            *came = Some(call.clone());
            *self.cluster.used.lock().unwrap() = Use::By("pod n/p".into());
        }
        is_now
    }

    async fn rewrite(&self, holder: &str) -> Result<(), Stopped> {
        let done = rewrite_one(self, &task(), &Options::new(holder)).await;
        done.map(|_| ())
    }
}

impl Api for PodComes {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        if !self.comes(&call) {
            return self.cluster.call(call).await;
        }
        let lost = || Err(Failure::Unknown("no answer".into()));
        match self.fate {
            Fate::Done(after) => {
                sleep(after).await;
                self.cluster.call(call).await
            }
            Fate::Busy => Err(Failure::Busy { after: None }),
            Fate::Lost => lost(),
            Fate::AnswerLost => {
                self.cluster.call(call).await.unwrap();
                lost()
            }
        }
    }

    async fn used(&self, subject: &Subject<'_>) -> Result<Use, Failure> {
        let used = self.cluster.used(subject).await;
        sleep(self.looks).await;
        used
    }

    async fn moved(&self, place: &Place, known: &str, longest: Duration) -> bool {
        self.cluster.moved(place, known, longest).await
    }
}

fn is_mark(call: &Call) -> bool {
    call.verb == Verb::Patch && call.place.resource == Resource::PersistentVolume
}

fn is_check(call: &Call) -> bool {
    call.dry_run
}

fn is_commit(call: &Call) -> bool {
    let body = call.body.as_ref();
    call.place.resource == Resource::MigrationStatus
        && body.is_some_and(|body| body["status"]["step"] == "Committed")
}

fn is_delete(call: &Call) -> bool {
    call.verb == Verb::Delete
}

const AT_ONCE: Fate = Fate::Done(Duration::ZERO);
const LATE: Fate = Fate::Done(Duration::from_secs(10));

/// Whenever a pod comes before the delete, in time to be seen, the volume stays.
#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_after_the_first_look_is_seen() {
    type Case = (fn(&Call) -> bool, Fate);
    let cases: [Case; 8] = [
        (is_mark, AT_ONCE),
        (is_mark, Fate::AnswerLost),
        (is_check, AT_ONCE),
        (is_check, Fate::Busy),
        (is_commit, LATE),
        (is_commit, Fate::Busy),
        (is_commit, Fate::AnswerLost),
        (is_delete, Fate::Busy),
    ];
    for (number, (at, fate)) in cases.into_iter().enumerate() {
        let comes = PodComes::new(at, fate);
        let stopped = comes.rewrite("one").await.unwrap_err();
        let said = stopped.to_string();
        assert!(said.contains("is in use: pod n/p"), "{number} {said}");
        let cluster = &comes.cluster;
        let volume = cluster.volume().unwrap();
        assert!(!View(&volume).is_ending(), "{number}");
        assert_eq!(View(&volume).uid(), "uid-original");
        // Once the pod is gone, it goes through.
        *cluster.used.lock().unwrap() = Use::Idle;
        forward(cluster, "two").await.unwrap();
        assert_right(cluster, Direction::Forward);
    }
}

/// A delete of which nothing is heard may be done any time. What is left in its place since
/// a pod uses it is not what that delete is about.
#[tokio::test(start_paused = true)]
async fn a_delete_that_was_not_answered_comes_too_late() {
    let comes = PodComes::new(is_delete, Fate::Lost);
    comes.rewrite("one").await.unwrap_err();
    let delete = comes.came.lock().unwrap().clone().unwrap();
    let refused = comes.cluster.call(delete).await.unwrap_err();
    assert!(matches!(refused, Failure::Conflict(_)), "{refused:?}");
    let volume = comes.cluster.volume().unwrap();
    assert!(!View(&volume).is_ending());
    *comes.cluster.used.lock().unwrap() = Use::Idle;
    back(&comes.cluster, "two").await.unwrap();
    assert_right(&comes.cluster, Direction::Back);
}

/// A look that takes as long as all looks is no older than it can be.
#[tokio::test(start_paused = true)]
async fn looks_that_take_long_come_to_an_end_and_are_a_sign_of_life() {
    let slow = PodComes {
        looks: Duration::from_secs(40),
        ..PodComes::new(|_| false, AT_ONCE)
    };
    let two = async {
        sleep(Duration::from_secs(5)).await;
        slow.rewrite("two").await
    };
    let (one, two) = tokio::join!(slow.rewrite("one"), two);
    one.unwrap();
    assert!(matches!(two, Err(Stopped::Held { .. })), "{two:?}");
    assert_right(&slow.cluster, Direction::Forward);
}
