//! Parses the command line and dispatches.

use std::process::ExitCode;

use clap::Parser;
use flex2csi::cli::{Cli, Verb};
use flex2csi::{catalogue, controller, demo, drive, exit, hostpath, node, pin, plan, translate};

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.color.apply();
    let done = match cli.verb {
        Verb::Translate(args) => translate::run(&args),
        Verb::Drivers(args) => catalogue::drivers(&args),
        Verb::Explain(args) => catalogue::explain(&args),
        Verb::Plan(args) => plan::run(&args),
        Verb::Rewrite(args) => drive::rewrite(&args),
        Verb::Rollback(args) => drive::rollback(&args),
        Verb::Status(args) => drive::status(&args),
        Verb::Node(args) => node::run(&args),
        Verb::Controller(args) => controller::run(&args),
        Verb::Pin => pin::run(),
        Verb::Demo(args) => demo::run(&args),
        Verb::Hostpath(args) => hostpath::run(&args),
    };
    exit::code(done)
}
