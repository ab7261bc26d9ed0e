//! Memory hardly grows with the number of volumes.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::memory::peak_of;
use super::rig::{Rig, pair};
use super::store::VOLUMES;

/// What the rig's nodes have said is old by the end.
const NODE: &str = "--without-node-evidence";

/// As large as a real one, managedFields and all: about 2 KB.
fn large([mut volume, claim]: [Value; 2]) -> [Value; 2] {
    volume["metadata"]["managedFields"] = serde_json::json!([{
        "manager": "kube-controller-manager", "fieldsV1": {"f:x": "f:spec:x".repeat(150)},
    }]);
    [volume, claim]
}

fn rig(volumes: usize) -> Rig {
    let names = (0..volumes).map(|number| format!("n-{number}"));
    Rig::with(names.flat_map(|name| large(pair(&name))))
}

/// The largest resident set of a run, in MiB, and what it said last.
fn peak(mut command: Command, said: &str) -> (u64, String) {
    let said = std::path::Path::new(said);
    let file = std::fs::File::create(said).unwrap();
    let errors = file.try_clone().unwrap();
    command.stdin(Stdio::null()).stdout(file).stderr(errors);
    let mut child = command.spawn().unwrap();
    let (peak, status) = peak_of(&mut child);
    let text = std::fs::read_to_string(said).unwrap();
    let last = text.lines().last().unwrap_or_default().to_owned();
    assert!(status.success(), "{last}");
    (peak, last)
}

/// Plans so many volumes, rewrites them and brings them back: the peak of each.
#[allow(clippy::print_stdout, reason = "a measurement")]
fn peaks(volumes: usize) -> [u64; 3] {
    let rig = rig(volumes);
    let plan = rig.file("plan.yaml");
    let steps: [(&str, &[&str]); 3] = [
        ("plan", &["plan", "--out", &plan, NODE]),
        ("rewrite", &["rewrite", "--all", "--yes", NODE]),
        ("rollback", &["rollback", "--all", "--yes", NODE]),
    ];
    steps.map(|(step, args)| {
        let command = rig.command(args);
        let (peak, last) = peak(command, &rig.file(step));
        let store = rig.cluster.store();
        let is_csi = |volume: &&&Value| volume["spec"]["csi"].is_object();
        let translated = store.list(VOLUMES).iter().filter(is_csi).count();
        let expected = if step == "rewrite" { volumes } else { 0 };
        assert_eq!(translated, expected, "{step}: {last}");
        println!("{step} of {volumes} volumes: {peak} MiB");
        peak
    })
}

/// What each may take, in mebibytes, of 10,000 volumes.
const LIMIT: u64 = 128;

#[test]
fn memory_is_bounded_for_hundreds_of_volumes() {
    for peak in peaks(300) {
        assert!(peak > 0 && peak < LIMIT / 2, "{peak} MiB");
    }
}

mod tier_1 {
    use super::*;

    #[test]
    #[ignore = "tier 1: takes minutes"]
    fn memory_is_bounded_for_ten_thousand_volumes() {
        for peak in peaks(10_000) {
            assert!(peak < LIMIT, "{peak} MiB");
        }
    }
}
