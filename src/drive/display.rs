//! What is said while objects are under way: a line for each in a log, and on a
//! terminal a display of how far all is, above which only what went wrong is said.

use std::collections::HashSet;
use std::io::{IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the display is drawn, a second.
const RATE: u8 = 10;

/// The display that is on the terminal, since whoever says something has to make
/// room for it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// The objects whose claims are Lost at this moment.
#[derive(Debug, Default)]
pub struct Lost(Mutex<HashSet<String>>);

impl Lost {
    /// Takes note of how things are with an object, by the name of its record.
    pub fn seen(&self, name: &str, is_lost: bool) {
        let mut lost = guard(&self.0);
        if is_lost {
            lost.insert(name.to_owned());
        } else {
            lost.remove(name);
        }
    }

    /// How many there are.
    pub fn now(&self) -> usize {
        guard(&self.0).len()
    }
}

/// How far all is.
#[derive(Debug)]
pub struct Display {
    bar: Option<ProgressBar>,
    lost: Arc<Lost>,
}

impl Display {
    /// Begins, with so many objects to come. Only a terminal gets a display.
    pub fn begin(total: usize, lost: Arc<Lost>) -> Self {
        let is_wanted = std::io::stderr().is_terminal()
            && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        let bar = is_wanted.then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(RATE);
            let bar = ProgressBar::with_draw_target(u64::try_from(total).ok(), target);
            bar.set_style(style());
            bar.enable_steady_tick(Duration::from_secs(1) / RATE.into());
            bar
        });
        guard(&SHOWN).clone_from(&bar);
        Self { bar, lost }
    }

    /// Whether lines about what went well are wanted.
    pub fn is_log(&self) -> bool {
        self.bar.is_none()
    }

    /// So many have ended, so many of them failed.
    pub fn ended(&self, ended: usize, failed: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(ended as u64);
            self.tell(failed);
        }
    }

    /// Says how many failed, and how many claims are Lost now.
    pub fn tell(&self, failed: usize) {
        if let Some(bar) = &self.bar {
            let lost = self.lost.now();
            bar.set_message(format!("{failed} failed, {lost} Lost now"));
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            *guard(&SHOWN) = None;
        }
    }
}

fn style() -> ProgressStyle {
    const DONE: &str = "{spinner} {pos}/{len} [{bar:20}] {msg}, {per_sec}, {eta} left";
    // A template that cannot be read leaves indicatif's own.
    ProgressStyle::with_template(DONE)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key(
            "per_sec",
            |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                // Who does not listen is not told.
                let _ = write!(out, "{:.1}/s", state.per_sec());
            },
        )
        .progress_chars("=> ")
}

/// A line of the log.
pub fn line(text: &str) {
    let write = || {
        // Who does not listen is not told.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    };
    let shown = guard(&SHOWN).clone();
    match shown {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

fn guard<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole values, whoever panicked.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_lost_until_it_is_bound_again() {
        let lost = Lost::default();
        lost.seen("a", true);
        lost.seen("a", true);
        lost.seen("b", true);
        assert_eq!(lost.now(), 2);
        lost.seen("a", false);
        assert_eq!(lost.now(), 1);
    }

    #[test]
    fn the_template_can_be_read() {
        let bar = ProgressBar::with_draw_target(Some(10), ProgressDrawTarget::hidden());
        bar.set_style(style());
        bar.set_position(3);
        assert_eq!(bar.length(), Some(10));
    }
}
