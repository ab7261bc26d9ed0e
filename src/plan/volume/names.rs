//! How nodes call a volume.

use flex2csi_translators::in_tree;
use serde_json::Value;

use super::Subject;
use crate::objects::source::Source;

/// The names under which nodes may list a volume in `volumesInUse` and
/// `volumesAttached` (kubernetes v1.36 `pkg/volume/util/util.go`,
/// `GetUniqueVolumeName`, and each plugin's `GetVolumeName`).
pub(super) fn unique_names(subject: &Subject<'_>) -> Vec<String> {
    let mut names = vec![format!(
        "kubernetes.io/csi/{}^{}",
        subject.driver, subject.handle
    )];
    match subject.source {
        // The volume's name is kubelet's default where a driver has no getvolumename.
        Source::Flex { driver } => names.push(format!("{driver}/{}", subject.volume.metadata.name)),
        Source::InTree { field } => {
            let id = match *field {
                "awsElasticBlockStore" | "cinder" => "volumeID",
                "azureDisk" => "diskURI",
                "gcePersistentDisk" => "pdName",
                "vsphereVolume" => "volumePath",
                _ => return names,
            };
            let volume: Value = serde_json::from_str(subject.json).unwrap_or_default();
            let id = volume["spec"][field][id].as_str();
            if let (Some(plugin), Some(id)) = (in_tree::plugin_of_member(field), id) {
                names.push(format!("{plugin}/{id}"));
            }
        }
        Source::Endpoint { driver, handle } => {
            names.push(format!("kubernetes.io/csi/{driver}^{handle}"));
        }
        Source::Csi | Source::Unknown => {}
    }
    names
}
