//! Sockets: how they come to their place, and who is served on them.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod callers;
mod identity;
mod place;
mod registration;
