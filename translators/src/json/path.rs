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

    /// The same place, seen from the object that holds `keys`.
    #[must_use]
    pub fn under(&self, keys: &[&str]) -> Self {
        let mut path = Self::of(keys);
        path.0.push_str(&self.0);
        path
    }

    /// The same place, seen from the member at `keys`; `None` where it is not in it.
    pub fn inside(&self, keys: &[&str]) -> Option<Self> {
        let rest = self.0.strip_prefix(&Self::of(keys).0)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then(|| Self(rest.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_seen_from_above_and_from_inside() {
        let place = Path::of(&["spec", "nfs", "path"]);
        assert_eq!(place.inside(&["spec", "nfs"]), Some(Path::of(&["path"])));
        assert_eq!(place.inside(&["spec", "nf"]), None);
        assert_eq!(place.inside(&["spec", "rbd"]), None);
        let above = Path::of(&["nfs"]).under(&["spec", "volumes", "0"]);
        assert_eq!(above.as_str(), ".spec.volumes[0].nfs");
    }
}
