//! Where a volume is to be.

use std::collections::BTreeMap;

use super::error::Error;
use crate::csi::v1;

type Segments = BTreeMap<String, String>;

/// The place of a new volume: the first one that is asked for and has a node.
/// Nothing asked for, it is `own`.
pub(super) fn choose(
    requirement: Option<&v1::TopologyRequirement>,
    nodes: &[Segments],
    own: &Segments,
) -> Result<Segments, Error> {
    let Some(asked) = requirement.filter(|asked| !all(asked).is_empty()) else {
        return Ok(own.clone());
    };
    all(asked)
        .into_iter()
        .find(|place| nodes.iter().any(|node| contains(node, place)))
        .cloned()
        .ok_or_else(|| Error::NoPlace(format!("{:?}", all(asked))))
}

/// Whether a place is one of those asked for.
pub(super) fn is_asked_for(
    requirement: Option<&v1::TopologyRequirement>,
    place: &Segments,
) -> bool {
    requirement.is_none_or(|asked| {
        all(asked).is_empty()
            || place.is_empty()
            || all(asked).into_iter().any(|each| contains(place, each))
    })
}

/// Whether all segments of a place are a node's.
pub(super) fn contains(node: &Segments, place: &Segments) -> bool {
    place
        .iter()
        .all(|(key, value)| node.get(key) == Some(value))
}

// The preferred ones are among the requisite ones, where there are such.
fn all(asked: &v1::TopologyRequirement) -> Vec<&Segments> {
    let places = asked.preferred.iter().chain(&asked.requisite);
    places.map(|place| &place.segments).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(zone: &str) -> Segments {
        BTreeMap::from([("zone".to_owned(), zone.to_owned())])
    }

    fn asked(requisite: &[&str], preferred: &[&str]) -> v1::TopologyRequirement {
        let places = |zones: &[&str]| {
            let place = |zone: &&str| v1::Topology {
                segments: place(zone),
            };
            zones.iter().map(place).collect()
        };
        v1::TopologyRequirement {
            requisite: places(requisite),
            preferred: places(preferred),
        }
    }

    #[test]
    fn a_place_is_chosen() {
        let nodes = [place("a"), place("b")];
        let table = [
            (asked(&["a", "b"], &["b", "a"]), Some("b")),
            (asked(&["c", "a"], &["c"]), Some("a")),
            (asked(&[], &["b"]), Some("b")),
            (asked(&["c"], &[]), None),
            (asked(&[], &[]), Some("own")),
        ];
        for (asked, expected) in table {
            let chosen = choose(Some(&asked), &nodes, &place("own"));
            assert_eq!(chosen.ok(), expected.map(place), "{asked:?}");
        }
        assert_eq!(choose(None, &nodes, &place("own")).unwrap(), place("own"));
    }

    #[test]
    fn a_chosen_place_was_asked_for() {
        assert!(is_asked_for(None, &place("a")));
        assert!(is_asked_for(Some(&asked(&["a"], &[])), &place("a")));
        assert!(!is_asked_for(Some(&asked(&["a"], &[])), &place("b")));
    }
}
