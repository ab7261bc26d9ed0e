//! What the flags of `translate` ask for.

use crate::command::{flex2csi, translate};

const EBS: &str = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  awsElasticBlockStore: {volumeID: vol-1}\n";
const CLASS: &str = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: c}\nprovisioner: kubernetes.io/aws-ebs\n";
const FLEX: &str = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: f}\nspec:\n  accessModes: [ReadWriteOnce]\n  capacity: {storage: 1Gi}\n  flexVolume: {driver: huawei.com/fuxivol, fsType: ext4, options: {volumeID: x, fsType: ext4}}\n";
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    awsElasticBlockStore: {volumeID: vol-1}\n";

#[test]
fn for_the_runtime_only_in_tree_sources_are_translated() {
    let out = translate(&["--target", "runtime"], EBS).ended(0);
    assert!(out.contains("driver: ebs.csi.aws.com"), "{out}");
    assert!(!out.contains("provisioned-by"), "{out}");
    for kept in [FLEX, POD] {
        assert_eq!(translate(&["--target", "runtime"], kept).ended(0), kept);
    }
}

#[test]
fn to_in_tree_takes_volumes_back_and_leaves_the_rest() {
    let csi = translate(&[], EBS).ended(0);
    let back = translate(&["--to", "in-tree"], &csi).ended(0);
    assert!(back.contains("awsElasticBlockStore:"), "{back}");
    assert!(back.contains("volumeID: vol-1"), "{back}");
    assert!(!back.contains("csi:"), "{back}");
    let class = translate(&[], CLASS).ended(0);
    assert!(class.contains("ebs.csi.aws.com"), "{class}");
    assert_eq!(translate(&["--to", "in-tree"], &class).ended(0), class);
    let help = flex2csi(&["translate", "--help"], "").ended(0);
    let words: Vec<&str> = help.split_whitespace().collect();
    assert!(
        words
            .join(" ")
            .contains("StorageClasses, claims and workloads stay as they are"),
        "{help}"
    );
}

#[test]
fn directories_below_are_read_only_if_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("below")).unwrap();
    std::fs::write(dir.path().join("a.yaml"), EBS).unwrap();
    std::fs::write(
        dir.path().join("below/b.yaml"),
        EBS.replace("vol-1", "vol-2"),
    )
    .unwrap();
    let path = dir.path().to_str().unwrap();
    let flat = translate(&["-f", path], "").ended(0);
    assert_eq!(flat.matches("volumeHandle").count(), 1, "{flat}");
    let deep = translate(&["-R", "-f", path], "").ended(0);
    assert!(deep.contains("volumeHandle: vol-1"), "{deep}");
    assert!(deep.contains("volumeHandle: vol-2"), "{deep}");
}

#[test]
fn objects_that_name_no_namespace_are_in_the_one_given() {
    let out = translate(&["-n", "shop"], POD).ended(0);
    assert!(out.contains("kind: PersistentVolumeClaim"), "{out}");
    assert!(out.contains("namespace: shop"), "{out}");
    let out = translate(&[], POD).ended(0);
    assert!(!out.contains("namespace: shop"), "{out}");
}

#[test]
fn explain_finds_a_driver_by_its_pattern() {
    let found = flex2csi(&["explain", "ceph.rook.io/rook-ceph"], "").ended(0);
    assert!(found.to_lowercase().contains("rook"), "{found}");
    let ran = flex2csi(&["explain", "ceph.rook.io/a/b"], "");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
}

#[test]
fn explain_says_what_makes_up_for_a_value() {
    let out = flex2csi(&["explain", "azure/blobfuse"], "").ended(0);
    assert!(out.contains("unless"), "{out}");
}

/// The library leaves the path empty; what is to be stored has to have one.
#[test]
fn what_does_not_find_its_disk_again_is_not_taken_back() {
    let csi = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec:\n  csi: {driver: csi.vsphere.vmware.com, volumeHandle: some-id}\n";
    let kept = translate(&["--to", "in-tree"], csi)
        .said("vsphereVolume.volumePath")
        .ended(1);
    assert_eq!(kept, csi);
    let runtime = translate(&["--to", "in-tree", "--target", "runtime"], csi).ended(0);
    assert!(runtime.contains("vsphereVolume:"), "{runtime}");
}

#[test]
fn a_volume_without_a_name_is_refused() {
    let volume = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {}\nspec:\n  awsElasticBlockStore: {volumeID: vol-1}\n";
    let kept = translate(&[], volume).said(".metadata.name").ended(1);
    assert_eq!(kept, volume);
}
