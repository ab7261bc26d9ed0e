//! A legacy volume for each guide, and the CSI driver that is to have it.

use serde_json::{Value, json};

/// A volume that a guide moves.
pub struct Legacy {
    pub overlay: &'static str,
    /// The member of `spec` that is its source.
    pub source: fn() -> Value,
    /// What is to be filled in of `values.yaml`.
    pub values: &'static str,
    /// The CSI driver that has it afterwards.
    pub driver: &'static str,
}

/// One for each guide.
pub const VOLUMES: [Legacy; 7] = [
    Legacy {
        overlay: "huawei-fuxi",
        source: || {
            json!({ "flexVolume": { "driver": "huawei.com/fuxivol", "fsType": "ext4", "options": {
                "disk-mode": "SCSI", "fsType": "ext4", "volumeID": "2d1f0e5a-1b6c-4c0a-9f33-000000000001",
            }}})
        },
        values: "",
        driver: "disk.csi.everest.io",
    },
    Legacy {
        overlay: "alibaba",
        source: || {
            json!({ "flexVolume": {
                "driver": "alicloud/disk", "fsType": "ext4", "options": { "volumeId": "d-bp1abc" },
            }})
        },
        values: "",
        driver: "diskplugin.csi.alibabacloud.com",
    },
    Legacy {
        overlay: "rook-flex",
        source: || {
            json!({ "flexVolume": { "driver": "ceph.rook.io/rook-ceph", "fsType": "ext4", "options": {
                "clusterNamespace": "rook-ceph", "blockPool": "replicapool", "image": "data",
            }}})
        },
        values: "rook-rbd: {operatorNamespace: rook-ceph}",
        driver: "rook-ceph.rbd.csi.ceph.com",
    },
    Legacy {
        overlay: "oci",
        source: || json!({ "flexVolume": { "driver": "oracle/oci", "fsType": "ext4" } }),
        values: "oracle-oci: {volumes: {data: ocid1.volume.oc1.phx.abc}}",
        driver: "blockvolume.csi.oraclecloud.com",
    },
    Legacy {
        overlay: "in-tree-rbd",
        source: || json!({ "rbd": { "monitors": ["192.0.2.1:6789"], "pool": "kube", "image": "data", "fsType": "ext4" } }),
        values: "rbd: {form: static, clusterID: c1, secretName: csi-rbd-node, secretNamespace: ceph}",
        driver: "rbd.csi.ceph.com",
    },
    Legacy {
        overlay: "in-tree-cephfs",
        source: || json!({ "cephfs": { "monitors": ["192.0.2.1:6789"], "path": "/data" } }),
        values: "cephfs: {clusterID: c1, fsName: fs, secretName: csi-cephfs-node, secretNamespace: ceph}",
        driver: "cephfs.csi.ceph.com",
    },
    Legacy {
        overlay: "in-tree-cloud-disks",
        source: || json!({ "awsElasticBlockStore": { "volumeID": "vol-0123456789abcdef0", "fsType": "ext4" } }),
        values: "",
        driver: "ebs.csi.aws.com",
    },
];

impl Legacy {
    /// The volume, its claim, and the node where the CSI driver is.
    pub fn objects(&self) -> Vec<Value> {
        let mut volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": { "name": "data" },
            "spec": {
                "capacity": { "storage": "1Gi" },
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": "",
                "claimRef": { "namespace": "shop", "name": "data" },
            },
        });
        let source = (self.source)();
        let members = source.as_object().unwrap().clone();
        volume["spec"].as_object_mut().unwrap().extend(members);
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "namespace": "shop", "name": "data" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "1Gi" } },
                "storageClassName": "",
                "volumeName": "data",
            },
        });
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": "node-1",
                "labels": { "kubernetes.io/hostname": "node-1", "kubernetes.io/os": "linux" },
                "annotations": { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
            },
        });
        let csi_node = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
            "metadata": { "name": "node-1" },
            "spec": { "drivers": [{ "name": self.driver, "nodeID": "node-1", "topologyKeys": [] }] },
        });
        let csi_driver = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": { "name": self.driver },
            "spec": { "attachRequired": true },
        });
        // Of the vendor.
        let secrets = [
            ("ceph", "csi-rbd-node"),
            ("ceph", "csi-cephfs-node"),
            ("rook-ceph", "rook-csi-rbd-node"),
        ];
        let secrets = secrets.map(|(namespace, name)| {
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": { "namespace": namespace, "name": name },
                "stringData": { "userID": "kube", "userKey": "x" },
            })
        });
        // Of the vendor; the overlay's Roles are for their Secrets.
        let rook =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "rook-ceph" } });
        let mut objects = vec![rook, node, csi_node, csi_driver, volume, claim];
        objects.extend(secrets);
        objects
    }
}
