//! What may be a driver's name, and a socket's path.

use std::path::Path;

/// The longest name of a CSI driver, in bytes (CSI, GetPluginInfoResponse).
const LONGEST_NAME: usize = 63;
/// The longest path of a socket, in bytes: `sun_path` in unix(7), without the
/// NUL.
pub(super) const LONGEST_SOCKET: usize = 107;

/// Whether Kubernetes takes a driver by this name: the letters of either case,
/// digits, `-` and `.` that CSI allows, and no label of a domain name that
/// begins or ends otherwise (ValidateCSIDriverName in kubernetes v1.36.3
/// pkg/apis/core/validation).
///
/// # Errors
/// What is wrong with it.
pub(super) fn driver_name(name: &str) -> Result<(), String> {
    if name.len() > LONGEST_NAME {
        let length = name.len();
        return Err(format!(
            "is {length} characters long; a CSI driver's name has at most {LONGEST_NAME}"
        ));
    }
    let label = |label: &str| is_word(label, u8::is_ascii_alphanumeric, b"-");
    if name.split('.').all(label) {
        return Ok(());
    }
    Err(
        "is no CSI driver's name: expected letters, digits and `-`, in parts \
         that `.` separates, as ebs.csi.aws.com"
            .to_owned(),
    )
}

/// Whether kubelet takes a FlexVolume driver by this name, and finds its volumes
/// again: a domain name, `/`, and a name of at most 63 characters
/// (IsQualifiedName in kubernetes v1.36.3 k8s.io/apimachinery/pkg/util/validation).
/// A driver without a vendor is loaded, and its volumes in use are not understood.
///
/// # Errors
/// What is wrong with it.
pub(super) fn flex_volume_driver(name: &str) -> Result<(), String> {
    let expected = || {
        Err(
            "is no FlexVolume driver's name: expected `vendor/driver`, as huawei.com/fuxivol"
                .to_owned(),
        )
    };
    let Some((vendor, driver)) = name.split_once('/') else {
        return expected();
    };
    let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_vendor =
        vendor.len() <= 253 && vendor.split('.').all(|label| is_word(label, lower, b"-"));
    if is_vendor
        && driver.len() <= LONGEST_NAME
        && is_word(driver, u8::is_ascii_alphanumeric, b"-_.")
    {
        return Ok(());
    }
    expected()
}

/// Whether a text begins and ends with what `is_end` takes, and has nothing but
/// that and `between` in it.
fn is_word(text: &str, is_end: impl Fn(&u8) -> bool, between: &[u8]) -> bool {
    let bytes = text.as_bytes();
    [bytes.first(), bytes.last()]
        .iter()
        .all(|end| end.is_some_and(&is_end))
        && bytes
            .iter()
            .all(|byte| is_end(byte) || between.contains(byte))
}

/// Whether a daemon can use this path wherever it was started.
///
/// # Errors
/// What is wrong with it.
pub(super) fn absolute(path: &str) -> Result<(), String> {
    if path.contains('\0') {
        return Err("has a NUL in it".to_owned());
    }
    if Path::new(path).is_absolute() {
        return Ok(());
    }
    Err("has to be an absolute path".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        for name in ["ebs.csi.aws.com", "A", "a-b.C0", &"x".repeat(63)] {
            assert_eq!(driver_name(name), Ok(()), "{name}");
        }
        let refused = [
            "", ".", "a..b", "a.", "-a", "a-", "a.-b", "a_b", "a/b", "ä", "a b",
        ];
        for name in refused {
            assert!(driver_name(name).is_err(), "{name}");
        }
        assert!(driver_name(&"x".repeat(64)).is_err());
    }

    #[test]
    fn flex_volume_drivers_have_a_vendor() {
        for name in [
            "huawei.com/fuxivol",
            "ceph.rook.io/rook-ceph",
            "k8s/nfs",
            "a/B_c.9",
        ] {
            assert_eq!(flex_volume_driver(name), Ok(()), "{name}");
        }
        let refused = [
            "",
            "nfs",
            "/nfs",
            "k8s/",
            "k8s/nfs/x",
            "K8s/nfs",
            "k8s~nfs",
            "a/..",
            "../a",
            "a/b\0",
            "a/-b",
            "a b/c",
        ];
        for name in refused {
            assert!(flex_volume_driver(name).is_err(), "{name}");
        }
        assert!(flex_volume_driver(&format!("a/{}", "x".repeat(64))).is_err());
    }
}
