mod in_use;
mod pins;

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub use in_use::{InUseArgs, Length, Wait};
use pins::PinArgs;

use super::failure_limit::{FailureLimit, Percent};
use super::shard::{self, Shard};
use crate::api_client::ReachArgs;
use crate::exit::Usage;
use crate::plan::SurveyArgs;
use crate::selection::SelectionArgs;
use crate::site::MappingsArgs;

const REWRITE_EXAMPLES: &str = "\
Examples:
  # What would be done? Nothing is changed without --yes.
  flex2csi rewrite --plan plan.yaml

  # Do it, with the originals in files as well
  flex2csi rewrite --plan plan.yaml --backup originals --yes

  # One namespace
  flex2csi rewrite -n shop --yes

  # Stop the workloads whose volumes are in use, one after another, and put them back
  flex2csi rewrite --plan plan.yaml --yes --restart

  # Let a service account do it, and no more
  flex2csi rewrite --rbac | kubectl apply -f -

  # What would be stored, as `kubectl diff` shows it
  flex2csi rewrite --plan plan.yaml --diff

It may be killed at any time and run again, anywhere: docs/rewrite.md.";

const ROLLBACK_EXAMPLES: &str = "\
Examples:
  # What would be brought back? Nothing is changed without --yes.
  flex2csi rollback -n shop

  # One volume
  flex2csi rollback --pv pv-0042 --yes

  # Everything that was ever rewritten here
  flex2csi rollback --all --yes";

const STATUS_EXAMPLES: &str = "\
Examples:
  # What is done, and what needs somebody?
  flex2csi status

  # Look on while a Job works
  flex2csi status --watch

  # What stopped, for a script
  flex2csi status -o json | jq -r 'select(.phase == \"Stopped\") | .name + \": \" + .message'

The exit code is 1 if an object has stopped.";

/// Replace legacy objects of a cluster by their CSI form, under their names.
#[derive(Debug, Args)]
#[command(after_help = REWRITE_EXAMPLES)]
pub struct RewriteArgs {
    /// The cluster.
    #[command(flatten)]
    pub cluster: ReachArgs,
    /// Which objects.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How they are looked at.
    #[command(flatten)]
    pub survey: SurveyArgs,
    /// What only this site knows, as for the plan.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// The site's own mappings.
    #[command(flatten)]
    pub mappings: MappingsArgs,
    /// How it is done.
    #[command(flatten)]
    pub run: RunArgs,
    /// Write each original to a file in this directory before it is touched.
    #[arg(long, value_name = "DIR")]
    pub backup: Option<PathBuf>,
    /// Make the Secrets that CSI drivers read where the legacy ones have other keys, or
    /// the keys stand in options, before the volumes that wait for them are rewritten.
    #[arg(long)]
    pub create_secrets: bool,
    /// Print the rights that it needs, as manifests, and do nothing else.
    #[arg(long)]
    pub rbac: bool,
    /// What becomes of volumes that are in use.
    #[command(flatten)]
    pub in_use: InUseArgs,
    /// Only remove what a run with --fence has left that was killed.
    #[arg(long, conflicts_with_all = ["fence", "yes", "plan", "all"])]
    pub remove_fence: bool,
    /// How volumes that are in use are held meanwhile.
    #[command(flatten)]
    pub pins: PinArgs,
}

/// Bring the originals back.
#[derive(Debug, Args)]
#[command(after_help = ROLLBACK_EXAMPLES)]
pub struct RollbackArgs {
    /// The cluster.
    #[command(flatten)]
    pub cluster: ReachArgs,
    /// Which objects.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How it is done.
    #[command(flatten)]
    pub run: RunArgs,
    /// Do without what nodes say of their mounts, where no node daemon runs.
    #[arg(long)]
    pub without_node_evidence: bool,
}

