//! In-tree volumes that the cluster serves through CSI: the embedded backend poses as
//! the driver of Amazon's disks, beside the real external-attacher.

use flex2csi_testing::Lab;
use flex2csi_testing::applied::applied;
use flex2csi_testing::lab::Story;
use flex2csi_testing::lab::backend::BACKEND_NAMESPACE;
use serde_json::{Value, json};

use crate::posing::{self, workload};

/// A disk that was there before the cluster.
pub const VOLUME: &str = "vol-0123456789abcdef0";

/// The driver.
pub const DRIVER: &str = "ebs.csi.aws.com";

/// Another one, with a filesystem, which can grow.
pub const GROWING: &str = "vol-0fedcba9876543210";

/// Its PersistentVolume, as the in-tree provisioner left it, and the claim `name`.
pub async fn volume(story: &Story, name: &str) {
    let source = json!({ "awsElasticBlockStore": { "volumeID": VOLUME, "fsType": "ext4" } });
    let volume = story.volume(name, "ReadWriteOnce", source).await;
    let provisioner = "pv.kubernetes.io/provisioned-by=kubernetes.io/aws-ebs";
    let annotate = ["annotate", "persistentvolume", &volume, provisioner];
    story.lab.kubectl(annotate).await.unwrap();
}

/// Installs the driver beside the others of `deploy/overlays/test-hostpath`, and waits
/// until it is up.
pub async fn install(lab: &Lab) {
    let node = workload(
        "DaemonSet",
        "ebs",
        "hostpath",
        json!([backend(
            "/var/lib/kubelet/plugins/ebs.csi.aws.com/csi.sock",
            &[
                "--kubelet-registry=/var/lib/kubelet/plugins_registry",
                "--node-id=$(NODE_NAME)"
            ],
        )]),
    );
    let attacher = json!({
        "name": "attacher",
        "image": "docker.io/library/csi-attacher:test",
        "args": ["--csi-address=/csi/csi.sock"],
        "volumeMounts": [{ "name": "csi", "mountPath": "/csi" }],
    });
    let controller = backend(
        "/csi/csi.sock",
        &["--services=controller", "--node-id=controller"],
    );
    let attacher = workload(
        "Deployment",
        "ebs-attacher",
        "hostpath-attacher",
        json!([attacher, controller]),
    );
    let driver = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
        "metadata": { "name": DRIVER },
        "spec": { "attachRequired": true, "fsGroupPolicy": "ReadWriteOnceWithFSType" },
    });
    applied(&lab.cluster, [driver, node, attacher])
        .await
        .unwrap();
    for workload in ["daemonset/ebs", "deployment/ebs-attacher"] {
        lab.rolled_out(BACKEND_NAMESPACE, workload).await.unwrap();
    }
}

/// The arguments of a driver that serves there, and those that `more` has.
pub fn arguments(endpoint: &str, more: &[&str]) -> Vec<String> {
    let mut arguments = vec![
        format!("--driver-name={DRIVER}"),
        "--attach".to_owned(),
        "--state-dir=/var/lib/hostpath.flex2csi.io/ebs".to_owned(),
        format!("--volume={VOLUME}=directory:1Gi"),
        format!("--volume={GROWING}=xfs:1Gi"),
        format!("--endpoint={endpoint}"),
    ];
    arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    arguments
}

fn backend(endpoint: &str, more: &[&str]) -> Value {
    posing::backend("ebs", &arguments(endpoint, more))
}
