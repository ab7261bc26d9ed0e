//! The command line of `flex2csi hostpath`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::faults::Fault;
use super::kind::Kind;
use super::size::{Size, SizeError};
use crate::log;
use crate::operations::Listen;
use crate::registration::DriverName;
use crate::socket::path::argument as socket;

/// The driver's own name.
pub(super) const NAME: &str = "hostpath.flex2csi.io";

const HELP: &str = "\
StorageClass parameters:
  kind: directory | ext4 | xfs | btrfs | block
    Without it, csi.storage.k8s.io/fstype or volumeMode decide, then --kind.
VolumeAttributesClass parameters: iops, throughput, tier (recorded, nothing else).

Filesystems and block devices are files behind loop devices. They need root, losetup,
fsfreeze, and the programs of their filesystem. Without root only directories are served, in a
user namespace of its own: mounts are then to be seen by this process alone.

Faults: RPC=ACTION[,before|recorded|after][,times=N]
  ACTION is hang, slow:DURATION (slow:500ms, slow:3s) or a gRPC code (UNAVAILABLE).
  It comes before the call does anything (the default), when the call has recorded what it
  is about to do, or after all is done; at each call, or N times.
  --faults-file has one a line, # begins a comment; it is read at each call.

Examples:
  # A driver for trying things, all on one socket
  flex2csi hostpath --endpoint /run/csi.sock --state-dir /var/lib/hostpath --node-id a

  # Posing as a cloud's driver, with an attach step and a volume that was always there
  flex2csi hostpath --driver-name ebs.csi.aws.com --attach --volume vol-0abc=ext4:10Gi \\
    --endpoint /run/ebs.sock --state-dir /var/lib/ebs --node-id i-1 \\
    --topology topology.ebs.csi.aws.com/zone=eu-central-1a

  # Publishing hangs, once
  flex2csi hostpath --fault NodePublishVolume=hang,times=1 \\
    --endpoint /run/csi.sock --state-dir /var/lib/hostpath --node-id a";

/// A complete CSI driver over local directories and loop-mounted files, to try,
/// test and demonstrate with. It is not for data that matters.
#[derive(Debug, Clone, Args)]
#[command(after_help = HELP)]
pub struct HostpathArgs {
    /// The socket to serve on: a path, or unix:///path.
    #[arg(long, value_name = "SOCKET", value_parser = socket)]
    pub endpoint: PathBuf,
    /// A second socket for the Controller and GroupController services, which
    /// are then not on the first one.
    #[arg(long, value_name = "SOCKET", value_parser = socket)]
    pub controller_endpoint: Option<PathBuf>,
    /// Register with the kubelet that looks for plugins there, in place of a
    /// node-driver-registrar: <kubelet root>/plugins_registry. The sockets have to be at
    /// the same paths for kubelet.
    #[arg(long, value_name = "DIR")]
    pub kubelet_registry: Option<PathBuf>,
    /// The services to have. Several processes may share a state directory.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [ServiceArg::Controller, ServiceArg::Node])]
    pub services: Vec<ServiceArg>,
    /// Where volumes, snapshots and their records are kept.
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
    /// The name of this node.
    #[arg(long, value_name = "ID")]
    pub node_id: String,
    /// The name of the driver. Under another name it poses as that driver: parameters that
    /// are none of ours are recorded and mean nothing.
    #[arg(long, value_name = "NAME", default_value = NAME)]
    pub driver_name: DriverName,
    /// The kind of volumes that neither parameters nor capabilities say.
    #[arg(long, value_enum, default_value_t = Kind::Directory)]
    pub kind: Kind,
    /// Where the node is; without it, topology.<driver name>/node=<node id>.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub topology: Vec<(String, String)>,
    /// Have an attach step, and refuse on a node what is not attached to it.
    #[arg(long)]
    pub attach: bool,
    /// Have no stage step: volumes are mounted when they are published.
    #[arg(long)]
    pub no_staging: bool,
    /// Leave it to whoever mounts to give files to the pod's group.
    #[arg(long)]
    pub no_mount_group: bool,
    /// Say that the controller has GetSnapshot (alpha in CSI 1.12), as it does.
    /// csi-sanity 5.4.0 fails drivers that say so.
    #[arg(long)]
    pub get_snapshot: bool,
    /// Refuse NodeStageVolume and NodePublishVolume without this key among their
    /// secrets, as drivers do that log in with them. Can be repeated.
    #[arg(long = "need-secret", value_name = "KEY")]
    pub needed_secrets: Vec<String>,
    /// How many volumes a node can have attached; 0: any number.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    pub max_volumes: i64,
    /// How large a volume can be. Images are sparse: they take what is written.
    #[arg(long, value_name = "SIZE", default_value = "16Ti")]
    pub max_volume_size: Size,
    /// A volume to have under an id of one's choice, made if it is not there
    /// yet: of --kind and 1Gi unless said.
    #[arg(long = "volume", value_name = "ID[=KIND[:SIZE]]")]
    pub volumes: Vec<GivenVolume>,
    /// Something to go wrong; see below.
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// A file of things to go wrong, read at each call; need not be there.
    #[arg(long, value_name = "FILE")]
    pub faults_file: Option<PathBuf>,
    /// Where to serve metrics, health and the log level.
    #[arg(long, value_name = "ADDRESS|SOCKET")]
    pub operations: Option<Listen>,
    /// In which form to log.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub log_format: log::Format,
    /// How much to log, as info,flex2csi::hostpath=debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: log::Level,
}