/// How many objects are taken up.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The objects of a plan that `flex2csi plan --out` wrote.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// All objects.
    #[arg(long)]
    pub all: bool,
    /// Do it. Without this nothing is changed.
    #[arg(long)]
    pub yes: bool,
    /// Show what would be stored instead of what is, and change nothing. Credentials
    /// are left out.
    #[arg(long, conflicts_with = "yes")]
    pub diff: bool,
    /// Objects that are replaced at a time, while as many again are made ready. Fewer
    /// claims are Lost at a time if the cluster binds them slowly.
    #[arg(long, value_name = "NUMBER", default_value = "16")]
    pub parallel: NonZeroUsize,
    /// Begin nothing new after so many failures.
    #[arg(long, value_name = "NUMBER", default_value = "10")]
    pub max_failures: NonZeroUsize,
    /// Take over what another process has begun after it gave no sign of life for so
    /// long. It has to be the same for all; two at once are held apart in any case.
    #[arg(long, value_name = "SECONDS", default_value = "15")]
    pub takeover_after: NonZeroU64,
    /// Begin nothing new when more than this share of those that ended have failed,
    /// once 20 have ended.
    #[arg(long, value_name = "PERCENT")]
    pub max_failure_rate: Option<Percent>,
    /// Only the objects of one share of N, from 0: `0/4`.
    #[arg(long, value_name = "I/N", conflicts_with = "shards")]
    pub shard: Option<Shard>,
    /// Only the objects of one share of N: of the one that `JOB_COMPLETION_INDEX` names,
    /// as each pod of an Indexed Job has it.
    #[arg(long, value_name = "N")]
    pub shards: Option<NonZeroU64>,
    /// Turn new pods away, for the moment, whose claims' volumes are being rewritten: by
    /// a ValidatingAdmissionPolicy that is removed at the end.
    #[arg(long)]
    pub fence: bool,
}

/// Say what was rewritten, what is under way, what failed, and what to do next.
#[derive(Debug, Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub struct StatusArgs {
    /// The cluster.
    #[command(flatten)]
    pub cluster: ReachArgs,
    /// Which objects.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// The form of what is printed.
    #[arg(short, long, value_enum, default_value_t = StatusFormat::Table, value_name = "FORMAT")]
    pub output: StatusFormat,
    /// Go on printing a line for each change, until interrupted.
    #[arg(short, long)]
    pub watch: bool,
}

/// The form of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// Columns, for people.
    Table,
    /// JSON: a line for each object.
    Json,
    /// YAML: a document for each object.
    Yaml,
}

impl RewriteArgs {
    /// Whether what is asked for goes together.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn check(&self) -> Result<(), Usage> {
        let is_shared = self.run.shard.is_some() || self.run.shards.is_some();
        if self.in_use.restart && is_shared {
            return Err(Usage(
                "--restart takes volumes in sets, one after another, which shares would tear apart: \
                 rewrite in shares without it first, then what is left with it, in one process"
                    .to_owned(),
            ));
        }
        self.run.check(&self.selection)
    }
}

impl RunArgs {
    /// Whether it is said which objects are meant, in one way.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn check(&self, selection: &SelectionArgs) -> Result<(), Usage> {
        self.share()?;
        let is_selected = !selection.selection()?.is_empty();
        let ways = [self.plan.is_some(), self.all, is_selected];
        match ways.iter().filter(|way| **way).count() {
            1 => Ok(()),
            0 => Err(Usage(
                "which objects? give --plan FILE, a selection such as -n NAMESPACE, or --all"
                    .to_owned(),
            )),
            _ => Err(Usage(
                "give one of --plan FILE, a selection, and --all, not several".to_owned(),
            )),
        }
    }

    /// Which objects are this process's.
    ///
    /// # Errors
    /// It is one of several, and nothing tells which.
    pub(super) fn share(&self) -> Result<Shard, Usage> {
        match (self.shard, self.shards) {
            (Some(shard), _) => Ok(shard),
            (None, Some(of)) => {
                let index = std::env::var(shard::JOB_INDEX).ok();
                Shard::of_job(index.as_deref(), of.get()).map_err(Usage)
            }
            (None, None) => Ok(Shard::default()),
        }
    }

    /// Whether this is a pod of an Indexed Job that takes all objects.
    pub(super) fn is_one_of_many(&self) -> bool {
        let is_indexed = std::env::var_os(shard::JOB_INDEX).is_some();
        is_indexed && self.shard.is_none() && self.shards.is_none()
    }

    /// When nothing new is begun.
    pub(super) fn limit(&self) -> FailureLimit {
        FailureLimit {
            failures: self.max_failures.get(),
            rate: self.max_failure_rate,
        }
    }
}
