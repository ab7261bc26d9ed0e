use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flex2csi_translators::{Target, TargetForm};

use crate::site::MappingsArgs;

const EXAMPLES: &str = "\
Examples:
  # What would change in this cluster's volumes?
  kubectl get pv -o json | flex2csi translate --diff

  # Manifests of a chart, with a file of values that only this site knows
  helm template my-chart | flex2csi translate --values site.yaml > translated.yaml

  # A dump of many volumes, a line each, with a report for a script
  flex2csi translate -f volumes.ndjson -o ndjson --report notes.jsonl > csi.ndjson

Exit codes: 0 all done, 1 some objects failed and the others were done, 2 nothing done.";

/// Manifests in, manifests out. What holds no legacy volume comes out as it is.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TranslateArgs {
    /// A manifest, a directory of them, or - for standard input; may be repeated.
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR|-", num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// Go through the directories below those given as well.
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// The form of the output; without it, that of the input.
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub output: Option<OutputFormat>,
    /// What the result is for.
    #[arg(long, value_enum, default_value_t = TargetArg::Stored)]
    pub target: TargetArg,
    /// Which way to translate. `in-tree` takes PersistentVolumes back;
    /// StorageClasses, claims and workloads stay as they are.
    #[arg(long, value_enum, default_value_t = To::Csi)]
    pub to: To,
    /// Write volumes and classes for the CSI endpoint of flex2csi, which
    /// translates at call time.
    #[arg(long, conflicts_with = "to")]
    pub via_endpoint: bool,
    /// Show what changes, and write nothing else.
    #[arg(long, conflicts_with = "output")]
    pub diff: bool,
    /// The site's own mappings.
    #[command(flatten)]
    pub mappings: MappingsArgs,
    /// What only this site knows; `flex2csi drivers` lists what a source needs.
    #[arg(long, value_name = "FILE")]
    pub values: Option<PathBuf>,
    /// StorageClasses and Secrets to know of, without translating them.
    #[arg(long, value_name = "FILE|DIR")]
    pub context: Vec<PathBuf>,
    /// Write the content of known Secrets into the new ones that need other keys.
    #[arg(long)]
    pub secret_values: bool,
    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Write every note and failure to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Say only what failed.
    #[arg(short, long)]
    pub quiet: bool,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Documents, one for each object.
    Yaml,
    /// JSON as it came, or one List of all objects.
    Json,
    /// One line for each object.
    Ndjson,
}

/// What the result is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetArg {
    /// To be kept in the API server.
    Stored,
    /// What Kubernetes holds in memory for in-tree volumes; nothing else is touched.
    Runtime,
}

/// Which way to translate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum To {
    /// Legacy volumes to CSI.
    Csi,
    /// PersistentVolumes from CSI back to the in-tree form, and nothing else.
    InTree,
}

impl TranslateArgs {
    /// The library's word for what the result is for.
    pub fn target(&self) -> Target {
        match self.target {
            TargetArg::Stored => Target::Stored,
            TargetArg::Runtime => Target::Runtime,
        }
    }

    /// The library's word for the form of the result.
    pub fn target_form(&self) -> TargetForm {
        match (self.via_endpoint, self.to) {
            (true, _) => TargetForm::Endpoint,
            (false, To::Csi) => TargetForm::Csi,
            (false, To::InTree) => TargetForm::InTree,
        }
    }
}
