//! Names of volumes, snapshots, groups and nodes, and of the files that hold them.

use std::fmt::{self, Write};

use flex2csi_translators::digest::sha256_hex;
use serde::{Deserialize, Serialize};

use super::error::Error;

/// The longest id that is taken, in bytes. CSI's own limit is 128, but handles
/// of Azure disks have 190 and node ids may have 256.
const LONGEST: usize = 256;

/// The longest file name that an id is kept under, so that suffixes fit.
const LONGEST_FILE_NAME: usize = 200;

/// What has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    Volume,
    Snapshot,
    Group,
    Node,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Volume => "volume",
            Self::Snapshot => "snapshot",
            Self::Group => "group snapshot",
            Self::Node => "node",
        })
    }
}

/// An id. Any text is one: whatever is in it, its file name stays in its directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Id(String);

impl Id {
    /// An id from a request.
    pub(super) fn required(field: &'static str, id: &str) -> Result<Self, Error> {
        match id {
            "" => Err(Error::Missing(field)),
            long if long.len() > LONGEST => Err(Error::invalid(
                field,
                format!("is longer than {LONGEST} bytes"),
            )),
            id => Ok(Self(id.to_owned())),
        }
    }

    /// The id of what is to bear a name. It is made of the name alone, so that
    /// any process, at any time, finds what bears it without a search.
    pub(super) fn of_name(object: Object, name: &str) -> Self {
        let prefix = match object {
            Object::Volume => "vol",
            Object::Snapshot => "snap",
            Object::Group => "group",
            Object::Node => "node",
        };
        let mut hash = sha256_hex(name);
        hash.truncate(32);
        Self(format!("{prefix}-{hash}"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The one file name of this id: what a file name cannot be made of is
    /// percent-encoded, and what gets too long is hashed.
    pub(super) fn file_name(&self) -> String {
        let mut name = String::with_capacity(self.0.len());
        for (index, byte) in self.0.bytes().enumerate() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(byte.into()),
                b'.' if index > 0 => name.push('.'),
                other => {
                    let _ = write!(name, "%{other:02X}");
                }
            }
        }
        if name.len() > LONGEST_FILE_NAME {
            // No encoded id has this form: `%%` is never written.
            return format!("%%{}", sha256_hex(&self.0));
        }
        name
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> Id {
        Id::required("volume_id", text).unwrap()
    }

    #[test]
    fn plain_ids_are_their_own_file_names() {
        for plain in ["vol-0abc", "pvc-1_x.y", "A"] {
            assert_eq!(id(plain).file_name(), plain);
        }
    }

    #[test]
    fn no_id_leaves_its_directory() {
        let table = [
            ("..", "%2E."),
            (".", "%2E"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("/a", "%2Fa"),
            ("a%2F", "a%252F"),
            ("a\0b\n", "a%00b%0A"),
        ];
        for (text, name) in table {
            assert_eq!(id(text).file_name(), name);
        }
    }

    #[test]
    fn ids_are_bounded() {
        assert!(Id::required("volume_id", "").is_err());
        assert!(Id::required("volume_id", &"x".repeat(LONGEST)).is_ok());
        assert!(Id::required("volume_id", &"x".repeat(LONGEST + 1)).is_err());
    }

    proptest! {
        #[test]
        fn file_names_are_short_and_differ(a in ".{1,64}", b in ".{1,64}") {
            let (a, b) = (id(&a), id(&b));
            prop_assert!(a.file_name().len() <= LONGEST_FILE_NAME);
            prop_assert!(!a.file_name().contains(['/', '\0']));
            prop_assert!(!a.file_name().starts_with('.'));
            prop_assert_eq!(a == b, a.file_name() == b.file_name());
        }
    }
}
