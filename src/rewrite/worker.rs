//! Carries out what the protocol says, until it says that there is nothing to do.

use std::time::Duration;

use flex2csi_translators::rewrite::{
    Action, Awaited, Change, Direction, Record, Status, Step, View, World, names, next,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{Api, Call, Place, Resource, Sight, Verb};
use super::backoff::Backoff;
use super::begin::{Start, not_whole, place};
use super::line::{Answer, Line};
use super::options::Options;
use super::stopped::{Finished, Stopped};
use super::used::Subject;
use super::{events, fault, pins};
use crate::journal::{self, Document};

/// After this time the controller has overlooked a change of a claim.
const OVERLOOKED: Duration = Duration::from_millis(700);

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
    let line = Line::new(api, options, start.record.subject());
    let mut worker = Worker {
        line,
        record: start.record,
        version: start.version,
        world,
        goal,
        waiting: None,
        poked: began,
        written: began,
        is_armed: false,
        is_fresh: false,
        was_done: true,
        has_marked: false,
    };
    let result = worker.go().await;
    match &result {
        Err(Stopped::Taken { .. }) => worker.unmark().await,
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

pub(super) struct Worker<'a, A> {
    pub(super) line: Line<'a, A>,
    pub(super) record: Record,
    /// The record's resourceVersion as we know it.
    version: String,
    pub(super) world: World,
    goal: Direction,
    /// What is waited for, since when, and how long until the next look.
    waiting: Option<(Awaited, Instant, Backoff)>,
    /// When the claim was last changed.
    poked: Instant,
    /// When the record was last written.
    written: Instant,
    /// Whether something hangs on its pins.
    pub(super) is_armed: bool,
    /// Whether the last thing done was to write the record: it is ours, then.
    is_fresh: bool,
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
                    | Action::AskUse
                    | Action::AskPins
                    | Action::Pin(_)
                    | Action::Try(_)
            );
            if !goes_on {
                self.waiting = None;
            }
            let is_fresh = std::mem::take(&mut self.is_fresh);
            let only_looks = matches!(
                action,
                Action::Wait(_) | Action::AskUse | Action::AskPins | Action::Stop(_)
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
                    if is_fresh || self.confirm(&action).await? {
                        self.delete(&uid, &version).await?;
                    }
                }
                Action::Create(body) => {
                    if self.confirm(&Action::Create(body.clone())).await? {
                        self.create(body).await?;
                    }
                }
                Action::Wait(awaited) => self.wait(awaited).await?,
                Action::Stop(stop) => return Err(stop.into()),
                Action::Done => return Ok(()),
            }
        }
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

    fn place(&self) -> Place {
        Place::of_cluster(self.record.spec.kind.into(), &self.record.spec.name)
    }

    fn record_place(&self, resource: Resource) -> Place {
        place(self.record.spec.kind, &self.record.spec.name, resource)
    }

    fn claim_place(&self) -> Option<Place> {
        let claim = self.record.spec.claim.as_ref()?;
        Some(Place {
            resource: Resource::Claim,
            namespace: claim.namespace.clone(),
            name: claim.name.clone(),
        })
    }

    pub(super) async fn observe(&mut self) -> Result<(), Stopped> {
        self.world.used = None;
        self.world.pins = None;
        let Some(claim) = self.claim_place() else {
            return self.observe_object().await;
        };
        let (object, claim) = self.line.get_both(&self.place(), &claim).await?;
        (self.world.object, self.world.claim) = (object, claim);
        Ok(())
    }

    async fn observe_object(&mut self) -> Result<(), Stopped> {
        let place = self.place();
        self.world.object = self.line.get(&place).await?;
        Ok(())
    }

    async fn observe_claim(&mut self) -> Result<(), Stopped> {
        if let Some(place) = self.claim_place() {
            self.world.claim = self.line.get(&place).await?;
        }
        Ok(())
    }

    /// Looks once more, right before what cannot be undone: the record is ours, the
    /// claim is there, and it still is what is to be done.
    pub(super) async fn confirm(&mut self, action: &Action) -> Result<bool, Stopped> {
        let record = self.record_place(Resource::Migration);
        let found = match self.claim_place() {
            Some(claim) => {
                let (found, claim) = self.line.get_both(&record, &claim).await?;
                self.world.claim = claim;
                found
            }
            None => self.line.get(&record).await?,
        };
        self.adopt(found).await?;
        Ok(next(&self.record, &self.world, self.goal) == *action)
    }

    /// Reads the record again, which has to be ours.
    async fn reload(&mut self) -> Result<(), Stopped> {
        let place = self.record_place(Resource::Migration);
        let found = self.line.get(&place).await?;
        self.adopt(found).await
    }

    async fn adopt(&mut self, found: Option<Value>) -> Result<(), Stopped> {
        let Some(found) = found else {
            let place = self.record_place(Resource::Migration);
            return self.record_anew(place).await;
        };
        let document = Document::read(&found)?;
        let spec = &document.spec;
        if spec.holder != self.line.options.holder || spec.id != self.record.spec.id {
            return Err(Stopped::Taken {
                subject: self.line.subject(),
                holder: document.spec.holder,
            });
        }
        if document.version != self.version {
            let start = Start::of(document)?;
            (self.record, self.version) = (start.record, start.version);
        }
        Ok(())
    }

    /// Somebody has deleted the record of what is under way. It may be all that there
    /// is of a volume.
    async fn record_anew(&mut self, place: Place) -> Result<(), Stopped> {
        tracing::warn!(
            subject = self.line.subject(),
            "the record was deleted; it is made anew"
        );
        let answer = self
            .line
            .create(place, journal::new(&self.record), false)
            .await?;
        let Answer::Object(object) = answer else {
            // The next step looks again.
            self.version = String::from("0");
            return Ok(());
        };
        self.version = Document::read(&object)?.version;
        self.journal(self.record.status.clone()).await
    }

    async fn journal(&mut self, status: Status) -> Result<(), Stopped> {
        let step = match status.step {
            Step::Recorded => "direction",
            Step::Committed => "commit",
            Step::Done => "finish",
        };
        fault::at(step, "before");
        let patch = journal::status(&self.record, &status, &self.version, None);
        let place = self.record_place(Resource::MigrationStatus);
        let answer = self.line.patch(place, patch).await?;
        fault::at(step, "after");
        match answer {
            Answer::Object(object) => {
                let document = Document::read(&object)?;
                if document.status != status {
                    return Err(not_whole(&self.line, &document.name));
                }
                let start = Start::of(document)?;
                (self.record, self.version) = (start.record, start.version);
                self.written = Instant::now();
                self.is_fresh = true;
                Ok(())
            }
            Answer::Missing | Answer::Changed | Answer::Unsure => Box::pin(self.reload()).await,
        }
    }

    async fn patch(&mut self, change: Change, patch: Value) -> Result<(), Stopped> {
        let step = match change {
            Change::Mark => "mark",
            Change::Release => "release",
            Change::Settle => "settle",
        };
        fault::at(step, "before");
        let answer = self.line.patch(self.place(), patch).await?;
        fault::at(step, "after");
        match answer {
            // The last finalizer was taken off: the server says so with the object.
            Answer::Object(object)
                if View(&object).is_ending() && View(&object).finalizers().next().is_none() =>
            {
                self.world.object = None;
            }
            Answer::Object(object) => {
                self.has_marked = change == Change::Mark;
                self.world.object = Some(object);
            }
            Answer::Missing | Answer::Changed | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    /// Takes the mark off that was set after another had taken the record over and
    /// brought all back: nobody else would. It has the condition that nobody has
    /// touched the object since.
    async fn unmark(&mut self) {
        if !self.has_marked {
            return;
        }
        let place = self.record_place(Resource::Migration);
        let Ok(Some(found)) = self.line.get(&place).await else {
            return;
        };
        let is_back = Document::read(&found).is_ok_and(|document| {
            let is_this = document.spec.id == self.record.spec.id;
            is_this && document.is_finished() && document.status.direction == Direction::Back
        });
        let spec = self.record.spec.clone();
        let Ok(untouched) = Record::open(spec, Status::default()) else {
            return;
        };
        if let Action::Patch(Change::Settle, patch) = next(&untouched, &self.world, Direction::Back)
            && is_back
            && let Err(stopped) = self.patch(Change::Settle, patch).await
        {
            tracing::warn!(%stopped, "its mark may still be there");
        }
    }

    async fn patch_claim(&mut self, patch: Value) -> Result<(), Stopped> {
        let Some(place) = self.claim_place() else {
            return Ok(());
        };
        fault::at("poke", "before");
        let answer = self.line.patch(place, patch).await?;
        fault::at("poke", "after");
        self.poked = Instant::now();
        self.world.overlooked = false;
        match answer {
            Answer::Object(claim) => self.world.claim = Some(claim),
            Answer::Missing | Answer::Changed | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    async fn ask_use(&mut self) -> Result<(), Stopped> {
        let spec = &self.record.spec;
        let csi = &self.record.form(Direction::Forward)["spec"]["csi"];
        let csi = csi["driver"].as_str().zip(csi["volumeHandle"].as_str());
        let pinned = pins::armed_on(&self.world);
        let subject = Subject {
            kind: spec.kind,
            name: &spec.name,
            claim: spec.claim.as_ref(),
            csi,
            in_use: &spec.in_use,
            pinned: &pinned,
        };
        match self.line.api.used(&subject).await {
            Ok(used) => self.world.used = Some(used),
            Err(failure) => {
                let failed = Err(failure);
                self.line
                    .take(failed, "find out who uses it", false)
                    .await?;
            }
        }
        Ok(())
    }

    /// The server checks a body before it finds that the name is taken, which it
    /// still is.
    async fn check(&mut self, body: Value) -> Result<(), Stopped> {
        let answer = self.line.create(self.place(), body.clone(), true).await?;
        match answer {
            Answer::Changed => self.world.accepted = Some(body),
            Answer::Object(_) | Answer::Missing | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    async fn delete(&mut self, uid: &str, version: &str) -> Result<(), Stopped> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid, "resourceVersion": version},
            "propagationPolicy": "Orphan",
        });
        let call = Call {
            verb: Verb::Delete,
            place: self.place(),
            body: Some(options),
            dry_run: false,
        };
        fault::at("delete", "before");
        let answer = self.line.ask(call).await?;
        fault::at("delete", "after");
        match answer {
            Answer::Object(object) if object["kind"] == "Status" => self.world.object = None,
            Answer::Object(object) => self.world.object = Some(object),
            Answer::Missing | Answer::Changed | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    async fn create(&mut self, body: Value) -> Result<(), Stopped> {
        fault::at("create", "before");
        let answer = self.line.create(self.place(), body, false).await?;
        fault::at("create", "after");
        match answer {
            Answer::Object(object) => self.world.object = Some(object),
            Answer::Missing | Answer::Changed | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    async fn wait(&mut self, awaited: Awaited) -> Result<(), Stopped> {
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
        if self.written.elapsed() >= self.line.options.stale_after / 3 {
            self.journal(self.record.status.clone()).await?;
            self.is_fresh = false;
        }
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

    /// Leaves in the record why it is not done. Who has taken it over knows better.
    async fn keep_trouble(&mut self, stopped: &Stopped) {
        let Some(trouble) = stopped.trouble() else {
            return;
        };
        let status = self.record.status.clone();
        let patch = journal::status(&self.record, &status, &self.version, Some(&trouble));
        let place = self.record_place(Resource::MigrationStatus);
        if let Err(stopped) = self.line.patch(place, patch).await {
            tracing::debug!(%stopped, "the record does not say why");
        }
    }
}
