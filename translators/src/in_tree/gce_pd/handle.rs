//! Handles of GCE disks: `projects/<project>/zones/<zone>/disks/<disk>`, or
//! `…/regions/<region>/…` for disks that lie in two zones.

use std::borrow::Cow;

use super::DRIVER;
use crate::error::Error;
use crate::in_tree::plugin::invalid;
use crate::in_tree::regions;
use crate::json::Path;

/// A project or zone that is not known yet.
pub(super) const UNSPECIFIED: &str = "UNSPECIFIED";

/// Parts of a handle, and of the id of a node.
const PARTS: usize = 6;

/// The handle of a disk in a zone.
pub(super) fn zonal(zone: &str, disk: &str) -> String {
    ["projects/", UNSPECIFIED, "/zones/", zone, "/disks/", disk].concat()
}

/// The handle of a disk in a region.
pub(super) fn regional(region: &str, disk: &str) -> String {
    format!("projects/{UNSPECIFIED}/regions/{region}/disks/{disk}")
}

/// The disk's name in a handle; what follows it is not looked at.
pub(super) fn disk(handle: &str) -> Option<&str> {
    handle.split('/').nth(PARTS - 1)
}

fn parts(text: &str) -> Option<[&str; PARTS]> {
    let parts: Vec<&str> = text.split('/').take(PARTS).collect();
    parts.try_into().ok()
}

/// Fills in what a handle leaves open, from the id of the node that has the
/// disk: `projects/<project>/zones/<zone>/instances/<node>`.
pub(super) fn repair<'h>(handle: &'h str, node_id: &str) -> Result<Cow<'h, str>, Error> {
    let wrong = |reason: &str| Error::Invalid {
        driver: DRIVER.into(),
        path: Path::default(),
        reason: reason.to_owned(),
    };
    let [_, project, kind, place, _, disk] =
        parts(handle).ok_or_else(|| wrong("the handle has less than six parts"))?;
    if project != UNSPECIFIED {
        return Ok(Cow::Borrowed(handle));
    }
    let [_, project, _, node_zone, ..] =
        parts(node_id).ok_or_else(|| wrong("the node's id has less than six parts"))?;
    let known = place != UNSPECIFIED;
    let place = match kind {
        "zones" if known => place.to_owned(),
        "zones" => node_zone.to_owned(),
        "regions" if known => place.to_owned(),
        "regions" => {
            let region = regions::gce(&[Cow::Borrowed(node_zone)])
                .map_err(|reason| invalid(DRIVER, &[], reason))?;
            String::from_utf8_lossy(&region).into_owned()
        }
        _ => {
            return Err(wrong(
                "the handle is neither one in zones nor one in regions",
            ));
        }
    };
    Ok(Cow::Owned(format!(
        "projects/{project}/{kind}/{place}/disks/{disk}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "projects/p/zones/us-central1-b/instances/n";

    #[test]
    fn what_is_open_comes_from_the_node() {
        for (handle, expected) in [
            (
                "projects/x/zones/UNSPECIFIED/disks/d/more",
                "projects/x/zones/UNSPECIFIED/disks/d/more",
            ),
            (
                "projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d",
                "projects/p/zones/us-central1-b/disks/d",
            ),
            (
                "a/UNSPECIFIED/zones/z/b/d/more",
                "projects/p/zones/z/disks/d",
            ),
            (
                "projects/UNSPECIFIED/regions/UNSPECIFIED/disks/d",
                "projects/p/regions/us-central1/disks/d",
            ),
        ] {
            assert_eq!(repair(handle, NODE).unwrap(), expected);
        }
    }

    #[test]
    fn what_has_too_few_parts_is_refused() {
        assert!(repair("a/b/c/d/e", NODE).is_err());
        assert!(repair(&zonal("z", "d"), "n").is_err());
        assert!(repair("projects/UNSPECIFIED/global/x/disks/d", NODE).is_err());
        assert_eq!(disk("a/b/c/d/e"), None);
        assert_eq!(disk("/////"), Some(""));
    }
}
