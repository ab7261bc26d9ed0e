use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::api_client::ReachArgs;
use crate::selection::SelectionArgs;
use crate::site::MappingsArgs;

const EXAMPLES: &str = "\
Examples:
  # What is there, and what can be done about it?
  flex2csi plan --kubeconfig ~/.kube/config

  # A file to review, with a site's own values
  flex2csi plan --values site.yaml --out plan.yaml

  # One namespace, for a script
  flex2csi plan -n shop -o json | jq -r '.objects[] | select(.verdict == \"blocked\") | .object.name'

  # Let a service account do it, and no more
  flex2csi plan --rbac | kubectl apply -f -

docs/plan.md explains every code. Blocked objects are no failure: the exit code is 0.";

/// Find what is in legacy form in a cluster, and say what can be done about each
/// of it. Nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PlanArgs {
    /// The cluster.
    #[command(flatten)]
    pub cluster: ReachArgs,
    /// Which objects.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How they are looked at.
    #[command(flatten)]
    pub survey: SurveyArgs,
    /// What only this site knows; `flex2csi drivers` lists what a source needs.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// The site's own mappings.
    #[command(flatten)]
    pub mappings: MappingsArgs,
    /// The form of what is printed.
    #[arg(short, long, value_enum, default_value_t = PlanFormat::Table, value_name = "FORMAT")]
    pub output: PlanFormat,
    /// Write the plan to this file, to be reviewed and given to `flex2csi rewrite`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the rights that a plan needs, as manifests, and do nothing else.
    #[arg(long)]
    pub rbac: bool,
}

/// How a cluster is looked at.
#[derive(Debug, Clone, Args)]
pub struct SurveyArgs {
    /// Do without what nodes say of their mounts, where no node daemon runs. What a
    /// pod that was deleted by force left mounted is then not seen.
    #[arg(long)]
    pub without_node_evidence: bool,
    /// Have volumes and classes become those of flex2csi's own CSI endpoint, which
    /// translates at call time. Those of the endpoint stay; without this they become the
    /// backend's own.
    #[arg(long)]
    pub via_endpoint: bool,
    /// Do not show the new objects to the API server (dry run).
    #[arg(long)]
    pub no_server_dry_run: bool,
    /// Requests under way at a time.
    #[arg(long, value_name = "NUMBER", default_value = "8")]
    pub concurrency: NonZeroUsize,
}

/// The form of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// Columns, for people.
    Table,
    /// Columns with all that there is to say.
    Wide,
    /// JSON.
    Json,
    /// YAML, as in the plan file.
    Yaml,
}
