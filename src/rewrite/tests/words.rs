//! What is said when it does not work, and that nothing is lost then.

use flex2csi_translators::rewrite::{Direction, Use};

use super::cluster::{Cluster, Fault};
use super::{assert_right, back, forward, rewrite_one};
use crate::rewrite::{Call, Failure, Options, Resource, Stopped, Verb};

#[tokio::test(start_paused = true)]
async fn a_cluster_without_the_kind_is_told_to_get_it() {
    struct Without(Cluster);
    impl crate::rewrite::Api for Without {
        async fn call(&self, call: Call) -> Result<serde_json::Value, Failure> {
            match call.place.resource {
                Resource::Migration => Err(Failure::NotFound("no such kind".into())),
                _ => self.0.call(call).await,
            }
        }
        async fn used(&self, subject: &crate::rewrite::Subject<'_>) -> Result<Use, Failure> {
            self.0.used(subject).await
        }
    }
    let cluster = Without(Cluster::new());
    let stopped = rewrite_one(&cluster, &super::task(), &Options::new("one")).await;
    let said = stopped.unwrap_err().to_string();
    assert!(
        said.contains("kubectl apply -f deploy/crds/volumemigrations.yaml"),
        "{said}"
    );
    assert!(cluster.0.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kind_of_another_version_is_noticed_before_anything_is_deleted() {
    for field in ["restore", "claim", "body"] {
        let mut cluster = Cluster::new();
        cluster.left_out = Some(field);
        let said = forward(&cluster, "one").await.unwrap_err().to_string();
        assert!(said.contains("version"), "{field}: {said}");
        let volume = cluster.volume().unwrap();
        assert!(volume["metadata"]["deletionTimestamp"].is_null(), "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_what_comes_after_is_refused_before() {
    let cluster = Cluster::failing(|_, call| call.dry_run.then_some(Fault::Forbidden));
    let stopped = forward(&cluster, "one").await.unwrap_err();
    let said = stopped.to_string();
    assert!(
        said.contains("create (only checked) PersistentVolume data"),
        "{said}"
    );
    assert!(said.contains("deploy/rbac/rewrite.yaml"), "{said}");
    assert!(cluster.volume().unwrap()["spec"]["flexVolume"].is_object());
    let record = cluster.record().unwrap();
    assert_eq!(record["status"]["conditions"][0]["reason"], "Refused");
    assert!(cluster.events().contains(&"RewriteStopped".to_owned()));
    // The way back is open, and leaves no trace.
    let mut cluster = cluster;
    cluster.fault = Box::new(|_, _| None);
    back(&cluster, "two").await.unwrap();
    assert_right(&cluster, Direction::Back);
    assert_eq!(cluster.volume().unwrap()["metadata"]["uid"], "uid-original");
}

#[tokio::test(start_paused = true)]
async fn a_right_that_goes_missing_half_way_loses_nothing() {
    for at in [Verb::Patch, Verb::Delete, Verb::Create] {
        let mut cluster = Cluster::failing(move |_, call| {
            let volume = call.place.resource == Resource::PersistentVolume;
            (volume && call.verb == at && !call.dry_run).then_some(Fault::Forbidden)
        });
        let stopped = forward(&cluster, "one").await.unwrap_err();
        let Stopped::Refused { status: 403, .. } = stopped else {
            panic!("{stopped}")
        };
        cluster.fault = Box::new(|_, _| None);
        forward(&cluster, "two").await.unwrap();
        assert_right(&cluster, Direction::Forward);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_for_too_long_is_given_up() {
    let cluster = Cluster::failing(|number, _| (number > 6).then_some(Fault::Error));
    let stopped = forward(&cluster, "one").await.unwrap_err();
    assert!(matches!(stopped, Stopped::Unreachable { .. }), "{stopped}");
    let mut cluster = cluster;
    cluster.fault = Box::new(|_, _| None);
    forward(&cluster, "two").await.unwrap();
    assert_right(&cluster, Direction::Forward);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_does_not_answer_is_named_and_waited_for_only_in_the_gap() {
    for dry_run in [true, false] {
        let mut cluster = Cluster::failing(move |_, call| {
            let is_volume = call.place.resource == Resource::PersistentVolume;
            let is_asked = is_volume && call.verb == Verb::Create && call.dry_run == dry_run;
            is_asked.then_some(Fault::Webhook)
        });
        let began = tokio::time::Instant::now();
        let stopped = forward(&cluster, "one").await.unwrap_err();
        let Stopped::Refused { status: 500, .. } = stopped else {
            panic!("{stopped}")
        };
        let said = stopped.to_string();
        assert!(said.contains("failed calling webhook \"w\""), "{said}");
        assert!(said.contains("see that the webhook"), "{said}");
        // It may only have been restarted, and the claim is Lost in the gap.
        let (waited, outage) = (began.elapsed(), Options::new("one").outage);
        assert_eq!(waited >= outage, !dry_run, "{waited:?}");
        let record = cluster.record().unwrap();
        assert_eq!(record["status"]["conditions"][0]["reason"], "Refused");
        cluster.fault = Box::new(|_, _| None);
        forward(&cluster, "two").await.unwrap();
        assert_right(&cluster, Direction::Forward);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_fought_at_each_step_says_so() {
    let cluster = Cluster::failing(|_, call| {
        let volume = call.place.resource == Resource::PersistentVolume;
        (volume && call.verb == Verb::Patch).then_some(Fault::Conflict)
    });
    let stopped = forward(&cluster, "one").await.unwrap_err();
    assert!(matches!(stopped, Stopped::Unsteady { .. }), "{stopped}");
    assert!(cluster.volume().unwrap()["spec"]["flexVolume"].is_object());
}

#[tokio::test(start_paused = true)]
async fn what_is_used_is_not_touched() {
    let cluster = Cluster::new();
    *cluster.used.lock().unwrap() = Use::By("pod n/p on node a".into());
    let stopped = forward(&cluster, "one").await.unwrap_err();
    assert!(
        stopped.to_string().contains("is in use: pod n/p on node a"),
        "{stopped}"
    );
    let touched = cluster.writes();
    assert!(
        touched
            .iter()
            .all(|write| write.contains("VolumeMigration")),
        "{touched:?}"
    );
}
