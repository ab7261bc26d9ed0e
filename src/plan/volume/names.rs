//! How nodes call a volume.

use flex2csi_translators::Error;
use flex2csi_translators::attachment::{unique_name_of, unique_volume_name};

use super::Subject;

/// The names under which nodes may list a volume in `volumesInUse` and
/// `volumesAttached`: as it would be stored, as it is, and as the cluster has it in
/// memory where it serves its in-tree source through CSI.
pub(super) fn unique_names(subject: &Subject<'_>, runtime: Option<&str>) -> Vec<String> {
    let mut names = vec![unique_volume_name(subject.driver, subject.handle)];
    for json in std::iter::once(subject.json).chain(runtime) {
        let volume = flex2csi_translators::parse(json).map_err(Error::from);
        let name = volume.and_then(|mut volume| unique_name_of(&mut volume));
        // What cannot be read has no form to be stored in, and is not looked at.
        names.extend(name.ok().flatten());
    }
    names
}
