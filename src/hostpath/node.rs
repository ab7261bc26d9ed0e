//! The Node service.

mod expand;
mod info;
mod mount_group;
mod place;
mod publish;
mod stage;
mod stats;
