//! How it ends.

use std::process::{Command, Stdio};

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

const READ_ONLY: &str = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  awsElasticBlockStore: {volumeID: vol-1, readOnly: true}\n";

/// Many volumes, with a warning for each.
fn many() -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    let all = format!("---\n{READ_ONLY}").repeat(3000);
    std::fs::write(file.path(), all).unwrap();
    file
}

fn of_file(file: &tempfile::NamedTempFile) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
    command.args(["translate", "-f"]).arg(file.path());
    command
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn nobody_listening_on_stderr_does_not_end_a_translation() {
    let file = many();
    let output = of_file(&file).stderr(closed()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(out.matches("volumeHandle: vol-1").count(), 3000);
}

#[test]
fn nobody_reading_the_output_is_no_failure() {
    let file = many();
    let output = of_file(&file).stdout(closed()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for verb in [&["drivers"] as &[&str], &["explain", "nfs"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
        let output = command.args(verb).stdout(closed()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_a_failure_and_the_output_is_whole() {
    let file = many();
    let output = of_file(&file)
        .args(["--report", "/dev/full"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot write the report"), "{said}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(out.matches("volumeHandle: vol-1").count(), 3000);
}

#[test]
fn a_report_in_the_place_of_an_input_is_refused_and_the_input_stays() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in.yaml");
    let (hard, soft) = (dir.path().join("hard"), dir.path().join("soft"));
    std::fs::write(&input, READ_ONLY).unwrap();
    std::fs::hard_link(&input, &hard).unwrap();
    std::os::unix::fs::symlink(&input, &soft).unwrap();
    let input = input.to_str().unwrap();
    for report in [input, hard.to_str().unwrap(), soft.to_str().unwrap()] {
        for args in [
            &["-f", input] as &[&str],
            &["--values", input],
            &["--context", input],
        ] {
            let args: Vec<&str> = args.iter().chain(&["--report", report]).copied().collect();
            let ran = translate(&args, "");
            assert_eq!(ran.code, 2, "{args:?}: {}", ran.stderr);
            assert_eq!(ran.stdout, "");
            assert_eq!(std::fs::read_to_string(input).unwrap(), READ_ONLY);
        }
        // The shell's way to give it.
        let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
        command.args(["translate", "--report", report]);
        let stdin = std::fs::File::open(input).unwrap();
        assert_eq!(
            command.stdin(stdin).output().unwrap().status.code(),
            Some(2)
        );
        assert_eq!(std::fs::read_to_string(input).unwrap(), READ_ONLY);
    }
}

#[test]
fn every_source_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sources: Vec<String> = ["1.yaml", "2.yaml"]
        .iter()
        .map(|name| {
            let path = dir.path().join(name);
            std::os::unix::fs::symlink(dir.path().join("gone"), &path).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let all = dir.path().to_str().unwrap();
    translate(&["-f", all], "")
        .said(&sources[0])
        .said(&sources[1])
        .ended(2);
}

#[test]
fn flags_that_say_nothing_together_are_refused() {
    translate(&["--target", "runtime", "--via-endpoint"], READ_ONLY)
        .said("--via-endpoint")
        .ended(2);
}

#[test]
fn no_value_of_the_values_file_is_said() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for values in [
        "nfs: hidden\n",
        "nfs: {server: [hidden]}\n",
        "hidden\n",
        "nfs: {translate: 'hidden'}\n",
    ] {
        std::fs::write(file.path(), values).unwrap();
        let ran = translate(&["--values", file.path().to_str().unwrap()], "");
        assert_eq!(ran.code, 2, "{values}: {}", ran.stderr);
        assert!(!ran.stderr.contains("hidden"), "{values}: {}", ran.stderr);
    }
}
