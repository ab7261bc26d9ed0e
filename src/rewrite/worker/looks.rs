//! What is seen of the world and of the record.

use flex2csi_translators::rewrite::{Action, View, next};
use serde_json::Value;

use super::Worker;
use crate::journal::{self, Document};
use crate::rewrite::api::{Api, Place, Resource};
use crate::rewrite::begin::{Start, place};
use crate::rewrite::line::Answer;
use crate::rewrite::stopped::Stopped;

impl<A: Api> Worker<'_, A> {
    pub(super) fn place(&self) -> Place {
        Place::of_cluster(self.record.spec.kind.into(), &self.record.spec.name)
    }

    pub(in crate::rewrite) fn record_place(&self, resource: Resource) -> Place {
        place(self.record.spec.kind, &self.record.spec.name, resource)
    }

    pub(super) fn claim_place(&self) -> Option<Place> {
        let claim = self.record.spec.claim.as_ref()?;
        Some(Place {
            resource: Resource::Claim,
            namespace: claim.namespace.clone(),
            name: claim.name.clone(),
        })
    }

    /// Who uses the object is to be asked anew.
    pub(super) fn forget_use(&mut self) {
        self.world.used = None;
        self.world.pins = None;
    }

    pub(in crate::rewrite) async fn observe(&mut self) -> Result<(), Stopped> {
        self.forget_use();
        let Some(claim) = self.claim_place() else {
            return self.observe_object().await;
        };
        let (object, claim) = self.line.get_both(&self.place(), &claim).await?;
        (self.world.object, self.world.claim) = (object, claim);
        Ok(())
    }

    pub(super) async fn observe_object(&mut self) -> Result<(), Stopped> {
        let place = self.place();
        self.world.object = self.line.get(&place).await?;
        Ok(())
    }

    pub(super) async fn observe_claim(&mut self) -> Result<(), Stopped> {
        if let Some(place) = self.claim_place() {
            self.world.claim = self.line.get(&place).await?;
        }
        Ok(())
    }

    /// Looks once more, right before what cannot be undone: the record is ours, the
    /// claim is there, and it still is what is to be done.
    pub(in crate::rewrite) async fn confirm(&mut self, action: &Action) -> Result<bool, Stopped> {
        let record = self.record_place(Resource::Migration);
        let found = match self.claim_place() {
            Some(claim) => {
                let (found, claim) = self.line.get_both(&record, &claim).await?;
                self.world.claim = claim;
                found
            }
            None => self.line.get(&record).await?,
        };
        let is_there = self.adopt(found).await?;
        Ok(is_there && next(&self.record, &self.world, self.goal) == *action)
    }

    /// Reads the record again, which has to be ours.
    pub(super) async fn reload(&mut self) -> Result<(), Stopped> {
        let place = self.record_place(Resource::Migration);
        let found = self.line.get(&place).await?;
        self.adopt(found).await.map(|_| ())
    }

    /// Takes the record as it is; whether all is recorded that is not to be done without.
    async fn adopt(&mut self, found: Option<Value>) -> Result<bool, Stopped> {
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
