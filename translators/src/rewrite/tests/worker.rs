//! What carries the protocol out in the model, one call at a time.

use serde_json::Value;

use super::model::{Journal, Lag, Model, No};
use crate::rewrite::{
    Action, Change, Direction, Glimpsed, Look, Record, Step, Stop, Task, Use, World, abandon, next,
};

/// How a call of a worker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Luck {
    Good,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is not done, and nobody says so.
    CallLost,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Done,
    Stopped(Stop),
    /// Another worker holds the record.
    Taken,
}

#[derive(Debug, Clone)]
pub(super) struct Worker {
    name: String,
    record: Record,
    version: u64,
    world: World,
    pub(super) goal: Direction,
    /// Decided, and not carried out yet.
    pub(super) intent: Option<Action>,
    pub(super) end: Option<End>,
    /// Who it finds to use the volume.
    pub(super) used: Use,
    /// Whether it has seen that the record is its own, right before it changes a pin.
    is_confirmed: bool,
    /// How many calls it has made.
    pub(super) calls: usize,
    /// How late it is told of what it waits for; without, it reads.
    pub(super) lag: Option<Lag>,
    /// Whether it has read the claim while it took finalizers off, which was the last that it
    /// did.
    has_claim: bool,
}

impl Worker {
    /// Makes the record, or takes over the one that there is.
    pub(super) fn start(model: &mut Model, task: &Task, goal: Direction, name: &str) -> Self {
        let journal = match model.journal.take() {
            Some(mut journal) => {
                journal.spec.holder = name.to_owned();
                journal.version += 1;
                journal
            }
            None => {
                let record = Record::begin(task, name).unwrap();
                let record = record.with_pins(&super::node::settings());
                Journal {
                    version: 1,
                    spec: record.spec,
                    status: record.status,
                }
            }
        };
        model.journal = Some(journal.clone());
        let mut worker = Self {
            name: name.to_owned(),
            record: Record::open(journal.spec, journal.status).unwrap(),
            version: journal.version,
            world: World::default(),
            goal,
            intent: None,
            end: None,
            used: Use::Idle,
            is_confirmed: false,
            calls: 0,
            lag: model.lag,
            has_claim: false,
        };
        worker.observe(model);
        worker
    }

    fn observe(&mut self, model: &Model) {
        self.world.object = model.object.clone();
        self.world.claim = model.claim.clone();
        self.world.used = None;
        self.world.pins = None;
        self.world.glimpsed = Glimpsed::default();
    }

    /// What a watch tells, however late: even what is older than what it knew. Where that
    /// is nothing new, or something is pinned, it reads.
    fn see_change(&mut self, model: &Model) {
        let known = (self.world.object.take(), self.world.claim.take());
        let lag = self.lag.filter(|_| self.record.pinned().is_none());
        let told = lag.map(|lag| model.glimpse(lag));
        self.observe(model);
        if let Some(told) = told.filter(|told| *told != known) {
            (self.world.object, self.world.claim) = told;
            self.world.glimpsed = Glimpsed {
                object: true,
                claim: true,
            };
        }
    }

    /// Who is about to create looks for the claim first.
    fn decide(&mut self, model: &Model) -> Action {
        let action = next(&self.record, &self.world, self.goal);
        if self.has_claim || !matches!(action, Action::Create(_)) {
            return action;
        }
        self.world.claim = model.claim.clone();
        self.world.glimpsed.claim = false;
        next(&self.record, &self.world, self.goal)
    }

    /// Sees the world anew, with nothing decided.
    pub(super) fn look(&mut self, model: &Model) {
        (self.intent, self.is_confirmed, self.has_claim) = (None, false, false);
        self.observe(model);
    }

    /// Goes on with a record that does not say how pins are made.
    pub(super) fn forget_pins(&mut self) {
        self.record.spec.pins = None;
    }

    /// Decides, or carries out what is decided.
    pub(super) fn step(&mut self, model: &mut Model, luck: Luck) {
        match &self.end {
            Some(End::Taken) => return self.leave(model),
            Some(_) => return,
            None => {}
        }
        match self.intent.take() {
            None => self.intent = Some(self.decide(model)),
            Some(action) => {
                model.remember();
                self.act(model, action, luck);
                model.remember();
            }
        }
    }

