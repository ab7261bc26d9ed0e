//! Names of FlexVolume drivers.

use std::fmt;
use std::str::FromStr;

/// The most characters of the part behind the slash (`IsQualifiedName`,
/// apimachinery `pkg/util/validation`, v1.36).
const LONGEST_NAME: usize = 63;
/// The most of the part before it.
const LONGEST_VENDOR: usize = 253;

/// The name of a FlexVolume driver, `vendor/driver`. Kubelet loads one without a
/// vendor, but cannot tell its volumes apart later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlexDriver {
    vendor: String,
    name: String,
}

/// A text is no name of a FlexVolume driver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no name of a FlexVolume driver: it is written vendor/driver, as ceph.rook.io/rook"
)]
pub struct InvalidFlexDriver {
    name: String,
}

impl FlexDriver {
    /// What stands before the slash.
    #[must_use]
    pub fn vendor(&self) -> &str {
        &self.vendor
    }

    /// What stands behind it: the name of the executable.
    #[must_use]
    pub fn executable(&self) -> &str {
        &self.name
    }

    /// The name of its directory, in the plugin directory and in those of pods.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("{}~{}", self.vendor, self.name)
    }

    /// The driver whose directory is called this.
    #[must_use]
    pub fn of_directory(directory: &str) -> Option<Self> {
        let (vendor, name) = directory.split_once('~')?;
        format!("{vendor}/{name}").parse().ok()
    }

    /// Whether this is the name of one of its volumes in a node's status:
    /// kubelets up to 1.18 write `flexvolume-` before it.
    #[must_use]
    pub fn is_of(&self, unique_name: &str) -> bool {
        let name = unique_name
            .strip_prefix("flexvolume-")
            .filter(|_| !self.vendor.starts_with("flexvolume-"))
            .unwrap_or(unique_name);
        name.strip_prefix(&self.vendor)
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| rest.strip_prefix(&self.name))
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for FlexDriver {
    type Err = InvalidFlexDriver;

    fn from_str(text: &str) -> Result<Self, InvalidFlexDriver> {
        match text.split_once('/') {
            Some((vendor, name)) if is_vendor(vendor) && is_name(name) => Ok(Self {
                vendor: vendor.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(InvalidFlexDriver {
                name: text.chars().take(2 * LONGEST_NAME).collect(),
            }),
        }
    }
}

impl fmt::Display for FlexDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vendor, self.name)
    }
}

/// A DNS subdomain.
fn is_vendor(vendor: &str) -> bool {
    vendor.len() <= LONGEST_VENDOR
        && vendor.split('.').all(|label| {
            let all = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty()
                && label.bytes().all(all)
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() <= LONGEST_NAME
        && name.bytes().all(inner)
        && ends(name.bytes().next())
        && ends(name.bytes().last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_has_a_vendor_and_a_name() {
        let driver: FlexDriver = "ceph.rook.io/rook-1_2.sh".parse().unwrap();
        assert_eq!(driver.vendor(), "ceph.rook.io");
        assert_eq!(driver.executable(), "rook-1_2.sh");
        assert_eq!(driver.directory(), "ceph.rook.io~rook-1_2.sh");
        assert_eq!(FlexDriver::of_directory(&driver.directory()), Some(driver));
    }

    #[test]
    fn nothing_leaves_the_plugin_directory() {
        for name in [
            "", "/", "a", "a/", "/b", "a/b/c", "a/..", "../b", "a/.b", ".a/b", "a/b\0", "a~b/c",
            "a/b~c", "A/b", "a/b c", "a/b\n",
        ] {
            assert!(name.parse::<FlexDriver>().is_err(), "{name:?}");
        }
        for name in ["", "rook", ".a~b", "a~b~c", "a~..", "~b"] {
            assert_eq!(FlexDriver::of_directory(name), None, "{name:?}");
        }
        let long = format!("a/{}", "b".repeat(1 << 20));
        assert!(long.parse::<FlexDriver>().unwrap_err().to_string().len() < 300);
    }

    #[test]
    fn a_node_knows_its_volumes_under_two_names() {
        let driver: FlexDriver = "a.io/b".parse().unwrap();
        for name in ["a.io/b/pv-1", "flexvolume-a.io/b/pv-1", "a.io/b/x/y"] {
            assert!(driver.is_of(name), "{name}");
        }
        for name in [
            "a.io/bc/pv-1",
            "a.io/b",
            "xa.io/b/pv",
            "kubernetes.io/csi/a.io^b",
            "flexvolume-flexvolume-a.io/b/pv",
        ] {
            assert!(!driver.is_of(name), "{name}");
        }
    }
}
