//! Many objects, several at a time.

use std::sync::Arc;
use std::time::Duration;

use flex2csi_translators::rewrite::{Direction, StopCode};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::RunArgs;
use super::display::Display;
pub use super::display::line;
use super::rewriter::{Job, Rewriter};
use crate::exit::Done;
use crate::rewrite::{Finished, Stopped};

/// How often it is told what is Lost.
const NEWS: Duration = Duration::from_millis(250);

/// What became of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Brought where they were to be.
    pub done: usize,
    /// Were there already.
    pub were_done: usize,
    /// Not brought there, for a reason of their own.
    pub failed: usize,
    /// Another process has them.
    pub elsewhere: usize,
    /// Not begun, or let go before anything was deleted, since all was to stop.
    pub left: usize,
}

impl Tally {
    /// Adds up.
    pub fn add(&mut self, other: Self) {
        self.done += other.done;
        self.were_done += other.were_done;
        self.failed += other.failed;
        self.elsewhere += other.elsewhere;
        self.left += other.left;
    }

    /// For the exit code.
    pub fn ended(self) -> Done {
        match self.failed + self.elsewhere + self.left {
            0 => Done::All,
            _ => Done::Some,
        }
    }

    /// In one line, and what to do next.
    pub fn say(self, verb: &str) {
        let mut parts = vec![format!("{} done", self.done)];
        let more = [
            (self.were_done, "done before"),
            (self.failed, "failed"),
            (self.elsewhere, "being worked on by another process"),
            (self.left, "left as they are"),
        ];
        let more = more.iter().filter(|(count, _)| *count > 0);
        parts.extend(more.map(|(count, what)| format!("{count} {what}")));
        line(&format!("{verb}: {}", parts.join(", ")));
        if self.ended() == Done::Some {
            line(&format!(
                "Next: `flex2csi status`; what is named above may need you. Then `flex2csi {verb}` \
                 once more: it goes on from where it is."
            ));
        }
    }
}

/// Says what is not as it should be with how it was called.
pub fn warn(run: &RunArgs) {
    if run.is_one_of_many() {
        line(
            "warning: this is a pod of an Indexed Job and takes all objects, as the others do; that is \
             safe, and slow: give --shards with the number of `completions`",
        );
    }
}

/// Says it when all is to stop.
pub fn tell_of_stop(stop: &CancellationToken) {
    let stop = stop.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        line(
            "stopping: what is past its point of no return is finished, nothing new is begun; \
             once more ends at once, and can be gone on from too",
        );
    });
}

/// Does all. One that fails stops no other, until there are too many.
pub async fn all(
    rewriter: &Arc<Rewriter>,
    jobs: Vec<Job>,
    run: &RunArgs,
    stop: &CancellationToken,
) -> Tally {
    let (total, mut number) = (jobs.len(), 0);
    let mut tally = Tally::default();
    let limit = run.limit();
    let display = Display::begin(total, rewriter.lost());
    let mut news = tokio::time::interval(NEWS);
    let mut jobs = jobs.into_iter();
    let mut under_way = JoinSet::new();
    loop {
        let reached = limit.reached(tally.failed, number);
        let may_begin = !stop.is_cancelled() && reached.is_none();
        // While some are replaced others are made ready, but one alone is one alone.
        let most = match run.parallel.get() {
            1 => 1,
            _ => rewriter.depth(),
        };
        while may_begin && under_way.len() < most {
            let Some(job) = jobs.next() else { break };
            let rewriter = Arc::clone(rewriter);
            under_way.spawn(async move {
                let subject = job.subject();
                (subject, rewriter.work(job).await)
            });
        }
        let ended = tokio::select! {
            ended = under_way.join_next() => ended,
            _ = news.tick() => {
                display.tell(tally.failed);
                continue;
            }
        };
        let Some(ended) = ended else { break };
        number += 1;
        match ended {
            Ok((subject, result)) => {
                let is_well = result
                    .as_ref()
                    .is_ok_and(|finished| !finished.policy_is_due);
                let said = tally.take(result);
                if display.is_log() || !is_well {
                    line(&format!("{number}/{total} {subject}: {said}"));
                }
            }
            Err(error) => {
                tally.failed += 1;
                line(&format!("{number}/{total} failed: {error}"));
            }
        }
        display.ended(number, tally.failed);
    }
    drop(display);
    let left = jobs.count();
    if let Some(reached) = limit.reached(tally.failed, number).filter(|_| left > 0) {
        line(&format!("stopped after {reached}; {left} not begun"));
    }
    tally.left += left;
    tally
}

impl Tally {
    fn take(&mut self, result: anyhow::Result<Finished>) -> String {
        match result {
            Ok(finished) => {
                if finished.was_done {
                    self.were_done += 1;
                } else {
                    self.done += 1;
                }
                words(&finished)
            }
            Err(error) => match error.downcast_ref::<Stopped>() {
                Some(Stopped::Held { .. } | Stopped::Taken { .. }) => {
                    self.elsewhere += 1;
                    format!("left alone: {error}")
                }
                Some(Stopped::World(stop)) if stop.code == StopCode::Gone => {
                    format!("skipped: {error}")
                }
                Some(Stopped::Cancelled { .. }) => {
                    self.left += 1;
                    "left as it is".to_owned()
                }
                _ => {
                    self.failed += 1;
                    format!("failed: {error:#}")
                }
            },
        }
    }
}

fn words(finished: &Finished) -> String {
    let what = match (finished.direction, finished.was_done) {
        (Direction::Forward, false) => "rewritten",
        (Direction::Forward, true) => "was rewritten before",
        (Direction::Back, false) => "its original is back",
        (Direction::Back, true) => "its original was back before",
    };
    let due = match finished.policy_is_due {
        true => {
            "; its policy stays Retain until the pods that use it are gone: run this again then"
        }
        false => "",
    };
    format!("{what} ({:.1} s){due}", finished.took.as_secs_f64())
}