    fn act(&mut self, model: &mut Model, action: Action, luck: Luck) {
        self.has_claim = false;
        match action {
            Action::AskUse => {
                let of_node = model.node.as_ref().map(|node| node.used());
                let used = of_node.unwrap_or_else(|| match model.is_used {
                    true => Use::By("a pod".into()),
                    false => self.used.clone(),
                });
                self.world.used = Some(used);
            }
            Action::AskPins => {
                let name = self.record.pin_name("a");
                let node = model.node.as_ref().expect("a node");
                self.world.pins = Some(vec![node.pin(&name)]);
            }
            Action::Pin(call) => {
                // Nobody changes pins who has lost the record before the last look. What comes
                // after that look may come late.
                if !std::mem::take(&mut self.is_confirmed) {
                    self.reload(model);
                    if self.end.is_none() {
                        self.is_confirmed = true;
                        self.intent = Some(Action::Pin(call));
                    }
                    return;
                }
                self.calls += 1;
                let node = model.node.as_mut().expect("a node");
                if luck != Luck::CallLost {
                    node.call(call);
                }
                self.observe(model);
            }
            Action::Try(body) => self.world.accepted = Some(body),
            Action::Wait(_) => {
                self.see_change(model);
                self.world.overlooked = true;
            }
            Action::Look(Look::All) => self.observe(model),
            Action::Look(Look::Claim) => {
                self.world.claim = model.claim.clone();
                self.world.glimpsed.claim = false;
            }
            Action::Stop(stop) => self.end = Some(End::Stopped(stop)),
            Action::Done => self.end = Some(End::Done),
            Action::Journal(status) => {
                self.calls += 1;
                if luck != Luck::CallLost
                    && let Some(journal) = &mut model.journal
                    && journal.version == self.version
                {
                    journal.version += 1;
                    journal.status = *status;
                }
                self.reload(model);
            }
            Action::Patch(change, patch) => {
                let claim = model.claim.clone();
                self.write(model, luck, |model| model.patch(&patch));
                if change == Change::Release {
                    self.world.claim = claim;
                    self.world.glimpsed.claim = false;
                    self.has_claim = true;
                }
                if change == Change::Mark {
                    self.world.used = None;
                }
            }
            Action::Delete { uid, version } => {
                self.write(model, luck, |model| model.delete(&uid, &version));
            }
            Action::Create(body) => self.write(model, luck, |model| {
                // Nothing is known of what has the name: that is read.
                model.create(&body).map_err(|_| No::Missing)
            }),
            Action::PatchClaim(patch) => {
                self.world.overlooked = false;
                self.write(model, luck, |model| model.patch_claim(&patch));
            }
        }
    }

    fn write(
        &mut self,
        model: &mut Model,
        luck: Luck,
        call: impl Fn(&mut Model) -> Result<Value, No>,
    ) {
        self.calls += 1;
        let answer = match luck {
            Luck::CallLost => None,
            Luck::AnswerLost => {
                let _ = call(model);
                None
            }
            Luck::Good => Some(call(model)),
        };
        match answer {
            Some(Ok(_)) => {
                let (used, pins) = (self.world.used.take(), self.world.pins.take());
                self.observe(model);
                (self.world.used, self.world.pins) = (used, pins);
            }
            // It was refused: what a watch tells by then is what the next one goes by.
            Some(Err(No::Conflict)) => self.see_change(model),
            Some(Err(No::Missing)) | None => self.observe(model),
        }
    }

    fn reload(&mut self, model: &Model) {
        let journal = model.journal.clone().unwrap();
        if journal.spec.holder != self.name {
            self.end = Some(End::Taken);
            return;
        }
        self.version = journal.version;
        self.record = Record::open(journal.spec, journal.status).unwrap();
    }

    /// Who has lost the record takes away what nobody goes by any more, if nothing is under
    /// way: a look at that and what comes of it are two steps.
    fn leave(&mut self, model: &mut Model) {
        if self.record.pinned().is_none() {
            return;
        }
        let name = self.record.pin_name("a");
        let node = model.node.as_mut().expect("a node");
        if let Some(Action::Pin(call)) = self.intent.take() {
            node.call(call);
            self.world.pins = None;
            return;
        }
        match abandon(&self.record, &self.world) {
            Some(Action::AskPins) => self.world.pins = Some(vec![node.pin(&name)]),
            Some(Action::Wait(_)) => self.world.pins = None,
            Some(action) => {
                let journal = model.journal.as_ref().unwrap();
                match journal.status.step {
                    Step::Done => self.intent = Some(action),
                    _ => self.world.pins = None,
                }
            }
            None => {}
        }
    }

    /// Wakes up and goes on until it ends, and leaves nothing behind.
    pub(super) fn wake(mut self, model: &mut Model) {
        for _ in 0..400 {
            self.step(model, Luck::Good);
            if self.end.is_none() && matches!(self.intent, Some(Action::Wait(_))) {
                model.settle();
            }
        }
    }

    /// Goes on until it ends, everybody else having their turn after each call.
    pub(super) fn run(mut self, model: &mut Model) -> End {
        for _ in 0..400 {
            self.step(model, Luck::Good);
            if let Some(end) = self.end {
                return end;
            }
            if matches!(self.intent, Some(Action::Wait(_))) {
                model.settle();
            }
        }
        panic!("no end: {:?}\n{model:#?}", self.intent);
    }
}
