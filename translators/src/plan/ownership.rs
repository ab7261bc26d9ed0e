//! Who else has a say in an object.

use super::{Finding, FindingCode};

/// What an object's metadata says of others that act on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// Whether it is being deleted.
    pub deleting: bool,
    /// `metadata.finalizers`
    pub finalizers: Vec<String>,
    /// Its owners: `Kind/name`, and whether it is the controller.
    pub owners: Vec<(String, bool)>,
    /// Who applies it, as [`gitops_owner`] tells.
    pub gitops: Option<String>,
    /// The state of a rewrite of it that is not finished.
    pub migration: Option<String>,
}

/// A finalizer whose meaning is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownFinalizer {
    /// `kubernetes.io/pv-protection` and `orphan`: come and go by themselves.
    Protection,
    /// A deleter's: `kubernetes.io/pv-controller` (kube-controller-manager) or
    /// `external-provisioner.volume.kubernetes.io/finalizer`. It goes once the
    /// deleter has seen the policy Retain.
    Deleter,
    /// `external-attacher/<driver>`: the volume was attached once.
    Attacher,
}

impl KnownFinalizer {
    /// Which one this is; `None` for any other.
    pub fn of(finalizer: &str) -> Option<Self> {
        match finalizer {
            "kubernetes.io/pv-protection" | "orphan" => Some(Self::Protection),
            "kubernetes.io/pv-controller"
            | "external-provisioner.volume.kubernetes.io/finalizer" => Some(Self::Deleter),
            _ => finalizer
                .starts_with("external-attacher/")
                .then_some(Self::Attacher),
        }
    }
}

/// Labels and annotations by which tools that apply manifests find theirs again:
/// the key, and the tool. (Argo CD, Flux, Helm, Fleet, kapp, Config Sync: their
/// documentation of resource tracking.)
const GITOPS: [(&str, &str); 9] = [
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("helm.toolkit.fluxcd.io/name", "Flux"),
    ("meta.helm.sh/release-name", "Helm"),
    ("objectset.rio.cattle.io/id", "Fleet"),
    ("kapp.k14s.io/app", "kapp"),
    ("configsync.gke.io/resource-id", "Config Sync"),
    (
        "config.kubernetes.io/owning-inventory",
        "kpt or Config Sync",
    ),
];

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Who applies an object, by its labels and annotations.
pub fn gitops_owner<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Option<String> {
    for (key, tool) in GITOPS {
        if let Some((_, value)) = pairs.clone().find(|(found, _)| *found == key) {
            return Some(format!("{tool} ({key}: {value})"));
        }
    }
    let mut managed = pairs.filter(|(key, value)| *key == MANAGED_BY && *value != "flex2csi");
    let (_, value) = managed.next()?;
    Some(format!("{value} ({MANAGED_BY})"))
}

impl Ownership {
    /// What follows from it.
    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        if let Some(state) = &self.migration {
            findings.push(Finding::new(
                FindingCode::MigrationUnderWay,
                format!("its rewrite is {state}"),
            ));
        } else if self.deleting {
            findings.push(Finding::new(
                FindingCode::Terminating,
                "it is being deleted",
            ));
        }
        for finalizer in &self.finalizers {
            if KnownFinalizer::of(finalizer).is_none() {
                let message = format!("the finalizer {finalizer} holds it");
                findings.push(Finding::new(FindingCode::ForeignFinalizer, message));
            }
        }
        for (owner, controller) in &self.owners {
            findings.push(if *controller {
                Finding::new(
                    FindingCode::OwnedByController,
                    format!("{owner} controls it"),
                )
            } else {
                Finding::new(FindingCode::OwnerReference, format!("{owner} owns it"))
            });
        }
        if let Some(owner) = &self.gitops {
            findings.push(Finding::new(
                FindingCode::GitOpsOwned,
                format!("it is applied by {owner}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_their_marks() {
        let owner = |pairs: &[(&'static str, &'static str)]| gitops_owner(pairs.iter().copied());
        assert_eq!(owner(&[("app", "shop")]), None);
        assert_eq!(owner(&[(MANAGED_BY, "flex2csi")]), None);
        assert_eq!(
            owner(&[(MANAGED_BY, "Helm"), ("meta.helm.sh/release-name", "shop")]).as_deref(),
            Some("Helm (meta.helm.sh/release-name: shop)")
        );
        assert_eq!(
            owner(&[(MANAGED_BY, "pulumi")]).as_deref(),
            Some("pulumi (app.kubernetes.io/managed-by)")
        );
    }

    #[test]
    fn only_kubernetes_own_finalizers_are_known() {
        for known in [
            "kubernetes.io/pv-protection",
            "kubernetes.io/pv-controller",
            "external-provisioner.volume.kubernetes.io/finalizer",
            "external-attacher/ebs-csi-aws-com",
        ] {
            assert!(KnownFinalizer::of(known).is_some(), "{known}");
        }
        assert_eq!(KnownFinalizer::of("example.com/backup"), None);
    }
}
