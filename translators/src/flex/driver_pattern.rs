//! Driver names with places that vary: `ceph.rook.io/{ns}`.

/// Longest driver name that is looked at, in bytes: more is no driver.
const NAME_BYTES: usize = 253;
/// Most places in a pattern.
const CAPTURES: usize = 2;

/// A driver's name, or a pattern of names. A place `{x}` stands for one or
/// more characters but `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DriverPattern {
    /// Before the first place; the whole name without one.
    start: String,
    /// Each place's name, and what stands after it.
    places: Vec<(String, String)>,
}

/// What stands in a pattern's places.
pub(super) type Captures<'p, 'n> = Vec<(&'p str, &'n str)>;

impl DriverPattern {
    /// Reads a name or a pattern.
    ///
    /// # Errors
    /// It is empty, or a place has no name or none of its own, or follows
    /// another without anything between.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected a driver's name".into());
        }
        let mut parts = text.split('{');
        let start = parts.next().unwrap_or_default().to_owned();
        let mut places: Vec<(String, String)> = Vec::new();
        for part in parts {
            let Some((name, after)) = part.split_once('}') else {
                return Err("expected `}` after a place's name".into());
            };
            let is_name = |name: &str| {
                name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            if !is_name(name) {
                return Err("expected a place's name in letters and digits, as in {ns}".into());
            }
            if places.iter().any(|(known, _)| known == name) {
                return Err(format!("the place {{{name}}} stands there twice"));
            }
            if places.last().is_some_and(|(_, between)| between.is_empty()) {
                return Err("expected something between two places".into());
            }
            places.push((name.to_owned(), after.to_owned()));
        }
        if start.contains('}') || places.iter().any(|(_, after)| after.contains('}')) {
            return Err("expected `{` before `}`".into());
        }
        if places.len() > CAPTURES {
            return Err(format!("at most {CAPTURES} places are allowed"));
        }
        Ok(Self { start, places })
    }

    /// Whether this is one name.
    pub fn is_exact(&self) -> bool {
        self.places.is_empty()
    }

    /// The places' names.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|(name, _)| name.as_str())
    }

    /// Whether this is the name, or one of the names.
    pub fn fits(&self, name: &str) -> bool {
        name.starts_with(self.start.as_str()) && self.captures(name).is_some()
    }

    /// What a name has in the places; `None` if it is none of these.
    pub fn captures<'p, 'n>(&'p self, name: &'n str) -> Option<Captures<'p, 'n>> {
        if name.len() > NAME_BYTES {
            return None;
        }
        let rest = name.strip_prefix(self.start.as_str())?;
        let mut captures = Vec::with_capacity(self.places.len());
        fill(&self.places, rest, &mut captures).then_some(captures)
    }
}

/// Tries every end of the first place, the nearest first.
fn fill<'p, 'n>(
    places: &'p [(String, String)],
    rest: &'n str,
    captures: &mut Captures<'p, 'n>,
) -> bool {
    let Some(((name, after), more)) = places.split_first() else {
        return rest.is_empty();
    };
    let mut take = |end: usize| {
        let (capture, tail) = rest.split_at(end);
        if capture.is_empty() || capture.contains('/') {
            return false;
        }
        captures.push((name.as_str(), capture));
        if fill(more, &tail[after.len()..], captures) {
            return true;
        }
        captures.pop();
        false
    };
    if more.is_empty() {
        return rest.ends_with(after.as_str()) && take(rest.len() - after.len());
    }
    rest.match_indices(after.as_str()).any(|(end, _)| take(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pattern: &str, name: &str) -> Option<Vec<(String, String)>> {
        let pattern = DriverPattern::parse(pattern).unwrap();
        let captures = pattern.captures(name)?;
        let owned = captures
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        Some(owned.collect())
    }

    fn one(name: &str, value: &str) -> Option<Vec<(String, String)>> {
        Some(vec![(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_name_matches_itself_only() {
        assert_eq!(captures("alicloud/disk", "alicloud/disk"), Some(vec![]));
        assert_eq!(captures("alicloud/disk", "alicloud/disks"), None);
        assert_eq!(captures("alicloud/disk", "Alicloud/disk"), None);
    }

    #[test]
    fn a_place_takes_one_or_more_characters_but_no_slash() {
        assert_eq!(
            captures("ceph.rook.io/{ns}", "ceph.rook.io/rook"),
            one("ns", "rook")
        );
        assert_eq!(captures("ceph.rook.io/{ns}", "ceph.rook.io/"), None);
        assert_eq!(captures("ceph.rook.io/{ns}", "ceph.rook.io/a/b"), None);
        assert_eq!(
            captures("{vendor}/cifs", "acme/cifs"),
            one("vendor", "acme")
        );
    }

    #[test]
    fn several_places_find_their_ends() {
        let expected = Some(vec![("x".into(), "1".into()), ("y".into(), "2b3".into())]);
        assert_eq!(captures("a{x}b{y}c", "a1b2b3c"), expected);
    }

    #[test]
    fn wrong_patterns_are_refused() {
        for wrong in [
            "", "{", "a{", "{}", "{a}{b}", "{a}/{a}", "}", "{a}}", "{1}", "{a b}",
        ] {
            assert!(DriverPattern::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
