//! Moves Kubernetes volumes in legacy form to CSI.
//!
//! The program behind `flex2csi`: one module for each door and for each part
//! that doors share. What a legacy volume becomes is decided in
//! [`flex2csi_translators`]; nothing here knows a driver.

pub mod catalogue;
pub mod cli;
pub mod csi;
pub mod exit;
pub mod hostpath;
pub mod manifest;
pub mod mountinfo;
pub mod site;
pub mod socket;
pub mod translate;
