//! The driver: its settings, and where it keeps what it knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::{HostpathArgs, NAME, ServiceArg};
use super::error::Error;
use super::faults::Faults;
use super::id::Id;
use super::kind::Kind;
use super::node_record::Node;
use super::parameters::Dialect;
use super::records::Records;
use super::snapshot::{Group, Snapshot};
use super::volume::Volume;

/// One instance of the driver. Its calls block: they are no work for async tasks.
#[derive(Debug)]
pub(super) struct Driver {
    pub name: String,
    /// This node.
    pub node: Node,
    pub default_kind: Kind,
    /// Whose parameters are given.
    pub dialect: Dialect,
    pub has_controller: bool,
    pub has_node: bool,
    pub has_attach: bool,
    pub has_staging: bool,
    /// Whether it gives files to groups itself.
    pub has_mount_group: bool,
    pub says_get_snapshot: bool,
    /// The keys that the secrets of a node's calls need.
    pub needed_secrets: Vec<String>,
    /// Whether loop devices and filesystems can be had: as real root alone.
    pub has_images: bool,
    /// In bytes.
    pub max_volume_size: u64,
    pub faults: Faults,
    pub state: PathBuf,
    pub volumes: Records<Volume>,
    pub snapshots: Records<Snapshot>,
    pub groups: Records<Group>,
    pub nodes: Records<Node>,
}

impl Driver {
    /// A driver with what is in its state directory, which is made if it is
    /// not there.
    pub(super) fn open(args: &HostpathArgs, has_images: bool) -> Result<Self, Error> {
        let id = Id::required("--node-id", &args.node_id)?;
        let segments = if args.topology.is_empty() {
            let key = format!("topology.{}/node", args.driver_name);
            BTreeMap::from([(key, args.node_id.clone())])
        } else {
            args.topology.iter().cloned().collect()
        };
        let state = private_directory(&args.state_dir)?;
        for kept in ["data/volumes", "data/snapshots"] {
            let kept = state.join(kept);
            std::fs::create_dir_all(&kept).map_err(Error::io("create", &kept))?;
        }
        Ok(Self {
            name: args.driver_name.to_string(),
            node: Node {
                id,
                segments,
                max_volumes: args.max_volumes,
            },
            default_kind: args.kind,
            dialect: if args.driver_name.as_str() == NAME {
                Dialect::Own
            } else {
                Dialect::Posing
            },
            has_controller: args.services.contains(&ServiceArg::Controller),
            has_node: args.services.contains(&ServiceArg::Node),
            has_attach: args.attach,
            has_staging: !args.no_staging,
            // In a user namespace there is no other group.
            has_mount_group: has_images && !args.no_mount_group,
            says_get_snapshot: args.get_snapshot,
            needed_secrets: args.needed_secrets.clone(),
            has_images,
            max_volume_size: args.max_volume_size.0,
            faults: Faults::new(args.faults.clone(), args.faults_file.clone()),
            volumes: Records::open(state.join("volumes"))?,
            snapshots: Records::open(state.join("snapshots"))?,
            groups: Records::open(state.join("groups"))?,
            nodes: Records::open(state.join("nodes"))?,
            state,
        })
    }

    /// The directory or image of a volume.
    pub(super) fn volume_data(&self, id: &Id) -> PathBuf {
        self.state.join("data/volumes").join(id.file_name())
    }

    /// The directory or image of a snapshot.
    pub(super) fn snapshot_data(&self, id: &Id) -> PathBuf {
        self.state.join("data/snapshots").join(id.file_name())
    }

    /// Whether volumes of a kind can be had; if not, why.
    pub(super) fn check_has(&self, kind: Kind) -> Result<(), Error> {
        if kind.is_image() && !self.has_images {
            return Err(Error::invalid(
                "parameters",
                format!("ask for kind {kind}: without root there are directories alone"),
            ));
        }
        Ok(())
    }
}

/// Makes a directory that only we get into, and gives its real path, which is
/// what the kernel says of mounts and loop devices.
fn private_directory(path: &Path) -> Result<PathBuf, Error> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(Error::io("create", path))?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o700))
        .map_err(Error::io("close to others", path))?;
    path.canonicalize().map_err(Error::io("resolve", path))
}

#[cfg(test)]
mod tests;
