//! A StorageClass's parameters as its backend is asked with them, when a call
//! comes.

use super::backend_volume::{Site, invalid, pairs};
use super::{PROVISIONERS_OWN, SOURCE, source_of};
use crate::error::Error;
use crate::json::{Object, Path, Value};
use crate::storage_class::{self, DRIVER_NAME};

const FS_TYPE: &str = "csi.storage.k8s.io/fstype";

/// How a backend is asked for a new volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendClass {
    /// The CSI driver that makes the volume.
    pub driver: String,
    /// The parameters that this driver is to get.
    pub parameters: Vec<(String, String)>,
    /// The filesystem for capabilities that name none.
    pub fs_type: Option<String>,
}

/// Translates parameters in the endpoint's form, or if `legacy_provisioner` is
/// given those that a class of this provisioner has; `None` for those that are
/// the backend's own.
///
/// # Errors
/// The parameters are not what the endpoint's form has, or cannot be translated;
/// those of a class that says more than parameters can (a zone, a Secret), without
/// the endpoint's form.
pub fn backend_class(
    parameters: &[(&str, &str)],
    legacy_provisioner: Option<&str>,
    site: Site<'_>,
) -> Result<Option<BackendClass>, Error> {
    let marked = source_of(parameters)?;
    let (class, in_form) = match (marked, legacy_provisioner) {
        (Some(legacy), _) => (legacy, true),
        (None, Some(provisioner)) => (bare(parameters, provisioner), false),
        (None, None) => return Ok(None),
    };
    let outcome = storage_class::to_stored(class, &site.context(None))?;
    if !outcome.changed {
        return Err(invalid(
            Path::of(&[SOURCE]),
            "no StorageClass translation is known for this provisioner".to_owned(),
        ));
    }
    let mut class = outcome.object;
    if !in_form && class.contains("allowedTopologies") {
        return Err(more_than_parameters("allowedTopologies"));
    }
    let mut translated = BackendClass {
        driver: storage_class::driver_of(&class)?,
        ..BackendClass::default()
    };
    let parameters = match class.object("parameters")? {
        Some(parameters) => pairs(parameters).map_err(|error| error.about(&["parameters"]))?,
        None => Vec::new(),
    };
    for (key, value) in parameters {
        if key == FS_TYPE {
            translated.fs_type = Some(value);
        } else if !key.starts_with(PROVISIONERS_OWN) {
            translated.parameters.push((key, value));
        } else if !in_form && key != DRIVER_NAME {
            return Err(more_than_parameters(&key));
        }
    }
    Ok(Some(translated))
}

/// A class that is known by its parameters alone.
fn bare<'a>(parameters: &[(&'a str, &'a str)], provisioner: &'a str) -> Object<'a> {
    let parameters = parameters.iter();
    let parameters: Object<'_> = parameters
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let mut class = Object::new();
    class.set("provisioner", provisioner);
    class.set("parameters", Value::from(parameters));
    class
}

fn more_than_parameters(what: &str) -> Error {
    invalid(
        Path::of(&["parameters"]),
        format!(
            "the class needs {what}, which a call's parameters cannot carry; \
             write the StorageClass with `flex2csi translate --via-endpoint`"
        ),
    )
}
