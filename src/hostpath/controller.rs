//! The Controller service.

mod attach;
mod capabilities;
mod create;
mod delete;
mod expand;
mod list;
mod modify;
pub(super) mod origin;
pub(super) mod snapshots;
mod validate;
