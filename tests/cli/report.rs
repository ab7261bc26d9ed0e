//! What is said of objects.

use crate::command::translate;

const READ_ONLY: &str = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  awsElasticBlockStore: {volumeID: vol-1, readOnly: true}\n";

#[test]
fn a_line_of_the_report_has_what_a_script_needs() {
    let file = tempfile::NamedTempFile::new().unwrap();
    translate(&["--report", file.path().to_str().unwrap()], READ_ONLY)
        .said("read-only-differs")
        .ended(0);
    let report = std::fs::read_to_string(file.path()).unwrap();
    let line: serde_json::Value = serde_json::from_str(report.lines().next().unwrap()).unwrap();
    assert_eq!(line["code"], "read-only-differs");
    assert_eq!(line["severity"], "warn");
    assert_eq!(line["object"]["kind"], "PersistentVolume");
    assert_eq!(line["object"]["name"], "a");
    assert_eq!(line["source"], "standard input");
    assert_eq!(line["line"], 1);
    assert_eq!(line["path"], ".spec.awsElasticBlockStore.readOnly");
}

#[test]
fn quiet_says_only_what_failed() {
    let ran = translate(&["-q"], READ_ONLY);
    assert_eq!(ran.stderr, "");
    translate(&["-q"], "kind: 1\n").said("failed").ended(1);
}

#[test]
fn a_driver_that_nobody_knows_gets_a_mapping_to_start_from() {
    let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  flexVolume: {driver: acme.example/disk, fsType: xfs, options: {volumeID: v-1}}\n";
    let out = translate(&[], volume)
        .said("acme.example/disk")
        .said("drivers:")
        .said("volumeHandle:")
        .ended(1);
    assert_eq!(out, volume);
}

#[test]
fn the_diff_shows_what_changes_and_nothing_else() {
    let input = format!("{READ_ONLY}---\nkind: ConfigMap\n");
    let out = translate(&["--diff"], &input).ended(0);
    assert!(out.contains("--- PersistentVolume/a"), "{out}");
    assert!(out.contains("-  awsElasticBlockStore:"), "{out}");
    assert!(out.contains("+    driver: ebs.csi.aws.com"), "{out}");
    assert!(!out.contains("ConfigMap"), "{out}");
    assert!(!out.contains('\u{1b}'), "coloured though no terminal");
    let coloured = translate(&["--diff", "--color", "always"], &input).ended(0);
    assert!(coloured.contains("\u{1b}["), "{coloured}");
}

#[test]
fn a_snapshot_whose_volume_gets_another_handle_is_named() {
    let content = |handle: &str| {
        format!(
            "apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshotContent\nmetadata: {{name: snap}}\nspec:\n  driver: pd.csi.storage.gke.io\n  source: {{volumeHandle: {handle}}}\n"
        )
    };
    let changes = content("projects/UNSPECIFIED/zones/z/disks/d");
    let out = translate(&[], &changes)
        .said("VolumeSnapshotContent/snap .spec.source.volumeHandle")
        .said("snapshot-handle-changes")
        .ended(0);
    assert_eq!(out, changes);
    let stays = translate(&[], content("projects/p/zones/z/disks/d"));
    assert!(!stays.stderr.contains("snapshot"), "{}", stays.stderr);
}

const BUCKET: &str = "apiVersion: v1
kind: Secret
metadata: {name: cos, namespace: shop}
type: ibm/ibmc-s3fs
data: {access-key: a2V5LWlk, secret-key: aGlkZGVu}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pvc-9}
spec:
  accessModes: [ReadWriteMany]
  capacity: {storage: 1Gi}
  claimRef: {namespace: shop, name: data}
  flexVolume:
    driver: ibm/ibmc-s3fs
    secretRef: {name: cos, namespace: shop}
    options: {bucket: b, object-store-endpoint: 'https://s3.example', object-store-storage-class: us-standard}
";

#[test]
fn a_new_secret_has_values_only_if_they_are_asked_for() {
    let without = translate(&[], BUCKET).ended(0);
    assert_eq!(without.matches("kind: Secret").count(), 2, "{without}");
    assert_eq!(without.matches("aGlkZGVu").count(), 1, "{without}");
    let ran = translate(&["--secret-values"], BUCKET);
    assert!(!ran.stderr.contains("aGlkZGVu"), "{}", ran.stderr);
    let with = ran.ended(0);
    assert!(with.contains("secretKey: aGlkZGVu"), "{with}");
}

#[test]
fn volumes_that_share_a_secret_share_the_new_one() {
    let volume = |n: u32| {
        format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: pv-{n}}}\nspec:\n  capacity: {{storage: 1Gi}}\n  accessModes: [ReadWriteOnce]\n  rbd: {{monitors: ['10.0.0.1:6789'], image: i{n}, pool: p, user: kube, secretRef: {{name: ceph, namespace: kube}}}}\n"
        )
    };
    let input = format!("{}---\n{}---\n{}", volume(1), volume(2), volume(3));
    let yaml = translate(&[], &input).ended(0);
    assert_eq!(yaml.matches("kind: Secret").count(), 1, "{yaml}");
    assert_eq!(yaml.matches("kind: PersistentVolume").count(), 3, "{yaml}");
    let json = translate(&["-o", "json"], &input).ended(0);
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 4);
}

/// The second volume stands behind the Secret, whose values its new one gets;
/// that of the first was written without.
#[test]
fn a_new_secret_is_never_written_with_two_contents() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: ceph, namespace: kube}\ndata: {key: aGlkZGVu}\n";
    let first = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pvc-8}\nspec:\n  capacity: {storage: 1Gi}\n  accessModes: [ReadWriteOnce]\n  rbd: {monitors: ['10.0.0.1:6789'], image: i, pool: p, user: kube, secretRef: {name: ceph, namespace: kube}}\n";
    let second = first.replace("pvc-8", "pvc-9");
    let input = format!("{first}---\n{secret}---\n{second}");
    let out = translate(&["--secret-values"], &input)
        .said("two contents")
        .said("1 failed")
        .ended(1);
    assert_eq!(out.matches("kind: Secret").count(), 2, "{out}");
    assert_eq!(out.matches("kind: PersistentVolume").count(), 2, "{out}");
    let lines = translate(&["--secret-values", "-o", "ndjson"], &input)
        .said("both are in the output")
        .ended(1);
    assert_eq!(lines.lines().count(), 3, "{lines}");
    // In one document all stay.
    let items: String = input
        .split("---\n")
        .map(|document| format!("- {}\n", document.trim_end().replace('\n', "\n  ")))
        .collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    translate(&["--secret-values"], &list)
        .said("both are in the output")
        .ended(1);
    let same = format!("{secret}---\n{first}---\n{second}");
    let ran = translate(&["--secret-values"], &same).said("2 translated");
    assert!(ran.stderr.contains("1 new beside"), "{}", ran.stderr);
}
