//! What is seen of the world and of the record.

use std::time::Duration;

use flex2csi_translators::rewrite::{Action, View, next};
use serde_json::Value;

use super::Worker;
use crate::journal::{self, Document};
use crate::rewrite::api::{Api, Place, Resource};
use crate::rewrite::begin::{Start, place};
use crate::rewrite::line::Answer;
use crate::rewrite::stopped::Stopped;

impl<A: Api> Worker<'_, A> {
    pub(in crate::rewrite) fn place(&self) -> Place {
        Place::of_cluster(self.record.spec.kind.into(), &self.record.spec.name)
    }

    pub(in crate::rewrite) fn record_place(&self, resource: Resource) -> Place {
        place(self.record.spec.kind, &self.record.spec.name, resource)
    }

    pub(super) fn claim_place(&self) -> Option<Place> {
        self.record.spec.claim.as_ref().map(Place::of_claim)
    }

    /// Who uses the object is to be asked anew.
    pub(super) fn forget_use(&mut self) {
        self.world.used = None;
        self.world.pins = None;
    }

    pub(in crate::rewrite) async fn observe(&mut self) -> Result<(), Stopped> {
        self.forget_use();
        let place = self.place();
        match self.claim_place() {
            Some(claim) => {
                let (object, claim) = self.line.get_both(&place, &claim).await?;
                self.saw_object(object);
                self.saw_claim(claim);
            }
            None => {
                let object = self.line.get(&place).await?;
                self.saw_object(object);
            }
        }
        Ok(())
    }

    /// Sees how the world is after a write was refused since it is another than was seen.
    /// A watch that tells of that does: what comes next is refused likewise if that was not
    /// the last change.
    pub(super) async fn see_change(&mut self, place: Place) -> Result<(), Stopped> {
        let known = match place.resource {
            Resource::Claim => &self.world.claim,
            _ => &self.world.object,
        };
        let known = known.as_ref().map_or("", |known| View(known).version());
        if self.is_told(&place, known, Duration::ZERO).await {
            self.forget_use();
            self.catch_up();
            return Ok(());
        }
        self.observe().await
    }

    /// Waits for about so long that a watch tells something newer of an object, if that is
    /// enough to go by; whether it did. Pins are of several objects, which are looked at
    /// together.
    pub(super) async fn is_told(&self, place: &Place, known: &str, longest: Duration) -> bool {
        let is_told = self.line.api.moved(place, known, longest).await;
        is_told && self.record.pinned().is_none()
    }

    pub(super) async fn observe_claim(&mut self) -> Result<(), Stopped> {
        if let Some(place) = self.claim_place() {
            let claim = self.line.get(&place).await?;
            self.saw_claim(claim);
        }
        Ok(())
    }

    /// The server has said so itself.
    pub(super) fn saw_object(&mut self, object: Option<Value>) {
        self.world.object = object;
        self.world.glimpsed.object = false;
    }

    pub(super) fn saw_claim(&mut self, claim: Option<Value>) {
        self.world.claim = claim;
        self.world.glimpsed.claim = false;
    }

    /// Takes what a watch has told of object and claim, as far as it is newer than what
    /// is known: it may be old, and costs the server nothing.
    pub(super) fn catch_up(&mut self) {
        let glimpse = |place: Option<Place>, known: Option<&Value>| {
            let known = View(known?).version();
            self.line.api.glimpse(&place?, known)
        };
        let object = glimpse(Some(self.place()), self.world.object.as_ref());
        let claim = glimpse(self.claim_place(), self.world.claim.as_ref());
        if let Some(object) = object {
            self.world.object = object.into();
            self.world.glimpsed.object = true;
        }
        if let Some(claim) = claim {
            self.world.claim = claim.into();
            self.world.glimpsed.claim = true;
        }
    }

    /// Looks once more, right before what cannot be undone: the record is ours, the
    /// claim is there, and it still is what is to be done.
    pub(in crate::rewrite) async fn confirm(&mut self, action: &Action) -> Result<bool, Stopped> {
        let record = self.record_place(Resource::Migration);
        let found = match self.claim_place() {
            Some(claim) => {
                let (found, claim) = self.line.get_both(&record, &claim).await?;
                self.saw_claim(claim);
                found
            }
            None => self.line.get(&record).await?,
        };
        let is_there = self.adopt(found).await?;
        Ok(is_there && next(&self.record, &self.world, self.goal) == *action)
    }

    /// Whether a record is of this rewrite, and we are its holder.
    pub(in crate::rewrite) fn is_ours(&self, document: &Document) -> bool {
        let spec = &document.spec;
        spec.holder == self.line.options.holder && spec.id == self.record.spec.id
    }

    /// Reads the record again, which has to be ours.
    pub(super) async fn reload(&mut self) -> Result<(), Stopped> {
        let place = self.record_place(Resource::Migration);
        let found = self.line.get(&place).await?;
        self.adopt(found).await.map(|_| ())
    }

    /// Takes the record as it is; whether all is recorded that is not to be done without.
    pub(super) async fn adopt(&mut self, found: Option<Value>) -> Result<bool, Stopped> {
        let Some(found) = found else {
            let place = self.record_place(Resource::Migration);
            return self.record_anew(place).await;
        };
        let document = Document::read(&found)?;
        if !self.is_ours(&document) {
            return Err(Stopped::Taken {
                subject: self.line.subject(),
                holder: document.spec.holder,
            });
        }
        if document.version != self.version {
            let start = Start::of(document)?;
            (self.record, self.version) = (start.record, start.version);
        }
        Ok(true)
    }

    /// Somebody has deleted the record of what is under way. It may be all that there
    /// is of a volume. Where the kind is gone as well, the only copy is here: what is
    /// missing is created first, and nothing else is done.
    async fn record_anew(&mut self, place: Place) -> Result<bool, Stopped> {
        tracing::warn!(
            subject = self.line.subject(),
            "the record was deleted; it is made anew"
        );
        let answer = self
            .line
            .create(place, journal::new(&self.record), false)
            .await?;
        match answer {
            Answer::Object(object) => {
                self.version = Document::read(&object)?.version;
                self.journal(self.record.status.clone()).await?;
                Ok(true)
            }
            Answer::Missing if self.is_live() => Err(Stopped::NoJournal),
            Answer::Missing => {
                self.is_unrecorded = true;
                Ok(true)
            }
            // The next step looks again.
            Answer::Changed | Answer::Unsure => {
                self.version = String::from("0");
                Ok(false)
            }
        }
    }

    /// Whether the object is there, and not about to go.
    fn is_live(&self) -> bool {
        let object = self.world.object.as_ref();
        object.is_some_and(|object| !View(object).is_ending())
    }
}
