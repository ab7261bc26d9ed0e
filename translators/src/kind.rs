//! Which objects a translation looks into.

use crate::error::Error;
use crate::json::Object;

/// The kinds of objects that can hold a volume in legacy form, or name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `v1 PersistentVolume`
    PersistentVolume,
    /// `v1 PersistentVolumeClaim`
    PersistentVolumeClaim,
    /// `storage.k8s.io StorageClass`
    StorageClass,
    /// `snapshot.storage.k8s.io VolumeSnapshotContent`
    VolumeSnapshotContent,
    /// An object with a pod's specification somewhere inside.
    Workload(PodSpecPlace),
    /// `v1 List` and the typed lists of the kinds above.
    List,
    /// Anything else, which goes through as it is.
    Other,
}

/// Where an object keeps its pod's specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodSpecPlace {
    /// `Pod`: in `spec`.
    Pod,
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `ReplicaSet`,
    /// `ReplicationController`, `Job`: in `spec.template.spec`.
    Template,
    /// `CronJob`: in `spec.jobTemplate.spec.template.spec`.
    CronJob,
    /// `PodTemplate`: in `template.spec`.
    PodTemplate,
}

impl PodSpecPlace {
    /// The members on the way to the pod's specification.
    pub fn pod_path(self) -> &'static [&'static str] {
        match self {
            Self::Pod => &["spec"],
            Self::Template => &["spec", "template", "spec"],
            Self::CronJob => &["spec", "jobTemplate", "spec", "template", "spec"],
            Self::PodTemplate => &["template", "spec"],
        }
    }
}

impl Kind {
    /// Reads `apiVersion` and `kind`. Versions do not matter: a dump of an old
    /// cluster has `extensions/v1beta1`, and the members are the same.
    ///
    /// # Errors
    /// One of them is not a string.
    pub fn of(object: &Object<'_>) -> Result<Self, Error> {
        let version = object.str("apiVersion")?.unwrap_or_default();
        let kind = object.str("kind")?.unwrap_or_default();
        Ok(Self::named(&version, &kind))
    }

    /// The kind of an object with this `apiVersion` and `kind`.
    pub fn named(api_version: &str, kind: &str) -> Self {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        match (group, kind) {
            ("", "PersistentVolume") => Self::PersistentVolume,
            ("", "PersistentVolumeClaim") => Self::PersistentVolumeClaim,
            ("storage.k8s.io", "StorageClass") => Self::StorageClass,
            ("snapshot.storage.k8s.io", "VolumeSnapshotContent") => Self::VolumeSnapshotContent,
            ("", "Pod") => Self::Workload(PodSpecPlace::Pod),
            ("", "PodTemplate") => Self::Workload(PodSpecPlace::PodTemplate),
            ("", "ReplicationController") => Self::Workload(PodSpecPlace::Template),
            ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet") => {
                Self::Workload(PodSpecPlace::Template)
            }
            ("batch", "Job") => Self::Workload(PodSpecPlace::Template),
            ("batch", "CronJob") => Self::Workload(PodSpecPlace::CronJob),
            _ if Self::item_of(api_version, kind).is_some() => Self::List,
            _ => Self::Other,
        }
    }

    /// The `apiVersion` and `kind` that the items of a list leave out, if this
    /// names a list; empty for `v1 List`, whose items have their own.
    pub fn item_of<'k>(api_version: &'k str, kind: &'k str) -> Option<(&'k str, &'k str)> {
        let item = kind.strip_suffix("List")?;
        if item.is_empty() {
            return (api_version == "v1").then_some(("", ""));
        }
        let known = !matches!(Self::named(api_version, item), Self::Other | Self::List);
        known.then_some((api_version, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_count_and_versions_do_not() {
        let deployment = Kind::Workload(PodSpecPlace::Template);
        assert_eq!(Kind::named("extensions/v1beta1", "Deployment"), deployment);
        assert_eq!(Kind::named("apps/v1", "Deployment"), deployment);
        assert_eq!(Kind::named("example.com/v1", "Deployment"), Kind::Other);
        assert_eq!(Kind::named("v1", "StorageClass"), Kind::Other);
        assert_eq!(
            Kind::named("batch/v1beta1", "CronJob"),
            Kind::Workload(PodSpecPlace::CronJob)
        );
    }

    #[test]
    fn lists_name_the_kind_of_their_items() {
        assert_eq!(Kind::item_of("v1", "List"), Some(("", "")));
        assert_eq!(
            Kind::item_of("v1", "PersistentVolumeList"),
            Some(("v1", "PersistentVolume"))
        );
        assert_eq!(Kind::item_of("v1", "PersistentVolume"), None);
        assert_eq!(Kind::item_of("example.com/v1", "ShoppingList"), None);
        assert_eq!(Kind::named("v1", "ListList"), Kind::Other);
    }
}
