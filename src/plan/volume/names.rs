//! How nodes call a volume.

use flex2csi_translators::Error;
use flex2csi_translators::attachment::{unique_name_of, unique_volume_name};

use super::Subject;

/// The names under which nodes may list a volume in `volumesInUse` and
/// `volumesAttached`: as it would be stored, and as it is.
pub(super) fn unique_names(subject: &Subject<'_>) -> Vec<String> {
    let as_it_is = flex2csi_translators::parse(subject.json)
        .map_err(Error::from)
        .and_then(|mut volume| unique_name_of(&mut volume));
    let mut names = vec![unique_volume_name(subject.driver, subject.handle)];
    // What cannot be read has no form to be stored in, and is not looked at.
    names.extend(as_it_is.ok().flatten());
    names
}
