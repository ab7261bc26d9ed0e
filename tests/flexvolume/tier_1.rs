//! These need root: they mount.

mod backend_killed;
mod daemon_killed;
