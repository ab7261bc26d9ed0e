//! A volume of every FlexVolume driver that can be translated.

use serde_json::json;

use super::kind::Kind;

/// One for each mapping whose volumes have a CSI form.
pub static KINDS: &[Kind] = &[
    Kind::flex_volume("alicloud-disk", "alicloud/disk", |v| {
        json!({ "fsType": "ext4", "options": { "VolumeId": format!("d-{:020}", v.number) } })
    })
    .by("alicloud/disk", || json!({ "type": "cloud_ssd", "fstype": "ext4" })),
    Kind::flex_volume("alicloud-nas", "alicloud/nas", |v| {
        json!({ "options": {
            "server": "0cd8b4a576-abc12.cn-hangzhou.nas.example", "path": format!("/k8s/{}", v.name),
            "vers": "3", "options": "nolock,tcp,noresvport",
        }})
    })
    .by("alicloud/nas", || json!({ "server": "0cd8b4a576-abc12.cn-hangzhou.nas.example:/k8s", "driver": "flexvolume" }))
    .shared(),
    Kind::flex_volume("alicloud-oss", "alicloud/oss", |v| {
        json!({ "secretRef": { "name": "oss-keys" }, "options": {
            "bucket": format!("bucket-{}", v.number), "url": "oss-cn-hangzhou.example",
            "otherOpts": "-o allow_other",
        }})
    })
    .shared(),
    Kind::flex_volume("azure-blobfuse", "azure/blobfuse", |v| {
        json!({ "secretRef": { "name": "blobfusecreds" }, "options": {
            "container": format!("container-{}", v.number), "tmppath": "/tmp/blobfuse",
        }})
    })
    .with(|_, site| site.set("azure-blobfuse", "storageAccount", json!("acct")))
    .shared(),
    Kind::flex_volume("digitalocean", "external-storage/digitalocean", |_| json!({ "fsType": "ext4" }))
        .by("external/digitalocean", || json!({}))
        .annotated(|v| {
            let id = "digitalocean.external-storage.incubator.kubernetes.io/VolumeID";
            vec![(id, format!("7d0e1f2a-3b4c-11e8-9d5e-{:012}", v.number))]
        }),
    Kind::flex_volume("fstab-cifs", "fstab/cifs", |v| {
        json!({ "fsType": "cifs", "secretRef": { "name": "cifs-secret" }, "options": {
            "networkPath": format!("//files.example/backup/{}", v.number), "mountOptions": "vers=3.0",
        }})
    })
    .shared(),
    Kind::flex_volume("hpe-cv", "hpe.com/cv", |v| {
        json!({ "fsType": "xfs", "options": { "name": format!("cv-{}", v.number), "size": "10" } })
    })
    .by("hpe.com/cv", || json!({}))
    .with(|v, site| site.entry("hpe-cv", "volumes", format!("cv-{}", v.number), format!("6a{:010}", v.number))),
    Kind::flex_volume("hpe-hpe", "hpe.com/hpe", |v| {
        json!({ "options": { "name": format!("hpe-{}", v.number), "size": "10" } })
    })
    .by("hpe.com/hpe", || json!({}))
    .with(|v, site| site.entry("hpe-hpe", "volumes", format!("hpe-{}", v.number), v.number.to_string())),
    Kind::flex_volume("hpe-nimble", "hpe.com/nimble", |v| {
        json!({ "options": { "name": format!("nimble-{}", v.number), "size": "10" } })
    })
    .by("hpe.com/nimble", || json!({}))
    .with(|v, site| {
        site.entry("hpe-nimble", "volumes", format!("nimble-{}", v.number), format!("{:042}", v.number));
    }),
    Kind::flex_volume("huawei-fuxiefs", "huawei.com/fuxiefs", |v| {
        json!({ "fsType": "efs", "options": {
            "deviceMountPath": format!("192.0.2.169:/{}", v.number), "fsType": "efs",
            "volumeID": format!("77c2a9d4-0e5b-4f5d-9a2c-{:012}", v.number),
        }})
    })
    .by("flexvolume-huawei.com/fuxiefs", || json!({}))
    .shared(),
    Kind::flex_volume("huawei-fuxinfs", "huawei.com/fuxinfs", |v| {
        json!({ "fsType": "nfs", "options": {
            "deviceMountPath": format!("sfs.example.com:/share-{}", v.number), "fsType": "nfs",
            "volumeID": format!("6f2a1b4c-5d3e-4b70-9c6a-{:012}", v.number),
        }})
    })
    .by("flexvolume-huawei.com/fuxinfs", || json!({}))
    .shared(),
    Kind::flex_volume("huawei-fuxiobs", "huawei.com/fuxiobs", |v| {
        json!({ "fsType": "obs", "options": {
            "fsType": "obs", "region": "eu-de", "storage_class": "STANDARD", "posix": "true",
            "volumeID": format!("obs-{}", v.number),
        }})
    })
    .by("flexvolume-huawei.com/fuxiobs", || json!({}))
    .shared(),
    Kind::flex_volume("huawei-fuxivol", "huawei.com/fuxivol", |v| {
        json!({ "fsType": "ext4", "options": {
            "disk-mode": "SCSI", "fsType": "ext4", "volumeID": format!("2d1f0e5a-1b6c-4c0a-9f33-{:012}", v.number),
        }})
    })
    .by("flexvolume-huawei.com/fuxivol", || json!({ "kubernetes.io/hw:passthrough": "true" })),
    Kind::flex_volume("ibm-s3fs", "ibm/ibmc-s3fs", |v| {
        json!({ "secretRef": { "name": "cos-write-access", "namespace": v.namespace }, "options": {
            "access-mode": "ReadWriteMany", "bucket": format!("bucket-{}", v.number), "object-path": "/photos",
            "object-store-endpoint": "https://s3.us-south.example", "object-store-storage-class": "us-south-standard",
        }})
    })
    .by("ibm.io/ibmc-s3fs", || json!({}))
    .shared(),
    Kind::flex_volume("juliohm-cifs", "juliohm/cifs", |v| {
        json!({ "secretRef": { "name": "cifs-secret" }, "options": {
            "server": "files.example", "share": format!("/share/{}", v.number), "opts": "domain=Foo,uid=33",
        }})
    })
    .shared(),
    Kind::flex_volume("k8s-nfs", "k8s/nfs", |v| {
        json!({ "fsType": "nfs", "options": { "server": "nas.example", "share": format!("export/{}", v.number) } })
    })
    .shared(),
    Kind::flex_volume("linstor", "linbit/linstor-flexvolume", |_| {
        json!({ "fsType": "xfs", "options": { "disklessStoragePool": "DfltDisklessStorPool", "readOnly": "false" } })
    })
    .by("external/linstor", || json!({})),
    Kind::flex_volume("longhorn", "rancher.io/longhorn", |_| {
        json!({ "fsType": "ext4", "options": { "size": "1Gi", "numberOfReplicas": "3", "staleReplicaTimeout": "20" } })
    })
    .by("rancher.io/longhorn", || json!({ "numberOfReplicas": "3" })),
    Kind::flex_volume("mapr-fs", "mapr.com/maprfs", |v| {
        json!({ "options": {
            "cluster": "mysecurecluster", "cldbHosts": "cldb1 cldb2 cldb3", "volumePath": format!("/{}", v.number),
            "securityType": "secure", "ticketSecretName": "mapr-ticket-secret", "ticketSecretNamespace": "mapr-examples",
        }})
    })
    .shared(),
    Kind::flex_volume("microsoft-smb", "microsoft.com/smb", |v| {
        json!({ "secretRef": { "name": "smbcreds" }, "options": {
            "source": format!("//files.example/share-{}", v.number), "mountoptions": "vers=3.0,dir_mode=0777",
        }})
    })
    .shared(),
    Kind::flex_volume("oracle-oci", "oracle/oci", |_| json!({ "fsType": "ext4" }))
        .by("oracle.com/oci", || json!({}))
        .annotated(|v| {
            vec![
                ("ociVolumeID", format!("ocid1.volume.oc1.phx.example{}", v.number)),
                ("ociAvailabilityDomain", "PHX-AD-1".to_owned()),
            ]
        }),
    Kind::flex_volume("ovirt", "ovirt/ovirt-flexvolume-driver", |_| json!({ "fsType": "ext4" }))
        .by("ovirt-volume-provisioner", || json!({ "ovirtStorageDomain": "nvme" }))
        .annotated(|v| {
            let id = "ovirt.external-storage.incubator.kubernetes.io/VolumeID";
            vec![(id, format!("1f3b2c4d-7a61-4f5e-8c2d-{:012}", v.number))]
        }),
    Kind::flex_volume("qingcloud", "qingcloud/flex-volume", |v| {
        json!({ "fsType": "ext4", "options": { "volumeID": format!("vol-{:08}", v.number) } })
    })
    .by("qingcloud/volume-provisioner", || json!({ "type": "0" })),
    Kind::flex_volume("rook-cephfs", "ceph.rook.io/rook", |v| {
        json!({ "fsType": "ceph", "options": {
            "clusterNamespace": "rook-ceph", "fsName": "myfs", "path": format!("/media/{}", v.number),
        }})
    })
    .shared(),
    Kind::flex_volume("rook-rbd", "ceph.rook.io/rook-ceph-system", |v| {
        json!({ "fsType": "xfs", "options": {
            "clusterNamespace": "rook-ceph", "dataBlockPool": "", "image": v.name, "pool": "replicapool",
            "storageClass": "legacy-rook-rbd",
        }})
    })
    .by("ceph.rook.io/block", || json!({ "blockPool": "replicapool", "clusterNamespace": "rook-ceph", "fstype": "xfs" })),
];
