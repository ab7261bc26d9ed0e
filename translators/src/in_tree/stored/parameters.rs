//! StorageClass parameters, rewritten one by one.

use super::Step;
use crate::error::Error;
use crate::json::{At, Object, Value};
use crate::note::Code;

/// What external-provisioner and external-resizer read themselves.
const SIDECAR: &str = "csi.storage.k8s.io/";
/// The filesystem of new volumes.
pub(crate) const FS_TYPE: &str = "csi.storage.k8s.io/fstype";

/// A class's parameters, in order.
pub(crate) fn read(class: &mut Object<'_>) -> Result<Vec<(String, String)>, Error> {
    let mut parameters = Vec::new();
    if let Some(members) = class.object("parameters")? {
        for member in members.members() {
            let value = members.str(member.key()).at(&["parameters"])?;
            parameters.push((
                member.key().to_owned(),
                value.unwrap_or_default().into_owned(),
            ));
        }
    }
    Ok(parameters)
}

/// Names the CSI driver as the provisioner.
pub(crate) fn provisioner(class: &mut Object<'_>, driver: &str, step: &mut Step<'_>) {
    class.set("provisioner", driver.to_owned());
    step.note(
        Code::ProvisionerChanged,
        &["provisioner"],
        format!("the class's provisioner is now {driver}"),
    );
}

/// New parameters, made from the old ones.
#[derive(Default)]
pub(crate) struct Rewrite {
    parameters: Vec<(String, String)>,
}

impl Rewrite {
    /// Sets a parameter.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.parameters.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value.into(),
            None => self.parameters.push((name.to_owned(), value.into())),
        }
    }

    /// Sets a parameter to what another, `old`, said.
    pub(crate) fn rename(&mut self, old: &str, name: &str, value: String, step: &mut Step<'_>) {
        if old != name {
            let message = format!("{old} is now {name}");
            step.note(Code::ParameterChanged, &["parameters", old], message);
        }
        self.set(name, value);
    }

    /// Keeps what the sidecars read; drops anything else, with a note.
    pub(crate) fn rest(&mut self, name: &str, value: String, step: &mut Step<'_>) {
        if name.starts_with(SIDECAR) {
            self.set(name, value);
        } else {
            dropped(name, "the CSI driver has no such parameter", step);
        }
    }

    /// The Secret for each of these calls.
    pub(crate) fn secret(&mut self, calls: &[&str], name: &str, namespace: &str) {
        for call in calls {
            self.set(&format!("{SIDECAR}{call}-secret-name"), name);
            self.set(&format!("{SIDECAR}{call}-secret-namespace"), namespace);
        }
    }

    /// The new parameters.
    pub(crate) fn into_parameters(self) -> Vec<(String, String)> {
        self.parameters
    }

    /// Puts the new parameters into the class.
    pub(crate) fn write(self, class: &mut Object<'_>) {
        if self.parameters.is_empty() {
            class.remove("parameters");
            return;
        }
        let parameters: Object<'_> = self.parameters.into_iter().collect();
        class.set("parameters", Value::from(parameters));
    }
}

/// Notes a parameter that is dropped.
pub(crate) fn dropped(name: &str, why: &str, step: &mut Step<'_>) {
    let message = format!("{name} is dropped: {why}");
    step.note(Code::ParameterDropped, &["parameters", name], message);
}

/// Notes a parameter whose value another says, or says otherwise.
pub(crate) fn said_by(name: &str, other: &str, step: &mut Step<'_>) {
    let message = format!("{name} is now said by {other}");
    step.note(Code::ParameterChanged, &["parameters", name], message);
}
