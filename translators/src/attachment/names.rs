//! Names that every party makes alike.

use crate::digest::sha256_hex;

/// Before the digest in the name of a volume's Lease.
const LEASE_PREFIX: &str = "flex2csi-";

/// Digits of the digest: enough for no two volumes to meet, and few enough for a
/// DNS label of 63 bytes.
const LEASE_DIGITS: usize = 40;

/// What the attach/detach controller would call the VolumeAttachment of a volume
/// on a node (kubernetes `pkg/volume/csi/csi_attacher.go`, `getAttachmentName`,
/// v1.36): so it takes ours over when the volume is rewritten.
#[must_use]
pub fn attachment_name(driver: &str, handle: &str, node: &str) -> String {
    let digest = sha256_hex(format!("{handle}{driver}{node}"));
    format!("csi-{digest}")
}

/// The Lease that says which node has a volume, whatever node asks: the names of
/// VolumeAttachments differ from node to node.
#[must_use]
pub fn lease_name(driver: &str, handle: &str) -> String {
    lease(&format!("{driver}\0{handle}"))
}

/// The Lease of a volume that several nodes may have at a time: one for each node.
#[must_use]
pub fn shared_lease_name(driver: &str, handle: &str, node: &str) -> String {
    lease(&format!("{driver}\0{handle}\0{node}"))
}

fn lease(of: &str) -> String {
    let mut digest = sha256_hex(of);
    digest.truncate(LEASE_DIGITS);
    format!("{LEASE_PREFIX}{digest}")
}

/// The digest of an `inlineVolumeSpec`, to tell one from another by.
#[must_use]
pub fn spec_digest(inline_volume_spec: &str) -> String {
    sha256_hex(inline_volume_spec)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{attachment_name, lease_name, shared_lease_name};

    #[test]
    fn the_attachment_has_the_name_that_kubernetes_gives_it() {
        // printf 'vol-1ebs.csi.aws.comnode-a' | sha256sum
        let digest = "7ba6b8ed285c3c863d675c3b4567d68ede4307ae1a37202e02bf2c4b9f42f28b";
        let name = attachment_name("ebs.csi.aws.com", "vol-1", "node-a");
        assert_eq!(name, format!("csi-{digest}"));
    }

    #[test]
    fn where_the_driver_ends_and_the_handle_begins_counts_for_the_lease() {
        assert_ne!(lease_name("ab", "c"), lease_name("a", "bc"));
    }

    proptest! {
        #[test]
        fn a_lease_has_a_dns_label_for_a_name(driver in ".*", handle in ".*") {
            let name = lease_name(&driver, &handle);
            prop_assert!(name.len() <= 63);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
            prop_assert!(!name.ends_with('-'));
        }

        #[test]
        fn two_nodes_have_two_attachments_and_leases_of_their_own_only_where_they_share(handle in ".+", one in "[a-z]{1,9}", other in "[a-z]{1,9}") {
            prop_assume!(one != other);
            prop_assert_ne!(attachment_name("d", &handle, &one), attachment_name("d", &handle, &other));
            prop_assert_ne!(shared_lease_name("d", &handle, &one), shared_lease_name("d", &handle, &other));
            prop_assert_ne!(shared_lease_name("d", &handle, &one), lease_name("d", &handle));
        }
    }
}
