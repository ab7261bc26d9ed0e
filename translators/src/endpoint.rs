//! The form of flex2csi's own CSI endpoint: the legacy source verbatim in the
//! volume's attributes, translated when a call comes.
//!
//! Everything that kubelet and the sidecars read themselves (access modes,
//! mount options, node affinity, Secrets, fsType) is as in the backend's form;
//! only the driver's name and the attributes are the endpoint's.

mod backend_class;
mod backend_volume;
mod storage_class;
mod volume;

use crate::error::Error;
use crate::json::{At, Object, Path};

pub use backend_class::{BackendClass, backend_class};
pub use backend_volume::{
    BackendVolume, OWN_ATTRIBUTES, Site, backend_id, backend_volume, is_handle_of, is_undecided,
    needs_node_id,
};
pub(crate) use storage_class::{from_endpoint as class_from_endpoint, to_endpoint as class};
pub(crate) use volume::{from_endpoint as volume_from_endpoint, to_endpoint as volume};

/// The version of this form.
pub const VERSION: &str = "flex2csi.io/version";
/// The legacy source, compact JSON: `{"<member of spec>": {…}}` of a volume,
/// `{"metadata": {"name": …}, "provisioner": …, "parameters": {…}}` of a StorageClass.
pub const SOURCE: &str = "flex2csi.io/source";
/// What a translation reads beside the source: the volume's name, labels and
/// annotations, its claim, its StorageClass, its node affinity; compact JSON.
pub const CONTEXT: &str = "flex2csi.io/context";
/// The member of [`CONTEXT`] that is the StorageClass.
const CLASS: &str = "storageClass";
/// The member of [`CONTEXT`], as of `spec`, that says where the volume is.
const AFFINITY: &str = "nodeAffinity";

/// What the parameters begin with that external-provisioner reads itself and gives no
/// driver.
const PROVISIONERS_OWN: &str = "csi.storage.k8s.io/";

/// What stands behind a backend's name in that of its endpoint.
pub const DRIVER_SUFFIX: &str = ".flex2csi.io";

/// The endpoint's name for a backend.
pub fn endpoint_of(backend: &str) -> String {
    format!("{backend}{DRIVER_SUFFIX}")
}

/// The one version of this form that there is.
const KNOWN_VERSION: &str = "1";

/// The legacy source in the attributes of a volume or the parameters of a class;
/// `None` where they are not in this form.
fn source_in(attributes: Option<&mut Object<'_>>) -> Result<Option<Object<'static>>, Error> {
    let Some(attributes) = attributes else {
        return Ok(None);
    };
    let mut form = Vec::new();
    for key in [VERSION, SOURCE] {
        if let Some(text) = attributes.str(key)? {
            form.push((key, text));
        }
    }
    let form: Vec<(&str, &str)> = form.iter().map(|(key, text)| (*key, &**text)).collect();
    match source_of(&form)? {
        Some(source) => Ok(Some(source.into_owned().at(&[SOURCE])?)),
        None => Ok(None),
    }
}

/// As [`source_in`], of attributes as CSI has them.
fn source_of<'a>(attributes: &[(&str, &'a str)]) -> Result<Option<Object<'a>>, Error> {
    match (
        attribute(attributes, VERSION),
        attribute(attributes, SOURCE),
    ) {
        (None, None) => Ok(None),
        (Some(KNOWN_VERSION), Some(text)) => Ok(Some(Object::parse(text).at(&[SOURCE])?)),
        (Some(KNOWN_VERSION), None) => Err(Error::MissingField {
            driver: FORM.into(),
            path: Path::of(&[SOURCE]),
        }),
        (None, Some(_)) => Err(Error::MissingField {
            driver: FORM.into(),
            path: Path::of(&[VERSION]),
        }),
        (Some(other), _) => Err(Error::NewerVersion {
            driver: FORM.into(),
            path: Path::of(&[VERSION]),
            version: other.chars().take(VERSION_LENGTH).collect(),
        }),
    }
}

/// The last value of a key, as in a map that was written twice.
fn attribute<'a>(attributes: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let mut found = attributes.iter().rev();
    found.find(|(key, _)| *key == name).map(|(_, value)| *value)
}

/// How much of an unknown version is said (characters).
const VERSION_LENGTH: usize = 16;

/// What errors name that are about the form itself.
const FORM: &str = "the endpoint's form";
