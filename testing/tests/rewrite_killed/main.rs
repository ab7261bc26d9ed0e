//! `flex2csi rewrite` and `rollback` are killed, again and again, while everything
//! around them fails, too: nothing is ever lost, and the next one goes on.
//!
//! By default a sample, which `FLEX2CSI_TEST_SEED` decides: the kills of each test
//! are at another point with another seed. `FLEX2CSI_TEST_KILLS=full` is the whole:
//! a thousand volumes, each step boundary in both directions, 200 instants.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "what was done, for who reads it")]

mod journey;
mod moments;
mod pauses;
mod second;
mod steps;
mod troubles;

/// How much of it is done.
struct Scale {
    pairs: usize,
    /// Kills at step boundaries; all of them if there are not as many.
    steps: usize,
    /// Kills at instants.
    moments: usize,
    /// Steps at which one is paused.
    pauses: usize,
    /// Second rewrites that are turned round in the middle.
    turns: usize,
}

impl Scale {
    fn from_env() -> Self {
        let number = |variable: &str, otherwise| {
            let given = std::env::var(variable).ok();
            given
                .and_then(|text| text.parse().ok())
                .unwrap_or(otherwise)
        };
        let is_full = std::env::var("FLEX2CSI_TEST_KILLS").is_ok_and(|kills| kills == "full");
        let (pairs, steps, moments, pauses, turns) = if is_full {
            (1000, usize::MAX, 200, usize::MAX, usize::MAX)
        } else {
            (96, 12, 12, 2, 2)
        };
        Self {
            pairs: number("FLEX2CSI_TEST_PAIRS", pairs),
            steps: number("FLEX2CSI_TEST_STEPS", steps),
            moments: number("FLEX2CSI_TEST_MOMENTS", moments),
            pauses: number("FLEX2CSI_TEST_PAUSES", pauses),
            turns: number("FLEX2CSI_TEST_TURNS", turns),
        }
    }
}
