//! Vendors' controllers that act when a PersistentVolume is deleted.

use super::{Finding, FindingCode};
use crate::in_tree;

/// A vendor's controller that acts when a PersistentVolume is deleted.
#[derive(Debug, PartialEq, Eq)]
pub struct VendorController {
    /// The CSI driver whose volumes it looks after.
    pub driver: &'static str,
    /// What its container is called.
    pub(crate) container: &'static str,
    /// The last part of its image's name, without tag and digest.
    pub(crate) image: &'static str,
    /// What it does.
    pub(crate) does: &'static str,
}

static KNOWN: [&VendorController; 1] = [&in_tree::VSPHERE_SYNCER];

impl VendorController {
    /// The one that runs in a pod with these containers, each by its name and its
    /// image, if one does.
    pub fn among<'p>(
        containers: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Option<&'static Self> {
        containers.into_iter().find_map(|(name, image)| {
            // A registry's port comes before the last part, and a tag in it.
            let last = image.rsplit('/').next().unwrap_or_default();
            let last = last.split(['@', ':']).next().unwrap_or_default();
            let mut known = KNOWN.into_iter();
            known.find(|known| name == known.container || last == known.image)
        })
    }

    /// What there is to say of one that runs in a pod.
    pub fn finding(&self, pod: &str) -> Finding {
        let message = format!("{} in pod {pod} {}", self.container, self.does);
        Finding::new(FindingCode::VendorController, message)
    }
}

#[cfg(test)]
mod tests {
    use super::VendorController;

    #[test]
    fn a_controller_is_known_by_its_container_or_its_image() {
        let among =
            |name, image| VendorController::among([("other", "example.com/a"), (name, image)]);
        for (name, image) in [
            ("vsphere-syncer", "example.com/mine"),
            ("mine", "registry.k8s.io/csi-vsphere/syncer:v3.3.1"),
            ("mine", "registry.k8s.io/csi-vsphere/syncer@sha256:0a"),
            (
                "mine",
                "registry.example.com:5000/csi-vsphere/syncer:v3.3.1",
            ),
        ] {
            let found = among(name, image).unwrap();
            assert_eq!(found.driver, "csi.vsphere.vmware.com");
            let message = found.finding("kube-system/a").message;
            assert!(
                message.starts_with("vsphere-syncer in pod kube-system/a takes"),
                "{message}"
            );
        }
        assert_eq!(among("syncer", "example.com/resyncer"), None);
    }
}
