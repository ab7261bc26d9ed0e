//! Each call goes wrong once, in each way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flex2csi_translators::rewrite::Direction;

use super::cluster::{Cluster, Fault};
use super::{assert_right, back, forward, resume, rewrite_one};
use crate::rewrite::{Call, Options};

/// Workers that read, and such as are told of changes at once, late, and very late.
const LAGS: [Option<usize>; 4] = [None, Some(0), Some(1), Some(3)];

/// How many calls a rewrite and its way back take, and how many the way there.
async fn calls(lag: Option<usize>) -> (usize, usize) {
    let mut cluster = Cluster::new();
    cluster.lag = lag;
    forward(&cluster, "one").await.unwrap();
    let there = cluster.calls();
    back(&cluster, "one").await.unwrap();
    (cluster.calls(), there)
}

#[tokio::test(start_paused = true)]
async fn it_gets_over_each_fault_at_each_call() {
    for lag in LAGS {
        let (calls, _) = calls(lag).await;
        assert!(calls > 25, "{calls}");
        for fault in [
            Fault::Conflict,
            Fault::Busy,
            Fault::Error,
            Fault::Unauthorized,
            Fault::AnswerLost,
        ] {
            for at in 1..=calls {
                // What only reads is not answered with a conflict.
                let fails = move |number, _: &Call| (number == at).then_some(fault);
                let mut cluster = Cluster::failing(fails);
                cluster.lag = lag;
                let case = |stopped| panic!("{fault:?} at call {at}, {lag:?}: {stopped}");
                forward(&cluster, "one").await.unwrap_or_else(case);
                assert_right(&cluster, Direction::Forward);
                back(&cluster, "one").await.unwrap_or_else(case);
                assert_right(&cluster, Direction::Back);
            }
        }
    }
}

/// One who is told in time reads less, and one who is told late ends right all the same.
#[tokio::test(start_paused = true)]
async fn who_is_told_reads_less() {
    let (reading, _) = calls(None).await;
    let (told, _) = calls(Some(0)).await;
    assert!(told + 4 <= reading, "{told} and {reading} calls");
}

#[tokio::test(start_paused = true)]
async fn half_of_all_calls_may_fail() {
    for seed in 0..60_usize {
        let faults = [
            Fault::Conflict,
            Fault::Busy,
            Fault::Error,
            Fault::AnswerLost,
        ];
        let state = AtomicUsize::new(seed);
        let mut cluster = Cluster::failing(move |_, _| {
            let next = |x: usize| {
                x.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695)
            };
            let x = next(state.load(Ordering::Relaxed));
            state.store(x, Ordering::Relaxed);
            (x >> 33)
                .is_multiple_of(2)
                .then(|| faults[(x >> 40) % faults.len()])
        });
        cluster.lag = LAGS[seed % LAGS.len()];
        forward(&cluster, "one").await.unwrap();
        assert_right(&cluster, Direction::Forward);
        back(&cluster, "one").await.unwrap();
        assert_right(&cluster, Direction::Back);
    }
}

/// Dies with a call on its way; another, elsewhere, ends it, either way.
#[tokio::test(start_paused = true)]
async fn another_ends_what_one_died_of_at_each_call() {
    for lag in LAGS {
        let (calls, there) = calls(lag).await;
        for fault in [Fault::DiesBefore, Fault::DiesAfter] {
            for at in 1..=calls {
                for goal in [Direction::Forward, Direction::Back] {
                    another_ends(lag, (fault, at), (calls, there), goal).await;
                }
            }
        }
    }
}

async fn another_ends(
    lag: Option<usize>,
    (fault, at): (Fault, usize),
    (calls, there): (usize, usize),
    goal: Direction,
) {
    let mut cluster = Cluster::failing(move |number, _| (number == at).then_some(fault));
    cluster.lag = lag;
    let one = async {
        forward(&cluster, "one").await.unwrap();
        back(&cluster, "one").await.unwrap();
    };
    tokio::select! {
        () = one => {
            // Calls that only tell about it have no fixed number.
            assert!(at + 4 > calls, "{at} of {calls}");
            return;
        }
        () = cluster.died.notified() => {}
    }
    let before = cluster.record().is_none();
    let result = match goal {
        // Once the original is gone, only the record can say how to go on.
        Direction::Forward if at <= there => forward(&cluster, "two").await,
        Direction::Forward => resume(&cluster, &cluster.record().unwrap(), "two").await,
        Direction::Back => back(&cluster, "two").await,
    };
    if before && goal == Direction::Back {
        // Nothing was done yet.
        result.unwrap_err();
        return;
    }
    let finished = result.unwrap_or_else(|stopped| panic!("{fault:?} {at} {lag:?}: {stopped}"));
    assert_right(&cluster, finished.direction);
    if at <= there {
        assert_eq!(finished.direction, goal);
    }
}

#[tokio::test(start_paused = true)]
async fn two_at_once_do_it_once() {
    let cluster = Cluster::new();
    let (one, two) = tokio::join!(forward(&cluster, "one"), forward(&cluster, "two"));
    let done = [&one, &two].iter().filter(|result| result.is_ok()).count();
    assert!(done >= 1, "{one:?} {two:?}");
    assert_right(&cluster, Direction::Forward);
    let created = |what: &str| {
        cluster
            .writes()
            .iter()
            .filter(|write| *write == what)
            .count()
    };
    assert_eq!(created("Delete PersistentVolume data"), 1);
}

/// One that slept until another had brought everything back writes nothing more.
#[tokio::test(start_paused = true)]
async fn one_that_was_asleep_finds_that_it_is_not_its_own_any_more() {
    for lag in LAGS {
        let (_, there) = calls(lag).await;
        for at in 2..=there {
            one_sleeps(lag, at).await;
        }
    }
}

async fn one_sleeps(lag: Option<usize>, at: usize) {
    let slept = Arc::new(tokio::sync::Notify::new());
    let mut cluster = Cluster::new();
    cluster.lag = lag;
    let cluster = Arc::new(cluster);
    // The sleeper's calls go through here, and one of them takes long.
    let sleeper = super::begin::Sleeper {
        cluster: cluster.clone(),
        at,
        calls: AtomicUsize::new(0),
        slept: slept.clone(),
        wake: tokio::sync::Notify::new(),
    };
    let (task, options) = (super::task(), Options::new("asleep"));
    let asleep = rewrite_one(&sleeper, &task, &options);
    let other = async {
        slept.notified().await;
        if cluster.record().is_some() {
            back(&cluster, "other").await.unwrap();
            assert_right(&cluster, Direction::Back);
        }
        sleeper.wake.notify_one();
    };
    tokio::select! {
        (_, ()) = async { tokio::join!(asleep, other) } => {}
        () = tokio::time::sleep(std::time::Duration::from_secs(3600)) => panic!("call {at}"),
    }
    let volume = cluster.volume().unwrap();
    assert!(
        volume["metadata"]["deletionTimestamp"].is_null(),
        "call {at}"
    );
    assert_eq!(cluster.claim().unwrap()["status"]["phase"], "Bound");
    back(&cluster, "last").await.unwrap();
    assert_right(&cluster, Direction::Back);
}
