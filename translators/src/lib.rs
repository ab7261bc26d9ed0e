//! Translates Kubernetes volumes in legacy form, FlexVolume and in-tree, to
//! CSI and back. Pure: no I/O, no clock, no async.
//!
//! Objects are edited as JSON text ([`json`]): what is not understood is
//! copied as written.
//!
//! ```
//! use flex2csi_translators::flex::Mappings;
//! use flex2csi_translators::{Context, Values, parse, translate};
//!
//! let pv = r#"{
//!     "apiVersion": "v1",
//!     "kind": "PersistentVolume",
//!     "metadata": {"name": "data"},
//!     "spec": {
//!         "accessModes": ["ReadWriteMany"],
//!         "flexVolume": {
//!             "driver": "k8s/nfs",
//!             "options": {"server": "nfs.example.com", "share": "export"}
//!         }
//!     }
//! }"#;
//! let (values, mappings) = (Values::default(), Mappings::built_in());
//! let outcome = translate(parse(pv)?, &Context::new(&values, &mappings))?;
//! assert!(outcome.changed);
//!
//! let mut pv = outcome.object;
//! let spec = pv.object("spec")?.expect("it has one");
//! let csi = spec.object("csi")?.expect("it is CSI now");
//! assert_eq!(csi.str("driver")?.as_deref(), Some("nfs.csi.k8s.io"));
//! # Ok::<(), flex2csi_translators::Error>(())
//! ```

pub mod attachment;
pub mod context;
pub mod csi_volume;
pub mod digest;
pub mod endpoint;
pub mod error;
pub mod flex;
pub mod in_tree;
pub mod json;
pub mod kind;
pub mod note;
pub mod outcome;
pub mod plan;
pub mod rewrite;
pub mod source;
pub mod storage_class;
pub mod values;

mod claim;
mod inline_volume;
mod persistent_volume;
mod shape;
mod snapshot_content;
mod stored_volume;
mod translate;
mod workload;

pub use context::{ClaimRef, Context, Target, TargetForm};
pub use error::Error;
pub use kind::Kind;
pub use note::{Code, Note, Severity};
pub use outcome::Outcome;
pub use shape::parse;
pub use translate::{translate, translate_as};
pub use values::Values;
