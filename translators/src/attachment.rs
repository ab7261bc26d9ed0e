//! Attachments of translated volumes: what they are called, what stands in them,
//! and when one may go. Decided here, done by the node daemon and the controller.

mod inline_spec;
mod names;
mod release;
mod volume_name;

pub use inline_spec::inline_volume_spec;
pub use names::{attachment_name, lease_name, shared_lease_name, spec_digest};
pub use release::{Decision, Keep, Node, NodeSays, Reason, Seen, State, decide, frees_lease};
pub use volume_name::{unique_name_of, unique_volume_name};

/// How many renewals a node may miss before what it published counts no more.
pub const RENEWALS_MISSED: u32 = 3;

/// Whether what a node published counts, by the clocks of the node and of the
/// reader. One that is as far ahead as behind counts as little: nobody could tell
/// when its node falls silent.
#[must_use]
pub fn is_fresh(renewed_millis: i64, now_millis: i64, renewal_seconds: u32) -> bool {
    let allowed = u64::from(renewal_seconds) * u64::from(RENEWALS_MISSED) * 1000;
    renewed_millis.abs_diff(now_millis) <= allowed
}

#[cfg(test)]
mod tests {
    use super::is_fresh;

    #[test]
    fn three_renewals_may_be_missed() {
        assert!(is_fresh(0, 90_000, 30));
        assert!(!is_fresh(0, 90_001, 30));
    }

    #[test]
    fn a_clock_far_ahead_is_not_trusted() {
        assert!(is_fresh(90_000, 0, 30));
        assert!(!is_fresh(90_001, 0, 30));
        assert!(!is_fresh(i64::MAX, i64::MIN, u32::MAX));
    }
}
