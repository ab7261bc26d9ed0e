//! The program as a process: what goes in, what comes out, how it ends.

mod bad_input;
mod command;
mod documents;
mod exit;
mod golden;
mod report;
mod round_trip;
mod streams;
