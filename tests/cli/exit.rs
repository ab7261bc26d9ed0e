//! How it ends.

use crate::command::{flex2csi, translate};

#[test]
fn all_done_is_zero() {
    translate(&[], "a: 1\n").ended(0);
    translate(&[], "").ended(0);
}

#[test]
fn an_object_that_failed_is_one_and_the_others_are_done() {
    let ebs = "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",\"metadata\":{\"name\":\"a\"},\
               \"spec\":{\"awsElasticBlockStore\":{\"volumeID\":\"vol-1\"}}}";
    let input = format!("{{\"kind\":1}}\n{ebs}\n");
    let out = translate(&[], input).said("failed").ended(1);
    assert!(out.starts_with("{\"kind\":1}\n"), "{out}");
    assert!(out.contains("ebs.csi.aws.com"), "{out}");
}

#[test]
fn usage_and_missing_input_are_two_and_nothing_is_written() {
    for args in [
        &["translate", "-f", "/no/such/file"] as &[&str],
        &["translate", "--no-such-flag"],
        &["translate", "--mappings", "/no/such/dir"],
        &["translate", "--values", "/no/such/file"],
        &["no-such-verb"],
        &[],
    ] {
        let ran = flex2csi(args, "");
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
}

#[test]
fn values_that_no_source_declares_are_refused_before_anything_is_done() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "noSuchSource: {a: b}\n").unwrap();
    let path = file.path().to_str().unwrap();
    let out = translate(&["--values", path], "a: 1\n")
        .said("unknown section `noSuchSource`")
        .ended(2);
    assert_eq!(out, "");
}

#[test]
fn help_has_examples() {
    let help = flex2csi(&["translate", "--help"], "").ended(0);
    assert!(help.contains("kubectl get pv -o json | flex2csi translate --diff"));
}

#[test]
fn a_context_that_cannot_be_read_is_said_before_anything_is_done() {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), "a: 1\n---\nkind: StorageClass\nmetadata: [\n").unwrap();
    let path = file.path().to_str().unwrap();
    let out = translate(&["--context", path], "a: 1\n")
        .said(path)
        .ended(2);
    assert_eq!(out, "");
}
