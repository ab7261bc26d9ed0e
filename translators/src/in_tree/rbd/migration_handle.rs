//! Handles by which ceph-csi knows images that the in-tree plugin made.

use md5::{Digest, Md5};

use crate::digest::hex;

/// With what the names of images begin that the in-tree plugin made.
pub(super) const PROVISIONED: &str = "kubernetes-dynamic-pvc-";

/// The id of a cluster that has no other: the MD5 of its monitors.
pub(super) fn cluster_id(monitors: &str) -> String {
    hex(Md5::digest(monitors))
}

/// The handle of an image.
pub(super) fn compose(cluster_id: &str, image: &str, pool: &str) -> String {
    let image = image.strip_prefix(PROVISIONED).unwrap_or(image);
    let pool = hex(pool);
    format!("mig_mons-{cluster_id}_image-{image}_{pool}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_cluster_image_and_pool() {
        let cluster = cluster_id("10.0.0.1:6789,10.0.0.2:6789");
        assert_eq!(cluster.len(), 32);
        assert_eq!(cluster_id(""), "d41d8cd98f00b204e9800998ecf8427e");
        let image = "kubernetes-dynamic-pvc-kubernetes-dynamic-pvc-1";
        assert_eq!(
            compose("c", image, "rbdé"),
            "mig_mons-c_image-kubernetes-dynamic-pvc-1_726264c3a9"
        );
    }
}
