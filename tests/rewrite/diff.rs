//! `--diff`.

use super::rig::{Rig, pair};

#[test]
fn what_would_be_stored_is_shown_and_not_stored() {
    let rig = Rig::new(&["a", "b"]);
    let ended = rig.run(&["rewrite", "--pv", "pv-a", "--diff"]).ended(0);
    for line in [
        "--- PersistentVolume/pv-a\n",
        "+++ PersistentVolume/pv-a\n",
        "-  awsElasticBlockStore:\n",
        "-    volumeID: vol-a\n",
        "+  csi:\n",
        "+    driver: ebs.csi.aws.com\n",
        "+    volumeHandle: vol-a\n",
    ] {
        assert!(ended.stdout.contains(line), "{line:?}:\n{}", ended.stdout);
    }
    // Nothing that is only there in between.
    for text in [
        "pv-b",
        "reclaim-policy",
        "rewriting",
        "finalizers",
        "-  persistentVolume",
    ] {
        assert!(!ended.stdout.contains(text), "{text}:\n{}", ended.stdout);
    }
    assert!(
        ended
            .stderr
            .contains("would be replaced: 1; nothing was changed")
    );
    assert!(rig.cluster.writes().is_empty());
    assert!(ended.stdout.contains("<redacted>") || !ended.stdout.contains("secretKey"));

    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    let writes = rig.cluster.writes().len();
    let back = rig.run(&["rollback", "--all", "--diff"]).ended(0);
    assert!(
        back.stdout.contains("+    volumeID: vol-a\n"),
        "{}",
        back.stdout
    );
    assert!(
        back.stdout.contains("-    volumeHandle: vol-a\n"),
        "{}",
        back.stdout
    );
    assert_eq!(rig.cluster.writes().len(), writes);
}

#[test]
fn credentials_are_left_out() {
    let [mut volume, claim] = pair("s");
    volume["spec"]["awsElasticBlockStore"]["partition"] = 1.into();
    volume["metadata"]["annotations"]["secretKey"] = super::rig::CREDENTIAL.into();
    let rig = Rig::new(&[]);
    for (collection, object) in [
        (super::store::VOLUMES, volume),
        (super::store::CLAIMS, claim),
    ] {
        rig.cluster.store().put(collection, object);
    }
    // The rig looks for it in all that is said.
    let ended = rig.run(&["rewrite", "--all", "--diff"]).ended(0);
    assert!(ended.stdout.contains("<redacted>"), "{}", ended.stdout);
}

#[test]
fn a_policy_that_changes_is_seen() {
    let [mut volume, claim] = pair("d");
    volume["spec"]["persistentVolumeReclaimPolicy"] = "Delete".into();
    let rig = Rig::new(&[]);
    rig.cluster.store().put(super::store::VOLUMES, volume);
    rig.cluster.store().put(super::store::CLAIMS, claim);
    let ended = rig.run(&["rewrite", "--all", "--diff"]).ended(0);
    for line in [
        "-  persistentVolumeReclaimPolicy: Delete\n",
        "+  persistentVolumeReclaimPolicy: Retain\n",
    ] {
        assert!(ended.stdout.contains(line), "{}", ended.stdout);
    }
}

#[test]
fn it_is_one_or_the_other() {
    let rig = Rig::new(&["a"]);
    rig.run(&["rewrite", "--all", "--diff", "--yes"]).ended(2);
    rig.assert_untouched("a");
}
