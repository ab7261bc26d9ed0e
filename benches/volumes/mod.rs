//! PersistentVolumes of about 1.1 KB, as dynamic provisioning leaves them.

use std::fmt::Write;

use flex2csi_translators::Values;
use flex2csi_translators::values::SiteValue;

/// A kind of volume that the benchmarks translate.
pub struct Kind {
    /// Name in the table.
    pub name: &'static str,
    /// The source, with `{id}` where volumes differ.
    source: &'static str,
    provisioner: &'static str,
    zoned: bool,
    /// Whether csi-translation-lib v0.36.3 translates it.
    #[allow(dead_code)] // The stream has no library beside it.
    pub in_library: bool,
}

const fn in_tree(
    name: &'static str,
    provisioner: &'static str,
    source: &'static str,
    zoned: bool,
) -> Kind {
    Kind {
        name,
        source,
        provisioner,
        zoned,
        in_library: true,
    }
}

const fn flex(name: &'static str, provisioner: &'static str, source: &'static str) -> Kind {
    Kind {
        name,
        source,
        provisioner,
        zoned: false,
        in_library: false,
    }
}

/// The in-tree kinds of the library.
pub const IN_TREE: [Kind; 7] = [
    in_tree(
        "aws-ebs",
        "kubernetes.io/aws-ebs",
        r#""awsElasticBlockStore":{"volumeID":"aws://us-east-1a/vol-{id}","fsType":"ext4"}"#,
        true,
    ),
    in_tree(
        "gce-pd",
        "kubernetes.io/gce-pd",
        r#""gcePersistentDisk":{"pdName":"gke-prod-4c1e9d2b-pvc-{id}","fsType":"ext4"}"#,
        true,
    ),
    in_tree(
        "cinder",
        "kubernetes.io/cinder",
        r#""cinder":{"volumeID":"9a1b7c4e-0f77-4ea1-a3ad-{id}","fsType":"ext4"}"#,
        true,
    ),
    in_tree(
        "azure-disk",
        "kubernetes.io/azure-disk",
        r#""azureDisk":{"diskName":"kubernetes-dynamic-pvc-{id}","diskURI":"/subscriptions/5b1d8f0e/resourceGroups/mc_prod/providers/Microsoft.Compute/disks/kubernetes-dynamic-pvc-{id}","cachingMode":"ReadOnly","fsType":"ext4","kind":"Managed","readOnly":false}"#,
        false,
    ),
    in_tree(
        "azure-file",
        "kubernetes.io/azure-file",
        r#""azureFile":{"secretName":"azure-storage-account-f1a2-secret","shareName":"kubernetes-dynamic-pvc-{id}","secretNamespace":"prod"}"#,
        false,
    ),
    in_tree(
        "vsphere",
        "kubernetes.io/vsphere-volume",
        r#""vsphereVolume":{"volumePath":"[vsanDatastore] kubevols/kubernetes-dynamic-pvc-{id}.vmdk","fsType":"ext4"}"#,
        true,
    ),
    in_tree(
        "portworx",
        "kubernetes.io/portworx-volume",
        r#""portworxVolume":{"volumeID":"4711{id}","fsType":"ext4"}"#,
        false,
    ),
];

/// FlexVolume drivers with built-in mappings.
pub const FLEX: [Kind; 4] = [
    flex(
        "huawei fuxivol",
        "flexvolume-huawei.com/fuxivol",
        r#""flexVolume":{"driver":"huawei.com/fuxivol","fsType":"ext4","options":{"disk-mode":"SCSI","fsType":"ext4","volumeID":"0b1c2d3e-0f77-4ea1-a3ad-{id}"}}"#,
    ),
    flex(
        "huawei fuxiobs",
        "flexvolume-huawei.com/fuxiobs",
        r#""flexVolume":{"driver":"huawei.com/fuxiobs","fsType":"obs","options":{"fsType":"obs","posix":"true","region":"eu-de","storage_class":"STANDARD_IA","volumeID":"bucket-{id}"}}"#,
    ),
    flex(
        "alicloud disk",
        "alicloud/disk",
        r#""flexVolume":{"driver":"alicloud/disk","fsType":"ext4","options":{"volumeId":"d-{id}"}}"#,
    ),
    flex(
        "rook rbd",
        "ceph.rook.io/block",
        r#""flexVolume":{"driver":"ceph.rook.io/rook-ceph-system","fsType":"ext4","options":{"clusterNamespace":"rook-ceph","blockPool":"replicapool","image":"pvc-{id}","storageClass":"rook-ceph-block"}}"#,
    ),
];

/// What only the site knows of so many volumes.
#[allow(dead_code)] // The stream's volumes need no values.
pub fn values(volumes: u32) -> Values {
    let disk = |n| {
        let id = id(n);
        let path = format!("[vsanDatastore] kubevols/kubernetes-dynamic-pvc-{id}.vmdk");
        (path, format!("fcd-{id}"))
    };
    let disks = SiteValue::Table((0..volumes).map(disk).collect());
    let project = SiteValue::Text("prod-1".to_owned());
    let mut values = Values::default();
    values.set("gcePersistentDisk", "project", project);
    values.set("vsphereVolume", "volumes", disks);
    values
}

fn id(n: u32) -> String {
    format!("{:012x}", u64::from(n) * 2_654_435_761 % (1 << 47))
}

impl Kind {
    /// The `n`th volume of the kind, compact JSON.
    pub fn volume(&self, n: u32) -> String {
        let id = id(n);
        let zone = if self.zoned {
            r#""failure-domain.beta.kubernetes.io/region":"us-east1","failure-domain.beta.kubernetes.io/zone":"us-east1-b","#
        } else {
            ""
        };
        let affinity = if self.zoned {
            r#""nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"failure-domain.beta.kubernetes.io/zone","operator":"In","values":["us-east1-b"]},{"key":"failure-domain.beta.kubernetes.io/region","operator":"In","values":["us-east1"]}]}]}},"#
        } else {
            ""
        };
        let mut text = String::with_capacity(1200);
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"annotations":{{"kubernetes.io/createdby":"dynamic-provisioner","pv.kubernetes.io/bound-by-controller":"yes","pv.kubernetes.io/provisioned-by":"{}"}},"creationTimestamp":"2020-03-14T15:09:26Z","finalizers":["kubernetes.io/pv-protection"],"labels":{{{zone}"team":"storage"}},"name":"pvc-5b1d8f0e-2f5e-4d0b-9b1a-{id}","resourceVersion":"141022518","uid":"5b1d8f0e-2f5e-4d0b-9b1a-827226b7a272"}},"spec":{{"accessModes":["ReadWriteOnce"],{},"capacity":{{"storage":"10Gi"}},"claimRef":{{"apiVersion":"v1","kind":"PersistentVolumeClaim","name":"data-db-{n}","namespace":"prod","resourceVersion":"141022441","uid":"5b1d8f0e-2f5e-4d0b-9b1a-66123370148d"}},{affinity}"persistentVolumeReclaimPolicy":"Delete","storageClassName":"standard","volumeMode":"Filesystem"}},"status":{{"phase":"Bound"}}}}"#,
            self.provisioner,
            self.source.replace("{id}", &id),
        );
        text
    }
}
