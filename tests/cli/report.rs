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
