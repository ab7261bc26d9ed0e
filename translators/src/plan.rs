//! What can be done about a legacy object of a live cluster, and why: from what
//! was found out about it to a verdict. Pure: whoever asks the cluster fills in
//! the facts.

mod class;
mod code;
mod effect;
mod finding;
mod ownership;
mod shim;
mod target;
mod vendor;
mod volume;
mod workload;

pub use class::ClassFacts;
pub use code::FindingCode;
pub use effect::Effect;
pub use finding::{Finding, Verdict, VerdictKind};
pub use ownership::{KnownFinalizer, Ownership, gitops_owner};
pub use shim::{Mount, MountState, Shim};
pub use target::{DriverFacts, OtherSnapshots, SecretState, TargetFacts};
pub use vendor::VendorController;
pub use volume::{
    AttributesClass, ClaimFacts, ClaimState, Evidence, Phase, PodPhase, PodUse, VolumeFacts,
};
pub use workload::{Restart, Workload, WorkloadFacts};
