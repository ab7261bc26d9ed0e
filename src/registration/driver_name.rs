//! Names of CSI drivers.

use std::fmt;
use std::str::FromStr;

/// The most characters of a name (CSI 1.12, `GetPluginInfoResponse.name`).
const LONGEST: usize = 63;

/// The name of a CSI driver: a domain name of at most 63 characters, as CSI
/// (`GetPluginInfoResponse.name`) and the API server (`ValidateCSIDriverName`,
/// pkg/apis/core/validation/validation.go, v1.36) want it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DriverName(String);

/// A text is no driver name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no CSI driver name: it needs 1 to {LONGEST} characters, letters and digits \
     with `-` and `.` between them, as in hostpath.flex2csi.io"
)]
pub struct InvalidDriverName {
    name: String,
}

impl DriverName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DriverName {
    type Err = InvalidDriverName;

    fn from_str(name: &str) -> Result<Self, InvalidDriverName> {
        if name.len() <= LONGEST && name.split('.').all(is_label) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidDriverName {
                name: name.chars().take(2 * LONGEST).collect(),
            })
        }
    }
}

impl fmt::Display for DriverName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Letters and digits, with dashes between them.
fn is_label(label: &str) -> bool {
    let all = |character: char| character.is_ascii_alphanumeric() || character == '-';
    !label.is_empty() && label.chars().all(all) && !label.starts_with('-') && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_names_are_driver_names() {
        let longest = "a".repeat(LONGEST);
        for name in [
            "hostpath.flex2csi.io",
            "ebs.csi.aws.com",
            "x",
            "A-1.b",
            &longest,
        ] {
            assert_eq!(name.parse::<DriverName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn others_are_refused() {
        let too_long = "a".repeat(LONGEST + 1);
        for name in [
            "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b", "a/b", "../a", "a b", "\u{e9}",
            &too_long,
        ] {
            let error = name.parse::<DriverName>().unwrap_err().to_string();
            assert!(error.contains("no CSI driver name"), "{error}");
        }
    }
}
