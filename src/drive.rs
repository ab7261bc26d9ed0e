//! `flex2csi rewrite`, `rollback` and `status`: many objects, from a plan or a
//! selection, by the protocol of [`crate::rewrite`].

mod args;
mod diff;
mod display;
mod fence;
mod holder;
mod idle;
mod in_use;
mod limit;
mod news;
mod objects;
mod paced;
mod pin_args;
mod records;
mod restart;
mod rewrite;
mod rights;
mod rollback;
mod secrets;
mod shard;
mod site;
mod slots;
mod status;
mod uses;
mod wait_idle;
mod watch;
mod work;

pub use args::{RewriteArgs, RollbackArgs, RunArgs, StatusArgs, StatusFormat};
pub use in_use::{InUseArgs, Limit, Wait};
pub use restart::STEPS as RESTART_STEPS;
pub use rewrite::run as rewrite;
pub use rollback::run as rollback;
pub use status::run as status;
