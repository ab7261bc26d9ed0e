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

/// Kills this process when it comes to the step that `FLEX2CSI_DIE_AT` names, as
/// `delete.after`, or `delete.after:17` for the seventeenth time. `FLEX2CSI_PAUSE_AT`
/// has it stopped there, until somebody has it continue.
#[cfg(debug_assertions)]
pub(super) fn at(step: &str, side: &str) {
    use std::sync::OnceLock;

    use rustix::process::Signal;

    use crate::fault_points::{DIE_AT, PAUSE_AT};

    debug_assert!(
        STEPS.contains(&step) || PIN_STEPS.contains(&step),
        "{step} is no step"
    );
    static ASKED: OnceLock<Vec<Asked>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| {
        let all = [(DIE_AT, Signal::KILL), (PAUSE_AT, Signal::STOP)];
        let asked = all
            .into_iter()
            .filter_map(|(variable, signal)| Asked::read(&std::env::var(variable).ok()?, signal));
        asked.collect()
    });
    for asked in asked {
        if asked.is_now(step, side) {
            let itself = rustix::process::getpid();
            // As `kill -9` does it: nothing of ours runs any more.
            let _ = rustix::process::kill_process(itself, asked.signal);
        }
    }
}

/// What happens where.
#[cfg(debug_assertions)]
struct Asked {
    step: String,
    side: String,
    count: u32,
    seen: std::sync::atomic::AtomicU32,
    signal: rustix::process::Signal,
}

#[cfg(debug_assertions)]
impl Asked {
    fn read(text: &str, signal: rustix::process::Signal) -> Option<Self> {
        let (at, count) = text.split_once(':').unwrap_or((text, "1"));
        let (step, side) = at.split_once('.')?;
        Some(Self {
            step: step.to_owned(),
            side: side.to_owned(),
            count: count.parse().ok()?,
            seen: std::sync::atomic::AtomicU32::new(0),
            signal,
        })
    }

    fn is_now(&self, step: &str, side: &str) -> bool {
        let ordering = std::sync::atomic::Ordering::Relaxed;
        self.step == step && self.side == side && self.seen.fetch_add(1, ordering) + 1 == self.count
    }
}

/// Comes to a step.
#[cfg(not(debug_assertions))]
pub(super) fn at(_: &str, _: &str) {}
