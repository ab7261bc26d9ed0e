//! A volume and its claim, as they stand in a cluster once they are bound.

use serde_json::{Value, json};

use super::kind::{Kind, Which};
use crate::seed::Seed;

/// Where the claims are.
pub const NAMESPACES: [&str; 3] = ["shop", "blog", "bank"];

/// A PersistentVolume and a PersistentVolumeClaim that are to be bound.
pub struct Pair {
    pub kind: &'static Kind,
    pub which: Which,
    pub claim_name: String,
    pub dynamic: bool,
    seed: Seed,
}

impl Pair {
    /// The `number`th of a fleet.
    pub fn new(kind: &'static Kind, number: usize, seed: &Seed) -> Self {
        let mut seed = seed.clone();
        for _ in 0..number % 97 {
            seed.number();
        }
        let mut seed = Seed::new(seed.number() ^ number as u64);
        let dynamic = kind.provisioner.is_some() && seed.chance(700);
        let name = if dynamic {
            format!(
                "pvc-{:08x}-0000-4000-8000-{number:012}",
                seed.number() >> 32
            )
        } else {
            format!("{}-{number}", kind.name.to_lowercase())
        };
        let namespace = NAMESPACES[number % NAMESPACES.len()].to_owned();
        Self {
            kind,
            which: Which {
                number,
                name,
                namespace,
            },
            claim_name: format!("data-{number}"),
            dynamic,
            seed,
        }
    }

    /// The volume, bound to the claim with this uid.
    pub fn volume(&self, claim_uid: &str) -> Value {
        let mut seed = self.seed.clone();
        let Self { kind, which, .. } = self;
        let mut annotations = json!({});
        for (key, value) in (kind.annotations)(which) {
            annotations[key] = json!(value);
        }
        if self.dynamic {
            annotations["pv.kubernetes.io/provisioned-by"] = json!(kind.provisioner);
            if let Some(driver) = kind.migrated_to {
                annotations["pv.kubernetes.io/migrated-to"] = json!(driver);
            }
        }
        // Absent where a person bound the volume to the claim beforehand.
        if self.dynamic || seed.chance(500) {
            annotations["pv.kubernetes.io/bound-by-controller"] = json!("yes");
        }
        let delete = seed.chance(if self.dynamic { 700 } else { 300 });
        let mut spec = json!({
            "capacity": { "storage": "1Gi" },
            "accessModes": [self.access_mode()],
            "persistentVolumeReclaimPolicy": if delete { "Delete" } else { "Retain" },
            "storageClassName": self.class(),
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": which.namespace, "name": self.claim_name, "uid": claim_uid,
            },
        });
        let (member, source) = kind.member(which);
        spec[member] = source;
        if seed.chance(200) {
            spec["mountOptions"] = json!(["noatime"]);
        }
        let mut labels =
            json!({ "fleet": "legacy", "tier": if seed.chance(500) { "gold" } else { "silver" } });
        if kind.name == "awsElasticBlockStore" && seed.chance(500) {
            labels["topology.kubernetes.io/zone"] = json!("eu-west-1a");
            labels["topology.kubernetes.io/region"] = json!("eu-west-1");
            spec["nodeAffinity"] = json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-west-1a"] },
            ]}]}});
        }
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": { "name": which.name, "labels": labels, "annotations": annotations },
            "spec": spec,
        })
    }

    /// The claim, bound to the volume.
    pub fn claim(&self) -> Value {
        let mut annotations = json!({ "pv.kubernetes.io/bind-completed": "yes" });
        if self.dynamic {
            annotations["pv.kubernetes.io/bound-by-controller"] = json!("yes");
            for key in [
                "volume.beta.kubernetes.io/storage-provisioner",
                "volume.kubernetes.io/storage-provisioner",
            ] {
                annotations[key] = json!(self.kind.provisioner);
            }
            if let Some(driver) = self.kind.migrated_to {
                annotations["pv.kubernetes.io/migrated-to"] = json!(driver);
            }
        }
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "namespace": self.which.namespace, "name": self.claim_name,
                "labels": { "app": format!("app-{}", self.which.number % 10) },
                "annotations": annotations,
            },
            "spec": {
                "accessModes": [self.access_mode()],
                "resources": { "requests": { "storage": "1Gi" } },
                "storageClassName": self.class(),
                "volumeName": self.which.name,
            },
        })
    }

    /// What the controller writes into the status of both once they are bound.
    pub fn statuses(&self) -> (Value, Value) {
        let volume = json!({ "status": { "phase": "Bound" } });
        let claim = json!({ "status": {
            "phase": "Bound", "accessModes": [self.access_mode()], "capacity": { "storage": "1Gi" },
        }});
        (volume, claim)
    }

    fn access_mode(&self) -> &'static str {
        if self.kind.shared {
            "ReadWriteMany"
        } else {
            "ReadWriteOnce"
        }
    }

    fn class(&self) -> String {
        if self.dynamic {
            self.kind.class()
        } else {
            String::new()
        }
    }
}
