//! vSphere disks that are kept: the CSI driver knows them by the id of their
//! First Class Disk, and only while it translates for the in-tree plugin by
//! their path.
//!
//! Facts: vsphere-csi-driver
//! `example/vanilla-k8s-RWO-filesystem-volumes/example-static-rwo-volume.yaml`.

use super::{DRIVER, POLICY, REGION, SOURCE, Vsphere, ZONE};
use crate::error::Error;
use crate::in_tree::affinity::Affinity;
use crate::in_tree::allowed_topologies;
use crate::in_tree::plugin::Plugin;
use crate::in_tree::stored::{
    About, FS_TYPE, InlineMode, Reach, Rewrite, Step, Store, Stored, StoredCsi, choice, csi, field,
    missing_entry, parameter_dropped, read_parameters, set_provisioner, table, tidy_topologies,
    volume_as_at_run_time,
};
use crate::json::Object;
use crate::values::ValueSpec;

/// What the driver's nodes call their places unless its configuration names
/// other categories.
const K8S_ZONE: &str = "topology.csi.vmware.com/k8s-zone";
const K8S_REGION: &str = "topology.csi.vmware.com/k8s-region";

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/vsphere-volume",
    provisioners: &["kubernetes.io/vsphere-volume"],
    driver: Some(DRIVER),
    block: true,
    inline: InlineMode::Once,
    reach: Reach::NeedsValue,
    summary: "A static volume by the id of its First Class Disk, which the path does not tell.",
    known: &[
        "volumePath",
        "fsType",
        "storagePolicyName",
        "storagePolicyID",
    ],
    fields: &[
        field("spec.csi.driver", "", DRIVER),
        field(
            "spec.csi.volumeHandle",
            "values volumes",
            "by spec.vsphereVolume.volumePath",
        ),
        field("spec.csi.fsType", "spec.vsphereVolume.fsType", ""),
        field(
            "spec.csi.volumeAttributes.type",
            "",
            "vSphere CNS Block Volume",
        ),
        field(
            "spec.nodeAffinity",
            "spec.nodeAffinity, zone and region labels",
            "under topology.csi.vmware.com/; the names by values topologyCategories",
        ),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    vec![
        table(
            "volumes",
            true,
            "the id of the First Class Disk by spec.vsphereVolume.volumePath, as \
             `kubectl get cnsvspherevolumemigrations` shows both after a migration of the \
             driver's; else register the disk (`govc disk.register`)",
        ),
        table(
            "datastores",
            false,
            "the URL of the datastore (ds:///vmfs/volumes/…/) by its name in StorageClasses",
        ),
        choice(
            "topologyCategories",
            &["zone", "k8s-zone"],
            "how nodes are labelled: topology.csi.vmware.com/zone and …/region, or …/k8s-zone \
             and …/k8s-region (`kubectl get csinodes -o yaml`)",
        ),
    ]
}

fn k8s_categories(step: &Step<'_>) -> bool {
    step.values().text(SOURCE, "topologyCategories") == Some("k8s-zone")
}

impl Store for Vsphere {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let origin = volume_as_at_run_time(self, &ABOUT, pv, step)?;
        let path = origin.required("volumePath")?;
        let id = step.values().entry(SOURCE, "volumes", &path);
        let id = id.ok_or_else(|| missing_entry(&ABOUT, "volumes", &path))?;
        let why = "a disk has its policy in vSphere already";
        origin.dropped("storagePolicyName", why, step);
        origin.dropped("storagePolicyID", why, step);
        let csi = csi(pv)?;
        csi.set("volumeHandle", id.to_owned());
        let attributes: Object<'_> = [("type", "vSphere CNS Block Volume")].into_iter().collect();
        csi.set("volumeAttributes", attributes);
        if k8s_categories(step) {
            let mut affinity = Affinity::take(pv)?;
            affinity.rename(ZONE, K8S_ZONE);
            affinity.rename(REGION, K8S_REGION);
            affinity.store(pv)?;
        }
        Ok(Stored::Csi(StoredCsi::of(DRIVER.into(), &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        let old = read_parameters(class)?;
        // For the topologies; its parameters mean something under migration only.
        Plugin::storage_class(self, class)?;
        if k8s_categories(step) {
            allowed_topologies::edit(class, |expression| {
                let is_zone = expression.str("key")?.as_deref() == Some(ZONE);
                if is_zone {
                    expression.set("key", K8S_ZONE);
                }
                Ok(is_zone)
            })?;
        }
        tidy_topologies(class)?;
        let mut new = Rewrite::default();
        for (key, value) in old {
            match key.to_lowercase().as_str() {
                "fstype" => new.rename(&key, FS_TYPE, value, step),
                POLICY => new.rename(&key, POLICY, value, step),
                "datastoreurl" => new.set("datastoreurl", value),
                "datastore" => match step.values().entry(SOURCE, "datastores", &value) {
                    Some(url) => new.rename(&key, "datastoreurl", url.to_owned(), step),
                    None => parameter_dropped(
                        &key,
                        "the driver wants the datastore's URL; the value \
                         vsphereVolume.datastores gives it",
                        step,
                    ),
                },
                _ => new.rest(&key, value, step),
            }
        }
        new.write(class);
        set_provisioner(class, DRIVER, step);
        Ok(())
    }
}
