//! The Node service.

mod expand;
mod info;
mod mount_group;
mod place;
mod publish;
mod secrets;
mod stage;
mod stats;
