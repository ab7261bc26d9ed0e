//! Carries out what the protocol says, until it says that there is nothing to do.

mod calls;
mod looks;
mod waits;

use std::time::Duration;

use flex2csi_translators::rewrite::{
    Action, Awaited, Direction, Look, Record, Step, View, World, names, next,
};
use tokio::time::Instant;

use super::api::{Api, Resource, Sight};
use super::backoff::Backoff;
use super::begin::Start;
use super::events;
use super::line::Line;
use super::options::Options;
use super::stopped::{Finished, Stopped};
use crate::journal;

/// An answer to who uses an object is good for so long after it came: what is deleted is
/// not to be in use by then. Who answers may have kept it for one second.
const FRESH: Duration = Duration::from_secs(2);

/// Brings an object where it is to be, and tells about it.
pub(super) async fn run<A: Api>(
    api: &A,
    options: &Options,
    start: Start,
    goal: Direction,
) -> Result<Finished, Stopped> {
    run_as_seen(api, options, start, goal, World::default()).await
}

/// The same, where something of the world was seen already.
pub(super) async fn run_as_seen<A: Api>(
    api: &A,
    options: &Options,
    start: Start,
    goal: Direction,
    world: World,
) -> Result<Finished, Stopped> {
    let began = Instant::now();
    let mut line = Line::new(api, options, start.record.subject());
    line.knows(&start.record.spec);
    let mut worker = Worker {
        line,
        record: start.record,
        version: start.version,
        world,
        goal,
        waiting: None,
        poked: began,
        pokes: 0,
        written: began,
        is_armed: false,
        is_fresh: false,
        is_confirmed: false,
        owned: None,
        confirmed: None,
        is_unrecorded: false,
        looked: None,
        was_done: true,
        has_marked: false,
    };
    let result = worker.go().await;
    match &result {
        Err(Stopped::Taken { .. }) => {
            worker.unmark().await;
            worker.abandon_pins().await;
        }
        Err(_) => worker.abandon_pins().await,
        Ok(()) => {}
    }
    let (record, object) = (&worker.record, worker.world.object.as_ref());
    match result {
        Ok(()) => {
            if !worker.was_done {
                events::tell(api, record, object, goal, None).await;
            }
            Ok(Finished {
                kind: record.spec.kind,
                name: record.spec.name.clone(),
                direction: goal,
                uid: object.map_or("", |object| View(object).uid()).to_owned(),
                was_done: worker.was_done,
                policy_is_due: object
                    .is_some_and(|object| View(object).annotation(names::POLICY).is_some()),
                took: began.elapsed(),
            })
        }
        Err(stopped) => {
            if stopped.trouble().is_some() {
                events::tell(api, record, object, goal, Some(&stopped)).await;
                worker.keep_trouble(&stopped).await;
            }
            Err(stopped)
        }
    }
}

/// What was seen so long ago at most was seen right before.
const RECENT: Duration = Duration::from_secs(1);

pub(super) struct Worker<'a, A> {
    pub(super) line: Line<'a, A>,
    pub(super) record: Record,
    /// The record's resourceVersion as we know it.
    version: String,
    pub(super) world: World,
    goal: Direction,
    /// What is waited for, since when, and how long until the next look.
    waiting: Option<(Awaited, Instant, Backoff)>,
    /// When the claim was last changed, and how often it was.
    poked: Instant,
    pokes: u32,
    /// When the record was last written.
    written: Instant,
    /// Whether something hangs on its pins.
    pub(super) is_armed: bool,
    /// Whether the last thing done was to write the record: it is ours, then.
    is_fresh: bool,
    /// Whether the record was ours when it was last read, and nothing was done since but to
    /// look who uses the object.
    is_confirmed: bool,
    /// When what the server last answered, that the record is ours, was asked.
    owned: Option<Instant>,
    /// When record and claim were last asked for, if the last thing done was to take
    /// finalizers off, and that came to it.
    confirmed: Option<Instant>,
    /// Whether there is no kind any more of which a record could be, in the gap.
    is_unrecorded: bool,
    /// When it was last asked who uses the object, and how long the answer took.
    looked: Option<(Instant, Duration)>,
    was_done: bool,
    /// Whether the object that is there was marked by this process.
    has_marked: bool,
}

