//! The region in which zones lie, by the clouds' rules for their names.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Finds the one region of some zones, or says why there is none. In bytes:
/// AWS's rule can cut a character in two.
pub(crate) type RegionOf = fn(&[Cow<'_, str>]) -> Result<Vec<u8>, String>;

/// AWS: `us-west-2a`, `us-gov-east-1a`, local zones as `us-west-2-lax-1a`, and
/// wavelength zones as `us-east-1-wl1-bos-wlz-1`.
pub(crate) fn aws(zones: &[Cow<'_, str>]) -> Result<Vec<u8>, String> {
    one_region(zones, |zone| {
        let parts: Vec<&str> = zone.split('-').collect();
        match parts.as_slice() {
            [.., last] if matches!(parts.len(), 3 | 4) && last.len() == 2 => {
                Some(zone.as_bytes()[..zone.len() - 1].to_vec())
            }
            [a, b, c, ..] if matches!(parts.len(), 5 | 7) => Some([*a, *b, *c].join("-").into()),
            _ => None,
        }
    })
}

/// Google: `us-central1-a`.
pub(crate) fn gce(zones: &[Cow<'_, str>]) -> Result<Vec<u8>, String> {
    one_region(zones, |zone| {
        let (region, last) = zone.rsplit_once('-')?;
        let two_parts = region.split('-').count() == 2;
        (two_parts && !last.contains('-')).then(|| region.into())
    })
}

fn one_region(
    zones: &[Cow<'_, str>],
    region: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    let mut regions = BTreeSet::new();
    for zone in zones {
        let region = region(zone).ok_or_else(|| format!("{zone:?} is not the name of a zone"))?;
        regions.insert(region);
    }
    let one = regions.pop_first().ok_or("a region needs a zone")?;
    if regions.is_empty() {
        Ok(one)
    } else {
        Err("the zones lie in more than one region".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(of: RegionOf, zones: &[&str]) -> Option<String> {
        let zones: Vec<Cow<'_, str>> = zones.iter().copied().map(Cow::Borrowed).collect();
        of(&zones)
            .ok()
            .map(|region| String::from_utf8(region).unwrap())
    }

    #[test]
    fn aws_zones_of_all_forms() {
        for (zone, expected) in [
            ("us-west-2a", Some("us-west-2")),
            ("us-gov-east-1a", Some("us-gov-east-1")),
            ("us-west-2-lax-1a", Some("us-west-2")),
            ("us-east-1-wl1-bos-wlz-1", Some("us-east-1")),
            ("--xx", Some("--x")),
            ("us-west-10a", None),
            ("us-west-2", None),
            ("a-b-c-d-e-f", None),
            ("", None),
        ] {
            assert_eq!(region(aws, &[zone]).as_deref(), expected, "{zone}");
        }
        assert_eq!(aws(&["a-b-é".into()]), Ok(b"a-b-\xc3".to_vec()));
    }

    #[test]
    fn google_zones_have_three_parts() {
        assert_eq!(
            region(gce, &["us-central1-a"]).as_deref(),
            Some("us-central1")
        );
        assert_eq!(region(gce, &["--"]).as_deref(), Some("-"));
        for zone in ["us-central1", "us-central1-a-b", ""] {
            assert_eq!(region(gce, &[zone]), None, "{zone}");
        }
    }

    #[test]
    fn zones_have_to_lie_in_one_region() {
        assert_eq!(
            region(aws, &["us-west-2a", "us-west-2b"]).as_deref(),
            Some("us-west-2")
        );
        assert_eq!(region(aws, &["us-west-2a", "us-west-1a"]), None);
        assert_eq!(region(gce, &[]), None);
    }
}
