//! The tools with which rewrites are tested: a fleet of bound volumes and its
//! witness, an API server that fails, programs that are killed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod damage;
mod killed;
mod proxy;
mod restarts;
