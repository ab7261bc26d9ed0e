//! The sources that a volume can have.

use crate::error::Error;
use crate::in_tree::stored;
use crate::json::{Object, Path, Value};

/// The member of a FlexVolume source.
pub const FLEX_VOLUME: &str = "flexVolume";
/// The member of a CSI source.
pub const CSI: &str = "csi";

/// Every member of a PersistentVolume's `spec` that is a source (kubernetes
/// v1.36 `staging/src/k8s.io/api/core/v1/types.go`, `PersistentVolumeSource`).
const SOURCES: [&str; 22] = [
    CSI,
    FLEX_VOLUME,
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

/// The members of a pod's volume that are translated, or because of which the workload
/// is refused. What has none of them stays as it is.
pub fn inline_legacy() -> impl Iterator<Item = &'static str> {
    std::iter::once(FLEX_VOLUME).chain(stored::moving())
}

/// The one source of a volume: the name of its member.
///
/// # Errors
/// The volume has several; the error names no path. The API server stores no such object, and which one
/// holds the data is not for us to guess.
pub fn only_source(volume: &Object<'_>) -> Result<Option<&'static str>, Error> {
    let mut found = None;
    for member in volume.members() {
        let Some(source) = known(member.key(), &member.value) else {
            continue;
        };
        if found.is_some() {
            return Err(several(volume));
        }
        found = Some(source);
    }
    Ok(found)
}

fn known(key: &str, value: &Value<'_>) -> Option<&'static str> {
    let source = SOURCES.iter().copied().find(|source| *source == key)?;
    (!value.is_null()).then_some(source)
}

fn several(volume: &Object<'_>) -> Error {
    let members = volume.members().iter();
    Error::SeveralSources {
        path: Path::default(),
        sources: members
            .filter_map(|member| known(member.key(), &member.value))
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_null_is_none() {
        let spec = Object::parse(r#"{"csi":null,"nfs":{},"capacity":{}}"#).unwrap();
        assert_eq!(only_source(&spec).unwrap(), Some("nfs"));
    }

    #[test]
    fn two_sources_are_named() {
        let spec = Object::parse(r#"{"csi":{},"nfs":{}}"#).unwrap();
        let error = only_source(&spec).unwrap_err();
        assert_eq!(error.to_string(), "more than one volume source: csi, nfs");
    }
}
