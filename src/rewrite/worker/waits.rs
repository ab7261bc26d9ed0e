//! Waiting for others.

use std::time::Duration;

use flex2csi_translators::rewrite::{Awaited, View};
use tokio::time::Instant;

use super::Worker;
use crate::rewrite::api::Api;
use crate::rewrite::backoff::Backoff;
use crate::rewrite::stopped::Stopped;

/// After this time the controller may have overlooked a change of a claim. One that is only
/// slow is slower for each further change, which has what it was about to write refused: the
/// next comes after twice that time.
const OVERLOOKED: Duration = Duration::from_millis(700);

/// How often that is doubled.
const MOST_DOUBLED: u32 = 4;

impl<A: Api> Worker<'_, A> {
    /// Gives a sign of life, if the last one was a while ago.
    pub(super) async fn renew(&mut self) -> Result<(), Stopped> {
        if self.written.elapsed() >= self.line.options.stale_after / 3 {
            self.journal(self.record.status.clone()).await?;
            self.is_fresh = false;
        }
        Ok(())
    }

    pub(super) async fn wait(&mut self, awaited: Awaited) -> Result<(), Stopped> {
        let (since, longest) = match &mut self.waiting {
            Some((reason, since, backoff)) if *reason == awaited => (*since, backoff.next()),
            _ => {
                let mut backoff = Backoff::look();
                let longest = backoff.next();
                let now = Instant::now();
                self.waiting = Some((awaited, now, backoff));
                (now, longest)
            }
        };
        let waited = since.elapsed();
        if waited >= self.line.options.patience_for(awaited) {
            return Err(Stopped::Waited {
                subject: self.line.subject(),
                awaited,
                waited,
            });
        }
        self.renew().await?;
        let claim = self.claim_place().filter(|_| awaited == Awaited::Claim);
        let (place, known) = match claim {
            Some(claim) => (claim, &self.world.claim),
            None => (self.place(), &self.world.object),
        };
        let known = known.as_ref().map_or("", |known| View(known).version());
        let longest = longest.max(self.line.pace());
        let is_told = self.is_told(&place, known, longest).await;
        self.world.used = None;
        // What is told is enough for what comes next: see `next`.
        if is_told {
            self.catch_up();
        } else {
            match awaited {
                Awaited::Claim => self.observe_claim().await?,
                _ => self.observe().await?,
            }
        }
        if awaited == Awaited::Claim {
            let doubled = self.pokes.saturating_sub(1).min(MOST_DOUBLED);
            self.world.overlooked = self.poked.elapsed() >= OVERLOOKED * 2u32.pow(doubled);
        }
        Ok(())
    }
}
