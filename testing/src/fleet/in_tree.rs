//! A volume of every in-tree source that has a CSI form to be stored.

use serde_json::json;

use super::kind::Kind;

/// One for each source.
pub static KINDS: &[Kind] = &[
    Kind::in_tree("awsElasticBlockStore", |v| {
        json!({ "volumeID": format!("aws://eu-west-1a/vol-{:017x}", v.number), "fsType": "xfs" })
    })
    .by("kubernetes.io/aws-ebs", || json!({ "type": "gp2", "fsType": "xfs" }))
    .migrated("ebs.csi.aws.com"),
    Kind::in_tree("azureDisk", |v| {
        let id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/mc_shop/providers/Microsoft.Compute/disks";
        json!({
            "diskName": v.name, "diskURI": format!("{id}/{}", v.name),
            "cachingMode": "ReadOnly", "fsType": "ext4", "kind": "Managed",
        })
    })
    .by("kubernetes.io/azure-disk", || json!({ "storageaccounttype": "Premium_LRS", "kind": "Managed" }))
    .migrated("disk.csi.azure.com"),
    Kind::in_tree("azureFile", |v| {
        json!({
            "secretName": "azure-storage-account-shopfiles-secret", "secretNamespace": v.namespace,
            "shareName": format!("files-{}", v.number),
        })
    })
    .by("kubernetes.io/azure-file", || json!({ "skuName": "Standard_LRS" }))
    .migrated("file.csi.azure.com")
    .shared(),
    Kind::in_tree("cephfs", |v| {
        json!({
            "monitors": ["10.0.0.1:6789"], "path": format!("/volumes/{}", v.number), "user": "shop",
            "secretRef": { "name": "ceph-key", "namespace": v.namespace },
        })
    })
    .with(|_, site| {
        site.set("cephfs", "clusterID", json!("b9127830"));
        site.set("cephfs", "fsName", json!("myfs"));
    })
    .shared(),
    Kind::in_tree("cinder", |v| {
        json!({ "volumeID": format!("c5850e42-4f9d-42b5-9bee-{:012}", v.number), "fsType": "ext4" })
    })
    .by("kubernetes.io/cinder", || json!({ "availability": "nova" }))
    .migrated("cinder.csi.openstack.org"),
    Kind::in_tree("gcePersistentDisk", |v| {
        json!({ "pdName": format!("disk-{}", v.number), "fsType": "ext4" })
    })
    .by("kubernetes.io/gce-pd", || json!({ "type": "pd-ssd" }))
    .migrated("pd.csi.storage.gke.io")
    .with(|v, site| {
        site.set("gcePersistentDisk", "project", json!("shop-prod"));
        site.entry("gcePersistentDisk", "zones", format!("disk-{}", v.number), "europe-west1-c".to_owned());
    }),
    Kind::in_tree("nfs", |v| {
        json!({ "server": "10.0.0.9", "path": format!("/export/{}", v.number) })
    })
    .with(|_, site| site.set("nfs", "translate", json!(true)))
    .shared(),
    Kind::in_tree("portworxVolume", |v| {
        json!({ "volumeID": (729_868_377_345_u64 + v.number as u64).to_string(), "fsType": "ext4" })
    })
    .by("kubernetes.io/portworx-volume", || json!({ "repl": "2" }))
    .migrated("pxd.portworx.com"),
    Kind::in_tree("quobyte", |v| {
        json!({
            "registry": "registry:7861", "tenant": "My Tenant", "volume": format!("volume-{}", v.number),
            "user": "root", "group": "root",
        })
    })
    .with(|_, site| {
        site.set("quobyte", "secretName", json!("quobyte-admin-secret"));
        site.set("quobyte", "secretNamespace", json!("quobyte"));
    })
    .shared(),
    Kind::in_tree("rbd", |v| {
        json!({
            "monitors": ["10.0.0.1:6789", "10.0.0.2:6789"], "pool": "kube", "image": format!("image-{}", v.number),
            "fsType": "ext4", "user": "kube", "keyring": "/etc/ceph/keyring",
            "secretRef": { "name": "ceph-key", "namespace": v.namespace },
        })
    })
    .by("kubernetes.io/rbd", || {
        json!({
            "monitors": "10.0.0.1:6789,10.0.0.2:6789", "adminId": "admin", "adminSecretName": "ceph-admin",
            "adminSecretNamespace": "kube-system", "pool": "kube", "userId": "kube", "userSecretName": "ceph-key",
        })
    })
    .with(|_, site| {
        site.set("rbd", "form", json!("static"));
        site.set("rbd", "clusterID", json!("b9127830"));
    }),
    Kind::in_tree("scaleIO", |v| {
        json!({
            "gateway": "https://gw:443/api", "system": "scaleio", "volumeName": format!("vol-{}", v.number),
            "secretRef": { "name": "sio-secret", "namespace": v.namespace }, "fsType": "xfs",
        })
    })
    .with(|v, site| {
        site.entry("scaleIO", "systems", "scaleio".to_owned(), "7045c4cc20dffc0f".to_owned());
        site.entry("scaleIO", "volumes", format!("vol-{}", v.number), format!("{:016x}", v.number));
    }),
    Kind::in_tree("storageos", |v| {
        json!({ "volumeName": format!("redis-{}", v.number), "volumeNamespace": v.namespace, "fsType": "ext4" })
    })
    .with(|v, site| {
        let name = format!("{}/redis-{}", v.namespace, v.number);
        site.entry("storageos", "volumes", name, format!("{:08x}/3c4d", v.number));
    }),
    Kind::in_tree("vsphereVolume", |v| {
        json!({ "volumePath": format!("[vsanDatastore] kubevols/{}.vmdk", v.name), "fsType": "ext4" })
    })
    .by("kubernetes.io/vsphere-volume", || json!({ "diskformat": "thin", "fstype": "ext4" }))
    .migrated("csi.vsphere.vmware.com")
    .with(|v, site| {
        let path = format!("[vsanDatastore] kubevols/{}.vmdk", v.name);
        site.entry("vsphereVolume", "volumes", path, format!("0c75d40e-7576-4fe7-8aaa-{:012}", v.number));
    }),
];
