use std::fmt;

/// A member's place in an object, printed as `.spec.csi.driver` or
/// `.metadata.labels["topology.kubernetes.io/zone"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// A path from the object's members down, outermost first.
    pub fn of(keys: &[&str]) -> Self {
        let mut path = Self::default();
        for key in keys {
            path.push(key);
        }
        path
    }

    /// Whether this is the object itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn push(&mut self, key: &str) {
        if is_plain(key) {
            self.0.push('.');
            self.0.push_str(key);
        } else {
            self.0.push_str(&segment(key));
        }
    }

    pub(crate) fn prepend(&mut self, key: &str) {
        self.0.insert_str(0, &segment(key));
    }
}

/// Whether a key is printed without brackets: it is no index and no odd name.
fn is_plain(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !key.is_empty() && key.bytes().all(plain) && key.bytes().any(|byte| !byte.is_ascii_digit())
}

fn segment(key: &str) -> String {
    if key.parse::<usize>().is_ok() {
        return format!("[{key}]");
    }
    if is_plain(key) {
        format!(".{key}")
    } else {
        format!("[{key:?}]")
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
