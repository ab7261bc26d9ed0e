//! The journal of rewrites: one `VolumeMigration` for each object that is replaced,
//! and, if asked, the original as a file.
//!
//! A record is written in full before its object is touched, again before the object
//! is deleted, and at the end. Its `spec.holder` and resourceVersion are the lock.

mod backup;
mod document;
mod name;

pub use backup::{BackupError, back_up};
pub use document::{
    Document, DocumentError, Trouble, bound, new, now, replacement, status, takeover,
};
pub use name::name_of;

/// `apiVersion` of a record.
pub const API_VERSION: &str = "flex2csi.io/v1alpha1";
/// `kind` of a record.
pub const KIND: &str = "VolumeMigration";
