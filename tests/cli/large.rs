//! Input that is too large to be held, or for anything that grows with it.

use std::fs::File;
use std::io::Write;
use std::process::Stdio;

use crate::command::translate;

const MIB: usize = 1 << 20;
const EBS: &str = r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"a"},"spec":{"awsElasticBlockStore":{"volumeID":"vol-1"}}}"#;

/// Translates `before`, so many bytes of one string, and `after`.
#[track_caller]
fn passes(suffix: &str, before: &str, mib: usize, after: &str, says: &str) {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    file.write_all(before.as_bytes()).unwrap();
    let chunk = vec![b'x'; MIB];
    for _ in 0..mib {
        file.write_all(&chunk).unwrap();
    }
    file.write_all(after.as_bytes()).unwrap();
    let length = file.as_file().metadata().unwrap().len();
    let path = file.path().to_str().unwrap();
    let mut out = tempfile::tempfile().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args(["translate", "-f", path])
        .stdout(Stdio::from(out.try_clone().unwrap()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(says), "{said}");
    assert!(said.contains("1 translated, 0 kept"), "{said}");
    let (head, tail) = ends(&mut out, before.len(), 2000);
    assert_eq!(head, before);
    assert!(
        tail.contains("vol-1") && tail.contains("ebs.csi.aws.com"),
        "{tail}"
    );
    assert!(out.metadata().unwrap().len() > length, "something is lost");
}

fn ends(file: &mut File, head: usize, tail: u64) -> (String, String) {
    use std::io::{Read, Seek, SeekFrom};
    let mut first = vec![0; head];
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_exact(&mut first).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length.saturating_sub(tail)))
        .unwrap();
    let mut last = Vec::new();
    file.read_to_end(&mut last).unwrap();
    (
        String::from_utf8(first).unwrap(),
        String::from_utf8_lossy(&last).into_owned(),
    )
}

#[test]
fn a_yaml_document_over_the_limit_goes_through_and_the_next_is_translated() {
    passes(
        ".yaml",
        "kind: ConfigMap\ndata:\n  text: ",
        65,
        &format!("\n---\n{EBS}\n"),
        "larger than 64 MiB",
    );
}

#[test]
fn a_json_object_over_the_limit_goes_through_and_the_next_is_translated() {
    passes(
        ".json",
        "{\n\"kind\": \"ConfigMap\", \"data\": {\"text\": \"",
        100,
        &format!("\"}}}}\n{EBS}\n"),
        "larger than 64 MiB",
    );
}

/// A class counts for what comes after it, however many there are.
#[test]
fn thousands_of_classes_are_known_at_once() {
    const CLASSES: usize = 8000;
    let mut input = String::new();
    for n in 0..CLASSES {
        input += &format!(
            "{{\"apiVersion\":\"storage.k8s.io/v1\",\"kind\":\"StorageClass\",\"metadata\":{{\"name\":\"c{n}\"}},\"provisioner\":\"flexvolume-huawei.com/fuxivol\",\"parameters\":{{\"kubernetes.io/volumetype\":\"T{n}\"}}}}\n"
        );
        let volume = |class: usize| {
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",\"metadata\":{{\"name\":\"v{n}-{class}\"}},\"spec\":{{\"storageClassName\":\"c{class}\",\"accessModes\":[\"ReadWriteOnce\"],\"flexVolume\":{{\"driver\":\"huawei.com/fuxivol\",\"options\":{{\"volumeID\":\"x\"}}}}}}}}\n"
            )
        };
        if n % 1000 == 500 {
            input += &volume(n);
            input += &volume(n + 1);
        }
    }
    let out = translate(&["-q", "-o", "ndjson"], &input).ended(0);
    for line in out
        .lines()
        .filter(|line| line.contains("PersistentVolume\""))
    {
        let volume: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = volume["metadata"]["name"].as_str().unwrap().to_owned();
        let class = volume["spec"]["storageClassName"].as_str().unwrap();
        let known = name == format!("v{}-{}", &class[1..], &class[1..]);
        assert_eq!(
            line.contains(&format!("\"T{}\"", &class[1..])),
            known,
            "{line}"
        );
    }
    assert_eq!(out.lines().count(), CLASSES + 16);
}
