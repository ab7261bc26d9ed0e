//! What the cluster has beside the legacy objects themselves: who uses volumes,
//! what nodes say, what is installed. Read once, and kept in indexes that hold
//! only what legacy volumes need.

mod affinity;
mod attachments;
mod claims;
mod csi_drivers;
mod daemon_sets;
mod handles;
mod held;
pub mod load;
mod migrations;
mod node_volumes;
mod nodes;
mod pods;
mod snapshots;
mod workloads;

pub use affinity::Affinities;
pub use attachments::{Attachment, Attachments};
pub use claims::Claims;
pub use csi_drivers::CsiDrivers;
pub use daemon_sets::Installers;
pub use handles::Handles;
pub use held::Held;
pub use load::{Evidence, Unread};
pub use migrations::Migrations;
pub use node_volumes::{NodeVolumes, Word};
pub use nodes::{Node, Nodes};
pub use pods::Pods;
pub use snapshots::Snapshots;
pub use workloads::Workloads;
