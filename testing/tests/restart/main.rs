//! Volumes that are in use, on a real cluster: `flex2csi rewrite --restart`, `--wait-idle`
//! and `--fence`, with the rights of `deploy/rbac` and no others. The cluster makes the pods;
//! the test is the kubelet.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    mod fence;
    mod kubelet;
    mod restarted;
    mod site;
    mod waited;
}
