//! Memory does not grow with the number of volumes, but by a few dozen bytes each.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::Api;
use super::memory::peak_of;
use crate::api::{Behaviour, Objects};

/// Objects that are made as they are asked for.
struct Made {
    count: usize,
    make: fn(usize) -> String,
}

impl Objects for Made {
    fn count(&self) -> usize {
        self.count
    }

    fn at(&self, index: usize) -> String {
        (self.make)(index)
    }
}

/// As large as a real one, managedFields and all: about 2 KB.
fn volume(index: usize) -> String {
    let source = match index % 3 {
        0 => format!(
            r#""awsElasticBlockStore":{{"volumeID":"aws://eu-west-1a/vol-{index:017x}","fsType":"ext4"}}"#
        ),
        1 => format!(r#""csi":{{"driver":"ebs.csi.aws.com","volumeHandle":"vol-{index:017x}"}}"#),
        _ => r#""flexVolume":{"driver":"oracle/oci","fsType":"ext4"}"#.to_owned(),
    };
    let filler = "f:spec:x".repeat(150);
    format!(
        r#"{{"metadata":{{"name":"pvc-{index:08}-1111-2222-3333-444444444444","uid":"uid-{index}","resourceVersion":"{index}",
        "annotations":{{"ociVolumeID":"ocid1.volume.oc1.phx.{index}","ociAvailabilityDomain":"PHX-AD-1","ociCompartment":"c",
        "pv.kubernetes.io/provisioned-by":"oracle.com/oci"}},
        "managedFields":[{{"manager":"kube-controller-manager","fieldsV1":{{"f:x":"{filler}"}}}}]}},
        "spec":{{"accessModes":["ReadWriteOnce"],"capacity":{{"storage":"1Gi"}},"persistentVolumeReclaimPolicy":"Retain",
        "claimRef":{{"namespace":"namespace-{ns}","name":"data-{index}","uid":"claim-uid-{index}"}},{source}}},
        "status":{{"phase":"Bound"}}}}"#,
        ns = index % 50
    )
}

fn claim(index: usize) -> String {
    format!(
        r#"{{"metadata":{{"name":"data-{index}","namespace":"namespace-{ns}","uid":"claim-uid-{index}"}},
        "spec":{{"volumeName":"pvc-{index:08}-1111-2222-3333-444444444444"}},"status":{{"phase":"Bound"}}}}"#,
        ns = index % 50
    )
}

fn pod(index: usize) -> String {
    format!(
        r#"{{"metadata":{{"name":"pod-{index}","namespace":"namespace-{ns}","uid":"pod-uid-{index}"}},
        "spec":{{"nodeName":"node-{node}","volumes":[{{"name":"v","persistentVolumeClaim":{{"claimName":"data-{index}"}}}}]}},
        "status":{{"phase":"Running"}}}}"#,
        ns = index % 50,
        node = index % 100
    )
}

fn node(index: usize) -> String {
    format!(
        r#"{{"metadata":{{"name":"node-{index}","annotations":{{"volumes.kubernetes.io/controller-managed-attach-detach":"true"}}}},
        "status":{{"conditions":[{{"type":"Ready","status":"True"}}],"nodeInfo":{{"kubeletVersion":"v1.36.3"}}}}}}"#
    )
}

fn csi_node(index: usize) -> String {
    format!(
        r#"{{"metadata":{{"name":"node-{index}"}},"spec":{{"drivers":[{{"name":"ebs.csi.aws.com"}},{{"name":"blockvolume.csi.oraclecloud.com"}}]}}}}"#
    )
}

/// The largest resident set, in MiB, of a plan of so many volumes; and what it printed.
fn peak(volumes: usize) -> (u64, String) {
    let made = |count, make| -> Arc<dyn Objects> { Arc::new(Made { count, make }) };
    let objects = HashMap::from([
        (
            "PersistentVolume",
            made(volumes, volume as fn(usize) -> String),
        ),
        ("PersistentVolumeClaim", made(volumes, claim)),
        ("Pod", made(volumes / 5, pod)),
        ("Node", made(100, node)),
        ("CSINode", made(100, csi_node)),
    ]);
    let api = Api::start(objects, Behaviour::default());
    let printed = api.directory().join("printed");
    let mut child = Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args([
            "plan",
            "--no-server-dry-run",
            "--without-node-evidence",
            "--kubeconfig",
        ])
        .arg(api.kubeconfig())
        .arg("--out")
        .arg(api.directory().join("plan.yaml"))
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&printed).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (peak, status) = peak_of(&mut child);
    assert!(status.success());
    flex2csi::plan::file::PlanFile::check(&api.directory().join("plan.yaml")).unwrap();
    (peak, std::fs::read_to_string(printed).unwrap())
}

/// Of the mebibytes that a plan may take however many volumes there are.
const LIMIT: u64 = 128;

#[test]
fn memory_is_bounded_for_thousands_of_volumes() {
    let (peak, printed) = peak(5_000);
    assert!(printed.contains("3333 objects in legacy form"), "{printed}");
    assert!(peak > 0 && peak < LIMIT / 2, "{peak} MiB");
}

mod tier_1 {
    use super::*;

    #[test]
    #[ignore = "tier 1: takes a minute or more"]
    fn memory_is_flat_for_a_hundred_thousand_volumes() {
        let (few, _) = peak(5_000);
        let (many, printed) = peak(100_000);
        assert!(printed.contains("66667 objects in legacy form"));
        assert!(
            many < LIMIT,
            "{few} MiB for 10,000 volumes, {many} MiB for 100,000"
        );
    }
}
