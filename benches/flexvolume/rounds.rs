//! The three lanes, in turn within each round, so that what else the machine does hits
//! all alike.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::rig::Rig;

/// The most volumes at once.
pub const MOST: usize = 32;

/// What does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Plain CSI calls.
    Csi,
    /// What the door cannot do without.
    Floor,
    /// The exec binary and the node daemon.
    Door,
}

const LANES: [Lane; 3] = [Lane::Csi, Lane::Floor, Lane::Door];

/// How they are measured.
pub struct Rounds<'a> {
    pub rig: &'a Rig,
    /// How many volumes at once.
    pub at_once: usize,
    pub rounds: usize,
}

/// What a lane took in a round.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    mount: Duration,
    unmount: Duration,
}

/// Milliseconds.
pub fn mount(took: Took) -> f64 {
    took.mount.as_secs_f64() * 1e3
}

/// Milliseconds.
pub fn unmount(took: Took) -> f64 {
    took.unmount.as_secs_f64() * 1e3
}

/// Milliseconds.
pub fn both(took: Took) -> f64 {
    mount(took) + unmount(took)
}

/// Each round's, in the order of the lanes.
pub struct Figures(Vec<[Took; 3]>);

impl Figures {
    fn rounds(&self, figure: impl Fn([Took; 3]) -> f64) -> f64 {
        let mut all: Vec<f64> = self.0.iter().map(|round| figure(*round)).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The median of a lane (milliseconds).
    pub fn median(&self, lane: Lane, of: fn(Took) -> f64) -> f64 {
        self.rounds(|round| of(round[lane as usize]))
    }

    /// The door against plain CSI.
    pub fn to_csi(&self, of: fn(Took) -> f64) -> f64 {
        self.rounds(|[csi, _, door]| of(door) / of(csi))
    }

    /// Plain CSI and the floor, against plain CSI: what the door could be at best.
    pub fn least_to_csi(&self, of: fn(Took) -> f64) -> f64 {
        self.rounds(|[csi, floor, _]| (of(csi) + of(floor)) / of(csi))
    }

    /// The door against what it could be at best.
    pub fn to_least(&self, of: fn(Took) -> f64) -> f64 {
        self.rounds(|[csi, floor, door]| of(door) / (of(csi) + of(floor)))
    }
}

impl Rounds<'_> {
    /// One lane after the other, so many rounds.
    pub async fn measure(&self) -> anyhow::Result<Figures> {
        let mut figures = Vec::new();
        for round in 0..=self.rounds {
            let mut took = [Took::default(); 3];
            for turn in 0..LANES.len() {
                let lane = LANES[(turn + round) % LANES.len()];
                took[lane as usize] = self.once(lane).await?;
            }
            // The first is to warm up.
            if round > 0 {
                figures.push(took);
            }
        }
        Ok(Figures(figures))
    }

    async fn once(&self, lane: Lane) -> anyhow::Result<Took> {
        for volume in 0..self.at_once {
            self.rig.prepare(lane, volume)?;
        }
        let mount = self.at_once(lane, true).await?;
        for volume in 0..self.at_once {
            self.rig.check(lane, volume)?;
        }
        let unmount = self.at_once(lane, false).await?;
        for volume in 0..self.at_once {
            self.rig.clear(lane, volume)?;
        }
        Ok(Took { mount, unmount })
    }

    async fn at_once(&self, lane: Lane, is_mount: bool) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut calls = JoinSet::new();
        for volume in 0..self.at_once {
            match is_mount {
                true => calls.spawn(self.rig.mount(lane, volume)),
                false => calls.spawn(self.rig.unmount(lane, volume)),
            };
        }
        while let Some(done) = calls.join_next().await {
            done??;
        }
        Ok(begun.elapsed())
    }
}
