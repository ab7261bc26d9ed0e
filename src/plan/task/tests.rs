//! A plan is followed only while the world is as it was.

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::rewrite::{ClaimId, InUse};
use flex2csi_translators::{Values, values::SiteValue};

use super::*;
use crate::plan::row::{ObjectId, Options, To};

const VOLUME: &str = r#"{"metadata":{"name":"pv","uid":"u","resourceVersion":"7"},
    "spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],
    "awsElasticBlockStore":{"volumeID":"vol-1","fsType":"ext4"}}}"#;

fn translator() -> Translator {
    Translator::new(Mappings::built_in(), Values::default())
}

fn row() -> Row {
    let stored = translator()
        .stored(Kind::PersistentVolume, VOLUME)
        .json
        .unwrap();
    Row {
        object: ObjectId {
            kind: "PersistentVolume".into(),
            namespace: String::new(),
            name: "pv".into(),
            uid: "u".into(),
            resource_version: "7".into(),
        },
        claim: Some(ClaimId {
            namespace: "n".into(),
            name: "c".into(),
            uid: "cu".into(),
        }),
        from: "awsElasticBlockStore".into(),
        to: Some(To {
            driver: "ebs.csi.aws.com".into(),
            handle: "vol-1".into(),
            digest: digest::of_object(&stored).unwrap(),
        }),
        verdict: VerdictKind::Ready,
        in_use: InUse::No,
        workloads: Vec::new(),
        findings: Vec::new(),
        options: Options {
            skip: false,
            keep_delete: Some(true),
        },
    }
}

fn refused(row: &Row, live: &str) -> String {
    task(row, live, None, &translator())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_volume_that_is_as_it_was_is_rewritten_as_it_was_planned() {
    let claim = r#"{"metadata":{"name":"c","annotations":{
        "volume.kubernetes.io/storage-provisioner":"kubernetes.io/aws-ebs","other":"x"}}}"#;
    let task = task(&row(), VOLUME, Some(claim), &translator()).unwrap();
    assert_eq!(task.original, VOLUME);
    assert!(task.translated.contains("ebs.csi.aws.com"));
    assert!(task.keep_delete);
    assert_eq!(task.claim.unwrap().uid, "cu");
    let change = &task.claim_annotations["volume.kubernetes.io/storage-provisioner"];
    assert_eq!(change.from.as_deref(), Some("kubernetes.io/aws-ebs"));
    assert_eq!(change.to.as_deref(), Some("ebs.csi.aws.com"));
    assert_eq!(task.claim_annotations.len(), 1);
}

#[test]
fn a_world_that_has_changed_is_left_alone() {
    let recreated = VOLUME.replace(r#""uid":"u""#, r#""uid":"v""#);
    assert!(refused(&row(), &recreated).contains("made again"));
    let changed = VOLUME.replace(r#""7""#, r#""8""#);
    assert!(refused(&row(), &changed).contains("has changed"));
    assert!(refused(&row(), "{").contains("its metadata is wrong at line 1"));
    let other = VOLUME.replace("vol-1", "vol-2");
    assert!(refused(&row(), &other).contains("something else"));
}

#[test]
fn other_values_give_another_translation() {
    let volume = VOLUME.replace(
        r#""awsElasticBlockStore":{"volumeID":"vol-1","fsType":"ext4"}"#,
        r#""nfs":{"server":"s","path":"/p"}"#,
    );
    let mut values = Values::default();
    values.set("nfs", "translate", SiteValue::Switch(true));
    let translating = Translator::new(Mappings::built_in(), values);
    let stored = translating
        .stored(Kind::PersistentVolume, &volume)
        .json
        .unwrap();
    let mut row = row();
    row.to.as_mut().unwrap().digest = digest::of_object(&stored).unwrap();
    task(&row, &volume, None, &translating).unwrap();
    assert!(refused(&row, &volume).contains("something else"));
}

#[test]
fn what_is_not_ready_stays() {
    for verdict in [VerdictKind::InUse, VerdictKind::Blocked, VerdictKind::Kept] {
        let row = Row { verdict, ..row() };
        assert!(refused(&row, VOLUME).contains(verdict.as_str()));
    }
}
