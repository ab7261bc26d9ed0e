//! What a source's step is given, and the notes that several of them make.

use std::borrow::Cow;

use super::super::fields::Fields;
use super::About;
use crate::context::Context;
use crate::error::Error;
use crate::json::{Object, Path};
use crate::note::{Code, Note};
use crate::values::Values;

/// What a translation to be kept is given beside the object.
pub(crate) struct Step<'s> {
    /// What the caller says.
    pub context: &'s Context<'s>,
    /// What is worth knowing.
    pub notes: &'s mut Vec<Note>,
}

impl<'s> Step<'s> {
    /// The site's values.
    pub(crate) fn values(&self) -> &'s Values {
        self.context.values
    }

    /// The CSI driver: as the site names it, or by its usual name.
    pub(crate) fn driver(&self, about: &About) -> Cow<'static, str> {
        about.driver_for(self.values()).unwrap_or_default()
    }

    /// Adds a note about a field of the object.
    pub(crate) fn note(
        &mut self,
        code: Code,
        path: &[&str],
        message: impl Into<Cow<'static, str>>,
    ) {
        self.notes.push(Note::new(code, Path::of(path), message));
    }

    /// Adds a note that says itself what to do.
    pub(crate) fn advise(
        &mut self,
        code: Code,
        path: &[&str],
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        let note = Note::new(code, Path::of(path), message).remedy(remedy);
        self.notes.push(note);
    }

    /// `readOnly` stood in the source.
    pub(crate) fn read_only(&mut self, about: &About) {
        self.note(
            Code::ReadOnlyDiffers,
            &["spec", about.field, "readOnly"],
            "readOnly of a CSI volume reaches the driver when it attaches, if at all; \
             mounts are read only where the pod's claim reference says so",
        );
    }

    /// The driver does not delete what it has not made itself.
    pub(crate) fn retain_only(&mut self, pv: &Object<'_>) -> Result<(), Error> {
        const POLICY: &str = "persistentVolumeReclaimPolicy";
        let policy = Fields::of(pv).child("spec")?.text(POLICY)?;
        if policy != "Retain" {
            self.note(
                Code::RetainOnly,
                &["spec", POLICY],
                "the driver did not make this volume and does not delete it",
            );
        }
        Ok(())
    }
}
