//! The forms of the objects that are under way.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use flex2csi_translators::rewrite::ObjectKind;

/// The two forms of one object, JSON.
#[derive(Debug, Clone)]
pub struct Forms {
    /// As it was.
    pub original: String,
    /// In CSI form.
    pub translated: String,
}

/// What is under way, with its forms.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<HashMap<(ObjectKind, String), Forms>>);

impl UnderWay {
    /// One begins.
    pub fn begin(&self, kind: ObjectKind, name: &str, forms: Forms) {
        self.all().insert((kind, name.to_owned()), forms);
    }

    /// One has ended.
    pub fn end(&self, kind: ObjectKind, name: &str) {
        self.all().remove(&(kind, name.to_owned()));
    }

    /// The forms of one that is under way.
    pub fn forms(&self, kind: ObjectKind, name: &str) -> Option<Forms> {
        self.all().get(&(kind, name.to_owned())).cloned()
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<(ObjectKind, String), Forms>> {
        // Whole entries, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
