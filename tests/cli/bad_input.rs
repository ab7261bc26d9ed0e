//! Bad input: a clear error with file and line, the rest still translated.

use crate::command::translate;

const EBS: &str = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: good}\nspec:\n  awsElasticBlockStore: {volumeID: vol-1}\n";

/// The bad document stands between two good ones; all come out.
#[track_caller]
fn between(bad: &[u8], says: &str) {
    let mut input = format!("{EBS}---\n").into_bytes();
    input.extend_from_slice(bad);
    input.extend_from_slice(format!("\n---\n{EBS}").as_bytes());
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), &input).unwrap();
    let path = file.path().to_str().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args(["translate", "-f", path])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(says), "no {says:?} in:\n{stderr}");
    assert!(
        stderr.contains(&format!("{path}:")),
        "no file and line in:\n{stderr}"
    );
    let good = String::from_utf8_lossy(&output.stdout)
        .matches("volumeHandle: vol-1")
        .count();
    assert_eq!(good, 2, "{stderr}");
    let kept = output.stdout.windows(bad.len()).any(|window| window == bad);
    assert!(kept, "the bad document is not in the output");
}

#[test]
fn truncated_yaml() {
    between(
        b"kind: PersistentVolume\nspec: {csi: {driver: \"x",
        "line 8",
    );
}

#[test]
fn invalid_utf8() {
    between(
        b"kind: Pod\nmetadata:\n  name: \xff\xfe",
        "line 9, column 9",
    );
}

#[test]
fn binary() {
    between(b"\x00\x01\x02\x7f", "line 7");
}

#[test]
fn a_duplicate_key() {
    between(b"kind: Pod\nmetadata: {}\nkind: Secret", "\"kind\"");
}

#[test]
fn deep_nesting() {
    between("[".repeat(100_000).as_bytes(), "deep");
}

#[test]
fn aliases_that_explode() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "));
    }
    between(bomb.as_bytes(), "alias");
}

#[test]
fn wrong_types() {
    between(
        b"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {awsElasticBlockStore: {volumeID: 5}}",
        ".spec.awsElasticBlockStore.volumeID",
    );
    between(
        b"apiVersion: v1\nkind: PersistentVolume\nspec: [1]",
        ".spec",
    );
    between(b"apiVersion: v1\nkind: [PersistentVolume]", ".kind");
}

#[test]
fn two_sources_in_one_volume() {
    between(
        b"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  nfs: {server: s, path: /}\n  awsElasticBlockStore: {volumeID: vol-2}",
        "more than one volume source: nfs, awsElasticBlockStore",
    );
}

#[test]
fn an_empty_handle() {
    between(
        b"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {awsElasticBlockStore: {volumeID: ''}}",
        "volume",
    );
}

#[test]
fn a_handle_at_which_kubernetes_would_take_it_apart() {
    between(
        b"apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {awsElasticBlockStore: {volumeID: 'vol^1'}}",
        "`^`",
    );
}

#[test]
fn truncated_json_keeps_what_came_before_it() {
    let input = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"a"},"spec":{"awsElasticBlockStore":{"volumeID":"vol-1"}}},{"kind":"Pers"#;
    let out = translate(&[], input).said("cut short").ended(1);
    assert!(out.contains("ebs.csi.aws.com"), "{out}");
    assert!(out.ends_with(r#",{"kind":"Pers"#), "{out}");
}

#[test]
fn a_broken_line_of_ndjson_is_one_failure() {
    let good = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"a"},"spec":{"awsElasticBlockStore":{"volumeID":"vol-1"}}}"#;
    let input = format!("{good}\n{{\"kind\": nonsense}}\n{good}\n");
    let ran = translate(&["-o", "ndjson"], &input)
        .said(":2")
        .said("1 failed");
    let out = ran.ended(1);
    assert_eq!(out.lines().count(), 3, "{out}");
    assert_eq!(out.matches("ebs.csi.aws.com").count(), 2);
    assert!(out.lines().nth(1).unwrap().contains("\"Status\""));
}

#[test]
fn secrets_never_stand_in_messages() {
    let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  accessModes: [ReadWriteMany]\n  capacity: {storage: 1Gi}\n  flexVolume:\n    driver: DRIVER\n    options: {akId: hidden-1, akSecret: hidden-2, password: hidden-3, bucket: b, url: u, volumeId: [hidden-4]}\n";
    for driver in [
        "alicloud/oss",
        "alicloud/disk",
        "nobody/knows",
        "fstab/cifs",
    ] {
        let input = volume.replace("DRIVER", driver);
        let report = tempfile::NamedTempFile::new().unwrap();
        let ran = translate(&["--report", report.path().to_str().unwrap()], &input);
        assert!(!ran.stderr.contains("hidden"), "{driver}:\n{}", ran.stderr);
        let report = std::fs::read_to_string(report.path()).unwrap();
        assert!(!report.contains("hidden"), "{driver}:\n{report}");
    }
}
