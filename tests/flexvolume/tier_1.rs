//! These need root: they mount.

mod backend_killed;
mod backend_trouble;
mod bad_input;
mod crowd;
mod daemon_killed;
mod handover;
mod original;
mod restarts;
mod secrets;
mod shared;
mod targets;
