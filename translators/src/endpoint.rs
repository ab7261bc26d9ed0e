//! The form of flex2csi's own CSI endpoint: the legacy source verbatim in the
//! volume's attributes, translated when a call comes.
//!
//! Everything that kubelet and the sidecars read themselves (access modes,
//! mount options, node affinity, Secrets, fsType) is as in the backend's form;
//! only the driver's name and the attributes are the endpoint's.

mod storage_class;
mod volume;

use crate::error::Error;
use crate::json::{At, Object};

pub(crate) use storage_class::{from_endpoint as class_from_endpoint, to_endpoint as class};
pub(crate) use volume::{from_endpoint as volume_from_endpoint, to_endpoint as volume};

/// The version of this form.
pub const VERSION: &str = "flex2csi.io/version";
/// The legacy source, compact JSON: `{"<member of spec>": {…}}` of a volume,
/// `{"provisioner": …, "parameters": {…}}` of a StorageClass.
pub const SOURCE: &str = "flex2csi.io/source";
/// What a translation reads beside the source: the volume's name, labels and
/// annotations, its claim, its StorageClass's parameters; compact JSON.
pub const CONTEXT: &str = "flex2csi.io/context";

/// What stands behind a backend's name in that of its endpoint.
pub const DRIVER_SUFFIX: &str = ".flex2csi.io";

/// The endpoint's name for a backend.
fn endpoint_of(backend: &str) -> String {
    format!("{backend}{DRIVER_SUFFIX}")
}

/// The legacy source in the attributes of a volume or the parameters of a class;
/// `None` where they are not in this form.
fn source_in(attributes: Option<&mut Object<'_>>) -> Result<Option<Object<'static>>, Error> {
    let Some(attributes) = attributes.filter(|attributes| attributes.contains(VERSION)) else {
        return Ok(None);
    };
    let Some(text) = attributes.str(SOURCE)? else {
        return Ok(None);
    };
    let source = Object::parse(&text).and_then(Object::into_owned);
    Ok(Some(source.at(&[SOURCE])?))
}
