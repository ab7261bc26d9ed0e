//! Which objects are asked for.

mod args;

use std::collections::BTreeSet;

use flex2csi_translators::rewrite::ObjectKind;

use crate::objects::class::Class;
use crate::objects::source::Source;
use crate::objects::volume::Volume;

pub use args::SelectionArgs;

/// Which objects are asked for: what is named in one way has to be named in all
/// ways that are used; without any, everything is.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// PersistentVolumes, by name.
    pub volumes: BTreeSet<String>,
    /// Claims: namespace and name.
    pub claims: BTreeSet<(String, String)>,
    /// Namespaces of claims and workloads.
    pub namespaces: BTreeSet<String>,
    /// StorageClasses, and the volumes of them.
    pub classes: BTreeSet<String>,
    /// Legacy or CSI drivers, in-tree sources, plugins and provisioners.
    pub drivers: BTreeSet<String>,
    /// A label selector for PersistentVolumes, which the API server applies.
    pub labels: Option<String>,
}

fn has(set: &BTreeSet<String>, value: &str) -> bool {
    set.is_empty() || set.contains(value)
}

impl Selection {
    fn names_driver<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        self.drivers.is_empty() || names.into_iter().any(|name| self.drivers.contains(name))
    }

    /// Whether a volume is asked for that has this source and becomes one of `to`.
    pub fn volume(&self, volume: &Volume<'_>, source: &Source, to: Option<&str>) -> bool {
        let plugin = match source {
            Source::InTree { field } => flex2csi_translators::in_tree::plugin_of_member(field),
            _ => None,
        };
        let drivers = [Some(source.as_str()), plugin, to];
        self.may_be_volume(volume) && self.names_driver(drivers.into_iter().flatten())
    }

    /// Whether a volume may be asked for, whatever its driver is.
    pub fn may_be_volume(&self, volume: &Volume<'_>) -> bool {
        let claim = volume.spec.claim_ref.as_ref();
        let by_claim = self.claims.is_empty()
            || claim.is_some_and(|claim| {
                let key = (claim.namespace.clone(), claim.name.clone());
                self.claims.contains(&key)
            });
        let by_namespace = self.namespaces.is_empty()
            || claim.is_some_and(|claim| self.namespaces.contains(&claim.namespace));
        has(&self.volumes, &volume.metadata.name)
            && by_claim
            && by_namespace
            && has(&self.classes, &volume.spec.storage_class_name)
    }

    /// Whether a class is asked for, of this provisioner, that becomes `to`'s.
    pub fn class(&self, name: &str, provisioner: &str, to: Option<&str>) -> bool {
        self.has_classes()
            && has(&self.classes, name)
            && self.names_driver([Some(provisioner), to].into_iter().flatten())
    }

    /// Whether StorageClasses may be asked for.
    pub fn has_classes(&self) -> bool {
        self.volumes.is_empty()
            && self.claims.is_empty()
            && self.namespaces.is_empty()
            && self.labels.is_none()
    }

    /// Whether only claims of some namespaces are asked for.
    pub fn has_namespaces(&self) -> bool {
        !(self.claims.is_empty() && self.namespaces.is_empty())
    }

    /// Whether something is named at all.
    pub fn is_empty(&self) -> bool {
        self.volumes.is_empty()
            && self.claims.is_empty()
            && self.namespaces.is_empty()
            && self.classes.is_empty()
            && self.drivers.is_empty()
            && self.labels.is_none()
    }

    /// Whether an object that was recorded is asked for, labels aside: its original, JSON,
    /// and the CSI driver that it is translated for.
    pub fn recorded(&self, kind: ObjectKind, original: &str, driver: &str) -> bool {
        if kind == ObjectKind::StorageClass {
            let class: Class = serde_json::from_str(original).unwrap_or_default();
            let unlabelled = Self {
                labels: None,
                ..self.clone()
            };
            let name = &class.metadata.name;
            return unlabelled.class(name, &class.provisioner, Some(driver));
        }
        let volume: Volume<'_> = serde_json::from_str(original).unwrap_or_default();
        self.volume(&volume, &Source::of(original), Some(driver))
    }

    /// Whether workloads of a namespace are asked for.
    pub fn workload(&self, namespace: &str) -> bool {
        self.volumes.is_empty()
            && self.claims.is_empty()
            && self.classes.is_empty()
            && self.drivers.is_empty()
            && self.labels.is_none()
            && has(&self.namespaces, namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume() -> Volume<'static> {
        serde_json::from_str(
            r#"{"metadata":{"name":"pv"},"spec":{"storageClassName":"fast","claimRef":{"namespace":"n","name":"c"}}}"#,
        )
        .unwrap()
    }

    fn selects(change: impl FnOnce(&mut Selection)) -> bool {
        let mut selection = Selection::default();
        change(&mut selection);
        let source = Source::InTree {
            field: "awsElasticBlockStore",
        };
        selection.volume(&volume(), &source, Some("ebs.csi.aws.com"))
    }

    #[test]
    fn each_way_of_naming_a_volume_counts() {
        assert!(selects(|_| {}));
        for name in [
            "awsElasticBlockStore",
            "kubernetes.io/aws-ebs",
            "ebs.csi.aws.com",
        ] {
            assert!(selects(|s| s.drivers = [name.to_owned()].into()), "{name}");
        }
        assert!(selects(
            |s| s.claims = [("n".to_owned(), "c".to_owned())].into()
        ));
        assert!(!selects(
            |s| s.claims = [("n".to_owned(), "d".to_owned())].into()
        ));
        assert!(!selects(|s| s.volumes = ["other".to_owned()].into()));
        assert!(!selects(|s| {
            s.namespaces = ["n".to_owned()].into();
            s.classes = ["slow".to_owned()].into();
        }));
    }

    #[test]
    fn who_names_volumes_does_not_mean_classes_and_workloads() {
        let selection = Selection {
            volumes: ["pv".to_owned()].into(),
            ..Selection::default()
        };
        assert!(!selection.class("fast", "kubernetes.io/aws-ebs", None));
        assert!(!selection.workload("n"));
    }

    /// Everest's provisioner is none of its drivers, and a plan knows a class by these.
    #[test]
    fn a_class_that_was_rewritten_is_known_by_its_driver() {
        let original =
            r#"{"metadata":{"name":"fast"},"provisioner":"flexvolume-huawei.com/fuxivol"}"#;
        let translated = r#"{"metadata":{"name":"fast"},"provisioner":"everest-csi-provisioner",
            "parameters":{"csi.storage.k8s.io/csi-driver-name":"disk.csi.everest.io"}}"#;
        let selects = |driver: &str| {
            let selection = Selection {
                drivers: [driver.to_owned()].into(),
                ..Selection::default()
            };
            let to = crate::objects::class::driver_of(translated);
            selection.recorded(ObjectKind::StorageClass, original, &to)
        };
        assert!(selects("disk.csi.everest.io"));
        assert!(!selects("obs.csi.everest.io"));
    }
}