/// A service that can be left out. Identity cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceArg {
    /// Controller and GroupController.
    Controller,
    /// Node.
    Node,
}

/// A volume with a chosen id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenVolume {
    /// Any text.
    pub id: String,
    /// The kind, if it was said.
    pub kind: Option<Kind>,
    /// The capacity, if it was said.
    pub size: Option<Size>,
}

/// Why a text is no volume.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GivenVolumeError {
    /// The id is empty.
    #[error("the id is empty")]
    NoId,
    /// The kind is none.
    #[error("{0:?} is none of directory, ext4, xfs, btrfs and block")]
    Kind(String),
    /// The size is none.
    #[error(transparent)]
    Size(#[from] SizeError),
}

impl FromStr for GivenVolume {
    type Err = GivenVolumeError;

    // From the right: ids may have `=` and `:` in them, kinds and sizes have not.
    fn from_str(text: &str) -> Result<Self, GivenVolumeError> {
        let (id, rest) = match text.rsplit_once('=') {
            Some((id, rest)) => (id, Some(rest)),
            None => (text, None),
        };
        if id.is_empty() {
            return Err(GivenVolumeError::NoId);
        }
        let rest = rest.unwrap_or_default();
        let (kind, size) = rest.split_once(':').unwrap_or((rest, ""));
        let kind = match kind {
            "" => None,
            kind => {
                let unknown = || GivenVolumeError::Kind(kind.to_owned());
                Some(Kind::of_name(kind).ok_or_else(unknown)?)
            }
        };
        let size = match size {
            "" => None,
            size => Some(size.parse()?),
        };
        Ok(Self {
            id: id.to_owned(),
            kind,
            size,
        })
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is not KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
impl HostpathArgs {
    /// What these flags say of a driver over a state directory; of a flag that is given
    /// twice the last counts.
    pub(super) fn of_flags<'f>(
        state_dir: &std::path::Path,
        flags: impl IntoIterator<Item = &'f str>,
    ) -> Self {
        use clap::{Command, FromArgMatches as _};

        let state_dir = format!("--state-dir={}", state_dir.display());
        let flags = flags.into_iter().map(str::to_owned);
        let needed = ["hostpath", "--endpoint=/unused", "--node-id=n", &state_dir];
        let needed = needed.map(str::to_owned).into_iter();
        let command = Self::augment_args(Command::new("hostpath")).args_override_self(true);
        let matches = command.get_matches_from(needed.chain(flags));
        Self::from_arg_matches(&matches).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_volumes_are_read() {
        let given = |id: &str, kind, size: Option<u64>| {
            Ok(GivenVolume {
                id: id.to_owned(),
                kind,
                size: size.map(Size),
            })
        };
        let table = [
            ("vol-0abc", given("vol-0abc", None, None)),
            ("v=ext4", given("v", Some(Kind::Ext4), None)),
            ("v=block:1Gi", given("v", Some(Kind::Block), Some(1 << 30))),
            ("v=:1Gi", given("v", None, Some(1 << 30))),
            ("a=b/c:d=xfs", given("a=b/c:d", Some(Kind::Xfs), None)),
            ("=ext4", Err(GivenVolumeError::NoId)),
            ("v=zfs", Err(GivenVolumeError::Kind("zfs".into()))),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse(), expected, "{text}");
        }
        assert!("v=ext4:x".parse::<GivenVolume>().is_err());
    }
}
