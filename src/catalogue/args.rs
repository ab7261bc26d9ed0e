use clap::Args;

use crate::listing::ListFormat;
use crate::site::MappingsArgs;

const DRIVERS: &str = "\
Examples:
  flex2csi drivers
  flex2csi drivers -o json | jq -r '.[] | select(.needs != []) | .name'";

const EXPLAIN: &str = "\
Examples:
  flex2csi explain huawei.com/fuxivol        a FlexVolume driver
  flex2csi explain awsElasticBlockStore      an in-tree source
  flex2csi explain kubernetes.io/aws-ebs     a provisioner";

/// List every source, its CSI driver, what it needs and how far it goes.
#[derive(Debug, Args)]
#[command(after_help = DRIVERS)]
pub struct DriversArgs {
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t = ListFormat::Table, value_name = "FORMAT")]
    pub output: ListFormat,
    /// The site's own mappings.
    #[command(flatten)]
    pub mappings: MappingsArgs,
}

/// Say field by field where a translated volume's fields come from.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN)]
pub struct ExplainArgs {
    /// A FlexVolume driver, a mapping, an in-tree source or plugin, or a provisioner.
    pub source: String,
    /// The form of the output.
    #[arg(short, long, value_enum, default_value_t = ListFormat::Table, value_name = "FORMAT")]
    pub output: ListFormat,
    /// The site's own mappings.
    #[command(flatten)]
    pub mappings: MappingsArgs,
}
