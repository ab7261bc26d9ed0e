//! `flex2csi rewrite`, `rollback` and `status`: many objects, from a plan or a
//! selection, by the protocol of [`crate::rewrite`].

mod args;
mod diff;
mod display;
mod holder;
mod limit;
mod objects;
mod paced;
mod pin_args;
mod records;
mod rewrite;
mod rollback;
mod shard;
mod site;
mod slots;
mod status;
mod uses;
mod watch;
mod work;

pub use args::{RewriteArgs, RollbackArgs, RunArgs, StatusArgs, StatusFormat};
pub use rewrite::run as rewrite;
pub use rollback::run as rollback;
pub use status::run as status;
