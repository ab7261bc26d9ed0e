//! Where tests have the rewriter killed: before and after each call that writes. In
//! release builds there are none.

/// The steps of a rewrite, in their order; each has a `.before` and an `.after`.
/// `direction` is only come to on the way back, or forward once more, and `takeover`
/// only with another's record.
pub const STEPS: [&str; 11] = [
    "record",
    "takeover",
    "direction",
    "mark",
    "commit",
    "delete",
    "release",
    "create",
    "poke",
    "settle",
    "finish",
];

/// Those of a volume that is pinned under its pods.
pub const PIN_STEPS: [&str; 2] = ["pin", "unpin"];

/// Kills this process when it comes to the step of this name: as `delete.after`,
/// or `delete.after:17` for the seventeenth time.
#[cfg(debug_assertions)]
pub(super) fn at(step: &str, side: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    debug_assert!(
        STEPS.contains(&step) || PIN_STEPS.contains(&step),
        "{step} is no step"
    );
    static ASKED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static SEEN: AtomicU32 = AtomicU32::new(0);
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var(crate::fault_points::DIE_AT).ok()?;
        Some(match asked.split_once(':') {
            Some((step, count)) => (step.to_owned(), count.parse().unwrap_or(1)),
            None => (asked, 1),
        })
    });
    let Some((asked, count)) = asked else {
        return;
    };
    let is_it = asked.split_once('.') == Some((step, side));
    if is_it && SEEN.fetch_add(1, Ordering::Relaxed) + 1 == *count {
        let itself = rustix::process::getpid();
        // As `kill -9` does it: nothing of ours runs any more.
        let _ = rustix::process::kill_process(itself, rustix::process::Signal::KILL);
    }
}

/// Comes to a step.
#[cfg(not(debug_assertions))]
pub(super) fn at(_: &str, _: &str) {}
