//! The runtime translation as the first step of the kept one.

use super::super::csi_source::CSI;
use super::super::fields::{Fields, texts};
use super::super::plugin::Plugin;
use super::{About, Origin, Step, allowed_topologies, parameters};
use crate::error::Error;
use crate::json::{At, Object, Value};
use crate::note::Code;

const ACCESS_MODES: &str = "accessModes";

/// Gives a volume the CSI source that it has at run time, and notes what that
/// changes.
pub(crate) fn volume_as_at_run_time<'a>(
    plugin: &dyn Plugin,
    about: &'static About,
    pv: &mut Object<'a>,
    step: &mut Step<'_>,
) -> Result<Origin<'a>, Error> {
    let origin = Origin::read(pv, about, step)?;
    let before = Placing::read(pv)?;
    plugin.to_csi(pv)?;
    let after = Placing::read(pv)?;
    note_modes(before.modes.as_ref(), after.modes.as_ref(), step)?;
    if !before.affinity && after.affinity {
        step.note(
            Code::TopologyWritten,
            &["spec", "nodeAffinity"],
            "node affinity was made from the volume's zone label",
        );
    }
    Ok(origin)
}

/// Where and for how many nodes a volume is.
struct Placing<'a> {
    modes: Option<Value<'a>>,
    affinity: bool,
}

impl<'a> Placing<'a> {
    fn read(pv: &Object<'a>) -> Result<Self, Error> {
        let root = Fields::of(pv);
        let spec = root.child("spec")?;
        let affinity = spec.object().get("nodeAffinity");
        Ok(Self {
            modes: spec.object().get(ACCESS_MODES).cloned(),
            affinity: affinity.is_some_and(|affinity| !affinity.is_empty()),
        })
    }
}

fn note_modes(
    before: Option<&Value<'_>>,
    after: Option<&Value<'_>>,
    step: &mut Step<'_>,
) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    let read = |modes: Option<&Value<'_>>| -> Result<Vec<String>, Error> {
        let modes = modes.map(texts).transpose();
        let modes = modes.at(&["spec", ACCESS_MODES])?;
        let modes = modes.flatten().unwrap_or_default().into_iter();
        Ok(modes.map(|mode| mode.into_owned()).collect())
    };
    let modes = read(after)?;
    if read(before)? != modes {
        step.note(
            Code::AccessModesChanged,
            &["spec", ACCESS_MODES],
            format!(
                "the access modes are now {}, what the driver can give",
                modes.join(", ")
            ),
        );
    }
    Ok(())
}

/// Makes a StorageClass the one for the CSI driver, with the parameters that it
/// has at run time. `said_elsewhere` are old parameters, in lower case, whose
/// values stand under several new names.
pub(crate) fn class_as_at_run_time(
    plugin: &dyn Plugin,
    about: &'static About,
    said_elsewhere: &[&str],
    class: &mut Object<'_>,
    step: &mut Step<'_>,
) -> Result<(), Error> {
    let before = parameters::read(class)?;
    plugin.storage_class(class)?;
    let after = parameters::read(class)?;
    for (key, _) in &before {
        if after.iter().any(|(name, _)| name == key) {
            continue;
        }
        let lower = key.to_lowercase();
        let (code, message) = match lower.as_str() {
            "fstype" => (Code::ParameterChanged, "is now csi.storage.k8s.io/fstype"),
            "zone" | "zones" => (Code::ParameterChanged, "is now allowedTopologies"),
            _ if after.iter().any(|(name, _)| name.to_lowercase() == lower) => (
                Code::ParameterChanged,
                "is now spelled as the driver has it",
            ),
            name if said_elsewhere.contains(&name) => (
                Code::ParameterChanged,
                "is now said for each call of the driver",
            ),
            _ => (Code::ParameterDropped, "is dropped"),
        };
        step.note(code, &["parameters", key], format!("{key} {message}"));
    }
    if class.get("parameters").is_some_and(Value::is_empty) {
        class.remove("parameters");
    }
    allowed_topologies::tidy(class)?;
    parameters::provisioner(class, &step.driver(about), step);
    Ok(())
}

/// The member of `spec` in which the runtime translation put the source.
pub(crate) fn csi<'p, 'a>(pv: &'p mut Object<'a>) -> Result<&'p mut Object<'a>, Error> {
    let spec = pv.object_or_new("spec")?;
    Ok(spec.object_or_new(CSI).at(&["spec"])?)
}
