//! `flex2csi node status` and `flex2csi node uninstall`, as processes.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

#[path = "../cli/command.rs"]
#[allow(dead_code, reason = "the tests of the command line use the rest")]
mod command;
mod place;
mod status;
mod uninstall;
