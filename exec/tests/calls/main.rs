//! The exec binary, called as kubelet calls it: the built executable stands under
//! `vendor~driver/driver`, beside scripted daemons and scripted original drivers.
//!
//! `FLEX2CSI_EXEC` names another build of it: `exec/build-static` runs these tests
//! against the one that is shipped.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod arguments;
mod attaching_original;
mod daemon;
mod exchange;
mod former_original;
mod init;
mod installed_file;
mod original_process;
mod output;
mod plugin;
mod secrets;
mod shim_alone;
mod tier_1;
mod wire;
