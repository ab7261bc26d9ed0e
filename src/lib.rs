//! Moves Kubernetes volumes in legacy form to CSI.
//!
//! The program behind `flex2csi`: one module for each door and for each part
//! that doors share. What a legacy volume becomes is decided in
//! [`flex2csi_translators`]; nothing here knows a driver.

pub mod api_client;
pub mod api_request;
pub mod attachment;
pub mod backend;
pub mod catalogue;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod controller;
pub mod csi;
pub mod csi_client;
pub mod daemon;
pub mod demo;
pub(crate) mod digest;
pub mod doors;
pub mod drive;
pub mod durable_file;
pub mod endpoint;
pub mod exit;
pub mod fault_points;
pub mod flexvolume;
pub mod grpc;
pub mod hostpath;
pub mod installation;
pub mod journal;
pub mod listing;
pub mod log;
pub mod manifest;
#[cfg(test)]
#[path = "../tests/api_server/merge_patch.rs"]
mod merge_patch;
pub mod metrics;
pub mod mountinfo;
pub mod node;
pub mod node_record;
pub mod node_volumes;
pub(crate) mod objects;
pub mod operations;
pub mod original_mounts;
pub mod pin;
pub mod plan;
pub(crate) mod redact;
pub mod registered_plugins;
pub mod registration;
pub mod release;
pub mod request_id;
pub mod rewrite;
pub(crate) mod rights;
pub mod selection;
pub mod site;
pub mod socket;
pub mod translate;
pub mod user_namespace;
