//! What is created in place of an object that has changed since it was planned.

use serde_json::{Value, json};

use super::{task, task_of, volume};
use crate::rewrite::body::compose;
use crate::rewrite::names::{FORM, MIGRATION, POLICY};
use crate::rewrite::{Direction, InUse, Record, View};

fn record() -> Record {
    Record::begin(&task(), "one").unwrap()
}

/// The body that takes the place of the original as it is now.
fn forward(record: &Record, change: impl Fn(&mut Value)) -> Value {
    let mut live = volume("Delete");
    change(&mut live);
    compose(record, Direction::Forward, &live)
}

#[test]
fn what_nobody_has_changed_is_as_planned() {
    let record = record();
    let body = forward(&record, |_| {});
    assert_eq!(&body, record.form(Direction::Forward));
    let view = View(&body);
    assert_eq!(view.policy(), "Retain");
    assert_eq!(view.annotation(POLICY), Some("Delete"));
    assert_eq!(view.annotation(MIGRATION), Some(record.spec.id.as_str()));
    assert_eq!(view.annotation(FORM), Some("translated"));
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "namespace": "n", "name": "c", "uid": "uid-claim",
    });
    assert_eq!(body["spec"]["claimRef"], claim);
}

#[test]
fn there_and_back_gives_the_original() {
    let record = record();
    let there = forward(&record, |_| {});
    let back = compose(&record, Direction::Back, &there);
    assert_eq!(&back, record.form(Direction::Back));
    assert_eq!(
        back["spec"]["flexVolume"],
        volume("Delete")["spec"]["flexVolume"]
    );
}

#[test]
fn what_others_have_changed_stays_changed() {
    let record = record();
    let there = forward(&record, |live| {
        live["spec"]["capacity"]["storage"] = "5Gi".into();
        live["metadata"]["labels"] = json!({"team": "red", "new": "yes"});
        live["metadata"]["annotations"]["note"] = "mine".into();
        live["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
    });
    for body in [&there, &compose(&record, Direction::Back, &there)] {
        assert_eq!(body["spec"]["capacity"]["storage"], "5Gi");
        assert_eq!(
            body["metadata"]["labels"],
            json!({"team": "red", "new": "yes"})
        );
        assert_eq!(body["metadata"]["annotations"]["note"], "mine");
        assert_eq!(View(body).policy_meant(), "Retain");
    }
}

#[test]
fn what_others_have_taken_away_stays_away() {
    let body = forward(&record(), |live| {
        live["metadata"]["labels"] = json!({});
        live["spec"]["storageClassName"] = Value::Null;
    });
    assert_eq!(body["metadata"]["labels"]["team"], Value::Null);
    assert_eq!(body["spec"]["storageClassName"], Value::Null);
}

#[test]
fn a_source_never_stands_beside_another() {
    let record = record();
    let mut live = forward(&record, |_| {});
    // The one member of a CSI source that may be set later.
    live["spec"]["csi"]["controllerExpandSecretRef"] = json!({"name": "s", "namespace": "n"});
    live["spec"]["volumeAttributesClassName"] = "gold".into();
    let back = compose(&record, Direction::Back, &live);
    assert!(back["spec"].get("csi").is_none());
    assert!(back["spec"]["flexVolume"].is_object());
    // The API takes one beside a CSI source alone. The claim keeps it.
    assert!(back["spec"].get("volumeAttributesClassName").is_none());
}

#[test]
fn an_attached_volume_keeps_the_mark_of_who_attached_it() {
    let mut task = task();
    for (in_use, kept) in [(InUse::No, false), (InUse::RuntimeEqual, true)] {
        task.in_use = in_use;
        let record = Record::begin(&task, "one").unwrap();
        let body = forward(&record, |live| {
            live["metadata"]["finalizers"] = json!([
                "kubernetes.io/pv-protection",
                "external-attacher/csi-example-com"
            ]);
        });
        let finalizers = json!(["external-attacher/csi-example-com"]);
        assert_eq!(
            body["metadata"].get("finalizers") == Some(&finalizers),
            kept
        );
    }
}

#[test]
fn the_original_is_kept_as_it_was_read() {
    let mut volume = volume("Delete");
    volume["metadata"]["managedFields"] = json!([{"manager": "x"}]);
    let record = Record::begin(&task_of(&volume), "one").unwrap();
    let kept: Value = serde_json::from_str(&record.spec.original).unwrap();
    assert_eq!(kept, super::volume("Delete"));
}

#[test]
fn a_task_that_makes_no_sense_is_refused() {
    let refused = |change: &dyn Fn(&mut crate::rewrite::Task)| {
        let mut task = task();
        change(&mut task);
        Record::begin(&task, "one").unwrap_err().to_string()
    };
    let without_uid = refused(&|task| task.original = task.original.replace("\"uid\"", "\"id\""));
    assert!(
        without_uid.contains("has no name, uid or resourceVersion"),
        "{without_uid}"
    );
    let renamed = |task: &mut crate::rewrite::Task| {
        task.translated = task.translated.replace("\"data\"", "\"other\"");
    };
    assert!(refused(&renamed).contains("is another object"));
    assert!(refused(&|task| task.original = "{".into()).contains("is no JSON"));
    assert!(refused(&|task| task.original = "{\"metadata\":1}".into()).contains("is no object"));
    let other_claim = |task: &mut crate::rewrite::Task| {
        task.claim.as_mut().unwrap().uid = "other".into();
    };
    assert!(refused(&other_claim).contains("not bound to the claim"));
}
