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
pub(crate) mod evidence;
pub mod file;
mod fresh;
mod kept;
pub(crate) mod output;
pub mod row;
mod run;
pub mod survey;
mod table;
pub mod task;
mod volume;
mod workload;

pub use args::{PlanArgs, PlanFormat, SurveyArgs};
pub use fresh::Fresh;
pub(crate) use run::report;
pub use run::run;
