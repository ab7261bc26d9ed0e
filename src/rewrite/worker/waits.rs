//! Waiting for others.

use std::time::Duration;

use flex2csi_translators::rewrite::Awaited;
use tokio::time::Instant;

use super::Worker;
use crate::rewrite::api::Api;
use crate::rewrite::backoff::Backoff;
use crate::rewrite::stopped::Stopped;

/// After this time the controller has overlooked a change of a claim.
const OVERLOOKED: Duration = Duration::from_millis(700);

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
        let place = match awaited {
            Awaited::Claim => self.claim_place().unwrap_or_else(|| self.place()),
            _ => self.place(),
        };
        let longest = longest.max(self.line.pace());
        self.line.api.moved(&place, awaited, longest).await;
        self.world.used = None;
        match awaited {
            Awaited::Claim => {
                self.observe_claim().await?;
                self.world.overlooked = self.poked.elapsed() >= OVERLOOKED;
            }
            Awaited::Deleter
            | Awaited::Pin
            | Awaited::Kubelet
            | Awaited::Unpinned
            | Awaited::Rest => self.observe().await?,
            Awaited::Gone | Awaited::Volume => self.observe_object().await?,
        }
        Ok(())
    }
}
