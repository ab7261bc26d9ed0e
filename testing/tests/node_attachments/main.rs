//! Attachments, Leases and NodeVolumes on a real API server, with the rights and
//! the admission policies of `deploy/`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod attaching;
mod deployed;
mod external_attacher;
mod publishing;
mod releasing;
mod rights;
mod site;
