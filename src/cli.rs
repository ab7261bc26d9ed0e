//! The command line: verbs, flags, help.

use clap::{Parser, Subcommand, ValueEnum};

use crate::catalogue::{DriversArgs, ExplainArgs};
use crate::controller::ControllerArgs;
use crate::demo::DemoArgs;
use crate::drive::{RewriteArgs, RollbackArgs, StatusArgs};
use crate::hostpath::HostpathArgs;
use crate::node::NodeArgs;
use crate::plan::PlanArgs;
use crate::translate::TranslateArgs;

/// Moves Kubernetes volumes in legacy form, FlexVolume and in-tree, to CSI:
/// without copying data, losing a claim or editing an application.
#[derive(Debug, Parser)]
#[command(
    name = "flex2csi",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Colour what is written: `auto` colours only on a terminal.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Translate manifests: legacy volumes in, CSI volumes out.
    Translate(Box<TranslateArgs>),
    /// List every source, its CSI driver, what it needs and how far it goes.
    Drivers(DriversArgs),
    /// Say field by field where a translated volume's fields come from.
    Explain(ExplainArgs),
    /// Say of each legacy object of a cluster what can be done about it.
    Plan(Box<PlanArgs>),
    /// Replace legacy objects of a cluster by their CSI form.
    Rewrite(Box<RewriteArgs>),
    /// Bring the originals of rewritten objects back.
    Rollback(Box<RollbackArgs>),
    /// Say what was rewritten, what is under way, and what to do next.
    Status(StatusArgs),
    /// Serve legacy volumes on a node through the CSI driver that has them.
    Node(Box<NodeArgs>),
    /// Detach what dead nodes hold, and serve the CSI sidecars: once in a cluster.
    Controller(Box<ControllerArgs>),
    /// Wait: what runs in the pods that hold a volume while it is rewritten under others.
    #[command(hide = true)]
    Pin,
    /// Show the whole loop on this machine, without a cluster.
    Demo(DemoArgs),
    /// Serve a CSI driver over local directories and files, to try things with.
    Hostpath(Box<HostpathArgs>),
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Sets the choice for all that the process writes.
    pub fn apply(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
