//! What an operator applies, `deploy/`: rendered by kubectl, read by a real API server
//! and by the program that it starts.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod files;
mod filled_in;
mod rendered;
mod templates;

mod accepted;
mod components;
mod configured;
mod lived;
mod restricted;