impl<A: Api> Worker<'_, A> {
    async fn go(&mut self) -> Result<(), Stopped> {
        if !self.is_seen() {
            self.observe().await?;
        }
        loop {
            let action = next(&self.record, &self.world, self.goal);
            self.show(&action);
            if action == Action::Done {
                return Ok(());
            }
            self.may_go_on()?;
            // One that is made again and again is waited for as a whole.
            let goes_on = matches!(
                action,
                Action::Wait(_)
                    | Action::Look(_)
                    | Action::AskUse
                    | Action::AskPins
                    | Action::Pin(_)
                    | Action::Try(_)
            );
            if !goes_on {
                self.waiting = None;
            }
            let is_fresh = std::mem::take(&mut self.is_fresh);
            let confirmed = self.confirmed.take();
            let only_asks = matches!(
                action,
                Action::AskUse | Action::AskPins | Action::Delete { .. }
            );
            self.is_confirmed &= only_asks;
            let only_looks = matches!(
                action,
                Action::Wait(_)
                    | Action::Look(_)
                    | Action::AskUse
                    | Action::AskPins
                    | Action::Stop(_)
            );
            if !only_looks {
                self.was_done = false;
            }
            match action {
                Action::Journal(status) => self.journal(*status).await?,
                Action::Patch(change, patch) => self.patch(change, patch).await?,
                Action::PatchClaim(patch) => self.patch_claim(patch).await?,
                Action::AskUse => self.ask_use().await?,
                Action::AskPins => self.ask_pins().await?,
                Action::Pin(call) => self.pin(call).await?,
                Action::Try(body) => self.check(body).await?,
                Action::Delete { uid, version } => {
                    let action = Action::Delete {
                        uid: uid.clone(),
                        version: version.clone(),
                    };
                    let is_known = is_fresh || std::mem::take(&mut self.is_confirmed);
                    let is_ours = is_known || self.confirm(&action).await?;
                    if is_ours && self.is_old() {
                        self.is_confirmed = true;
                        self.forget_use();
                    } else if is_ours {
                        self.delete(&uid, &version).await?;
                    }
                }
                Action::Create(body) => {
                    // By a clock that goes on while the process is stopped.
                    // Of what has no claim the record says all.
                    let owned = self.owned.filter(|_| self.record.spec.claim.is_none());
                    let asked = confirmed.or(owned);
                    let is_known = asked.is_some_and(|asked| asked.elapsed() < RECENT);
                    if is_known || self.confirm(&Action::Create(body.clone())).await? {
                        self.create(body).await?;
                    }
                }
                Action::Wait(awaited) => self.wait(awaited).await?,
                Action::Look(Look::All) => self.observe().await?,
                Action::Look(Look::Claim) => self.observe_claim().await?,
                Action::Stop(stop) => return Err(stop.into()),
                Action::Done => return Ok(()),
            }
        }
    }

    /// Whether it was too long ago that it was asked who uses the object.
    fn is_old(&self) -> bool {
        let is_old = |(began, took): (Instant, Duration)| began.elapsed() > took + FRESH;
        self.world.used.is_some() && self.looked.is_none_or(is_old)
    }

    /// Whether all was seen that is looked at.
    fn is_seen(&self) -> bool {
        let needs_claim = self.record.spec.claim.is_some();
        self.world.object.is_some() && (self.world.claim.is_some() || !needs_claim)
    }

    fn show(&self, action: &Action) {
        let claim = self.world.claim.as_ref().map(View);
        self.line.api.seen(&Sight {
            kind: self.record.spec.kind,
            name: &self.record.spec.name,
            is_there: self.world.object.is_some(),
            claim: claim.map_or("", View::phase),
            next: action,
        });
    }

    /// What is past its point of no return is finished.
    fn may_go_on(&self) -> Result<(), Stopped> {
        let is_committed = self.record.status.step == Step::Committed;
        if self.line.options.cancel.is_cancelled() && !is_committed && !self.is_armed {
            let subject = self.line.subject();
            return Err(Stopped::Cancelled { subject });
        }
        Ok(())
    }

    /// Leaves in the record why it is not done. Who has taken it over knows better; and
    /// what is done stays so, even if it cannot be undone now.
    async fn keep_trouble(&mut self, stopped: &Stopped) {
        let Some(trouble) = stopped.trouble() else {
            return;
        };
        if self.record.status.step == Step::Done {
            return;
        }
        let status = self.record.status.clone();
        let patch = journal::status(&self.record, &status, &self.version, Some(&trouble));
        let place = self.record_place(Resource::MigrationStatus);
        if let Err(stopped) = self.line.patch(place, patch).await {
            tracing::debug!(%stopped, "the record does not say why");
        }
    }
}
