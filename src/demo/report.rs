//! What is shown: each step as it happens, with its time.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use crate::exit;

/// Where the times stand, in columns.
const WIDTH: usize = 96;

/// Standard output, and since when.
#[derive(Debug)]
pub(super) struct Report {
    started: Instant,
    steps: usize,
}

impl Report {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            steps: 0,
        }
    }

    /// What comes now.
    pub fn chapter(&self, title: &str) -> anyhow::Result<()> {
        line(&format!("\n{title}"))
    }

    /// Something to know.
    pub fn say(&self, text: &str) -> anyhow::Result<()> {
        line(text)
    }

    /// Does a step, and shows it: what it is called, what came out, how long it took.
    ///
    /// # Errors
    /// The step failed; that is shown too.
    pub async fn step(
        &mut self,
        name: &str,
        step: impl Future<Output = anyhow::Result<String>>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let done = step.await;
        let time = shown(started.elapsed());
        self.steps += 1;
        match done {
            Ok(outcome) => line(&row("ok", name, &outcome, &time)),
            Err(error) => {
                line(&row("FAILED", name, "", &time))?;
                Err(error.context(format!("the step `{name}` failed")))
            }
        }
    }

    /// How it ended.
    pub fn end(&self) -> anyhow::Result<()> {
        let time = shown(self.started.elapsed());
        line(&format!(
            "\n{} steps in {time}, and nothing is left behind.",
            self.steps
        ))
    }
}

fn row(mark: &str, name: &str, outcome: &str, time: &str) -> String {
    let text = format!("  {mark:<6} {name:<42} {outcome}");
    format!("{text:<WIDTH$} {time:>9}")
}

fn shown(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        ..10.0 => format!("{millis:.1} ms"),
        10.0..1000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1e3),
    }
}

fn line(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", text.trim_end()).map_err(exit::output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (micros, expected) in [(1_234, "1.2 ms"), (45_678, "46 ms"), (1_234_567, "1.2 s")] {
            assert_eq!(shown(Duration::from_micros(micros)), expected);
        }
    }

    #[test]
    fn rows_stand_below_each_other() {
        let one = row("ok", "mount", "done", "1.2 ms");
        let other = row("FAILED", "unmount", "", "46 ms");
        assert_eq!((one.len(), other.len()), (WIDTH + 10, WIDTH + 10));
    }
}
