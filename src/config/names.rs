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
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        ends.iter()
            .all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    if name.split('.').all(label) {
        return Ok(());
    }
    Err(
        "is no CSI driver's name: expected letters, digits and `-`, in parts \
         that `.` separates, as ebs.csi.aws.com"
            .to_owned(),
    )
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
}
