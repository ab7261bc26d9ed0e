//! The node record: what is mounted here through the FlexVolume door, one durable
//! file for each volume, written before the first act of a mount and removed after
//! the last one of an unmount. Whenever we die, what has to be undone stands in it.
//!
//! It holds no secrets. What is in a file that is not as we write it (planted,
//! damaged, of a later version) is not acted upon: that volume is refused until
//! somebody has looked at the file, and all others are served.

mod boot;
mod error;
mod file;
mod index;
mod look;
mod ownership;
mod place;
mod record;
mod store;

#[cfg(test)]
mod tests;

pub use boot::boot_id;
pub use error::RecordError;
pub use index::{MountState, TargetEntry};
pub use look::{Looked, look};
pub use ownership::PendingOwnership;
pub use record::{Mount, SecretNames, VolumeRecord};
pub use store::{NodeRecord, Refused};
