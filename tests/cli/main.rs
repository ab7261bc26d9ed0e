//! The program as a process: what goes in, what comes out, how it ends.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod bad_input;
mod command;
mod documentation;
mod documents;
mod drive;
mod exit;
mod failed;
mod flags;
mod golden;
mod large;
mod lists;
mod report;
mod round_trip;
mod streams;
mod troubleshooting;
