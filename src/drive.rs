//! `flex2csi rewrite`, `rollback` and `status`: many objects, from a plan or a
//! selection, by the protocol of [`crate::rewrite`].

mod args;
mod coming;
mod diff;
mod display;
mod failure_limit;
mod fence;
mod forms;
mod holder;
mod idle;
mod labels;
mod live;
mod paced;
mod records;
mod restart;
mod rewrite;
mod rewriter;
mod rights;
mod rollback;
mod secrets;
mod shard;
mod slots;
mod status;
mod uses;
mod wait_idle;
mod watch;
mod work;

pub use args::{
    InUseArgs, Length, RewriteArgs, RollbackArgs, RunArgs, StatusArgs, StatusFormat, Wait,
};
pub use restart::STEPS as RESTART_STEPS;
pub use rewrite::run as rewrite;
pub use rollback::run as rollback;
pub use status::run as status;
