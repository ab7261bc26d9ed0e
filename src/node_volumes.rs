//! NodeVolumes: what of the volumes in legacy form is mounted on each node, and by
//! whom. The rewriter and `flex2csi controller` go by it, since nothing else in
//! the cluster tells what FlexVolume has mounted.
//!
//! Its fields stand beside the metadata, as a Lease's do not and a CSINode's
//! might: nothing of it is wished by anybody, so there is no `spec`, and without
//! one a `status` with requests of its own would only make two writes of one.

mod object;
mod publish;

pub use object::{Counts, NodeVolumes, OriginalEntry, ShimEntry, State, node_volumes};
pub use publish::{Entry, Mounted, Settings, publish};
