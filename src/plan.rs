//! `flex2csi plan`: finds what is in legacy form in a cluster, and says of each
//! object what can be done about it, and why not more. Nothing is changed.
//!
//! The decision is in [`flex2csi_translators::plan`]; here the cluster is read,
//! and what was decided is written. `rewrite` reads the plan file back with
//! [`file::PlanFile`] and takes each object up with [`task::task`].

mod args;
mod ask;
mod candidate;
mod class;
pub(crate) mod digest;
pub(crate) mod evidence;
pub mod file;
mod fresh;
mod objects;
pub(crate) mod output;
pub(crate) mod pages;
mod reach;
pub(crate) mod redact;
pub mod request;
pub(crate) mod rights;
pub mod row;
mod run;
pub mod selection;
pub mod survey;
mod table;
pub mod task;
pub mod translator;
mod volume;
mod workload;

pub use args::{PlanArgs, PlanFormat, SelectionArgs, SurveyArgs};
pub use fresh::Fresh;
pub use reach::ReachArgs;
pub(crate) use run::report;
pub use run::{cluster_identity, print_rewrite_rights, run};
