//! Reading a legacy source, and putting a CSI source in its place.

use std::borrow::Cow;

use super::super::csi_source::CSI;
use super::super::fields::Fields;
use super::{About, Step};
use crate::error::Error;
use crate::json::{At, Object, Path};
use crate::note::Code;

/// A PersistentVolume's legacy source, as it was.
pub(crate) struct Origin<'a> {
    /// The source's members.
    pub source: Object<'a>,
    /// The source's Secret, name and namespace; empty without one.
    pub secret: (Cow<'a, str>, Cow<'a, str>),
    /// `readOnly`
    pub read_only: bool,
    about: &'static About,
}

impl<'a> Origin<'a> {
    /// Reads a volume's source; notes that it is read only, and what in it
    /// nobody accounts for.
    pub(crate) fn read(
        pv: &mut Object<'a>,
        about: &'static About,
        step: &mut Step<'_>,
    ) -> Result<Self, Error> {
        // Opened in place what is changed or replaced anyway: everything that is
        // read on the side is then read once.
        pv.object("metadata")?;
        if let Some(spec) = pv.object("spec")? {
            spec.object(about.field).at(&["spec"])?;
        }
        let root = Fields::of(pv);
        let spec = root.child("spec")?;
        let source = spec.child(about.field)?;
        for member in source.object().members() {
            if !about.known.contains(&member.key()) && !member.value.is_empty() {
                let message = format!("{} is dropped", member.key());
                let path = ["spec", about.field, member.key()];
                step.note(Code::OptionDropped, &path, message);
            }
        }
        let secret = match source.child_if_set("secretRef")? {
            Some(secret) => (secret.text("name")?, secret.text("namespace")?),
            None => Default::default(),
        };
        let read_only = source.flag("readOnly")?;
        if read_only {
            step.read_only(about);
        }
        Ok(Self {
            secret,
            read_only,
            about,
            source: source.object().clone(),
        })
    }

    /// A string of the source; empty where it is unset.
    pub(crate) fn text(&self, name: &str) -> Result<Cow<'a, str>, Error> {
        let text = self.source.str(name);
        let text = text.map_err(|error| error.under(self.about.field).under("spec"))?;
        Ok(text.unwrap_or_default())
    }

    /// A string that has to be there.
    pub(crate) fn required(&self, name: &str) -> Result<Cow<'a, str>, Error> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Err(Error::MissingField {
                driver: self.about.plugin.into(),
                path: Path::of(&["spec", self.about.field, name]),
            });
        }
        Ok(text)
    }

    /// Notes a member that the CSI driver has no use for.
    pub(crate) fn dropped(&self, name: &str, why: &str, step: &mut Step<'_>) {
        if self.source.get(name).is_some_and(|value| !value.is_empty()) {
            let path = ["spec", self.about.field, name];
            step.note(
                Code::OptionDropped,
                &path,
                format!("{name} is dropped: {why}"),
            );
        }
    }
}

/// `metadata.name`
pub(crate) fn name<'a>(pv: &Object<'a>) -> Result<Cow<'a, str>, Error> {
    Fields::of(pv).child("metadata")?.text("name")
}

/// The namespace of the volume's claim, if it is known.
pub(crate) fn claim_namespace<'a>(
    pv: &Object<'a>,
    step: &Step<'_>,
) -> Result<Option<Cow<'a, str>>, Error> {
    let root = Fields::of(pv);
    let spec = root.child("spec")?;
    let claimed = spec.child("claimRef")?.text("namespace")?;
    if !claimed.is_empty() {
        return Ok(Some(claimed));
    }
    let told = step.context.claim;
    Ok(told.map(|claim| Cow::Owned(claim.namespace.to_owned())))
}

/// Puts a CSI source in the legacy one's place; what is empty in it is left out.
pub(crate) fn write_csi<'a>(
    pv: &mut Object<'a>,
    about: &'static About,
    csi: Object<'a>,
) -> Result<(), Error> {
    let mut said = Object::new();
    for member in csi.members() {
        if !member.value.is_empty() {
            said.set(member.to_key(), member.value.clone());
        }
    }
    pv.object_or_new("spec")?.replace(about.field, CSI, said);
    Ok(())
}
