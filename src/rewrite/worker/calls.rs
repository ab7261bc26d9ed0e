//! The calls that are made, each between its two fault points.

use std::pin::pin;

use flex2csi_translators::rewrite::{
    Action, Change, Direction, Record, Status, Step, View, names, next,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{RECENT, Worker};
use crate::journal::{self, Document};
use crate::rewrite::api::{Api, Call, Failure, Resource, Verb};
use crate::rewrite::begin::{Start, not_whole};
use crate::rewrite::line::Answer;
use crate::rewrite::stopped::Stopped;
use crate::rewrite::used::Subject;
use crate::rewrite::{fault, pins};

impl<A: Api> Worker<'_, A> {
    pub(super) async fn journal(&mut self, status: Status) -> Result<(), Stopped> {
        let step = match status.step {
            Step::Recorded => "direction",
            Step::Committed => "commit",
            Step::Done => "finish",
        };
        fault::at(step, "before");
        let patch = journal::status(&self.record, &status, &self.version, None);
        let place = self.record_place(Resource::MigrationStatus);
        let asked = Instant::now();
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
                self.owned = Some(asked);
                self.is_fresh = true;
                Ok(())
            }
            Answer::Missing | Answer::Changed | Answer::Unsure => {
                // That may have taken its time.
                self.forget_use();
                Box::pin(self.reload()).await?;
                if self.is_unrecorded {
                    self.record = Record::open(self.record.spec.clone(), status)?;
                }
                Ok(())
            }
        }
    }

    pub(super) async fn patch(&mut self, change: Change, patch: Value) -> Result<(), Stopped> {
        let step = match change {
            Change::Mark => "mark",
            Change::Release => "release",
            Change::Settle => "settle",
        };
        fault::at(step, "before");
        let answer = match change {
            Change::Release => self.release(patch).await?,
            Change::Mark | Change::Settle => self.line.patch(self.place(), patch).await?,
        };
        fault::at(step, "after");
        match answer {
            // The last finalizer was taken off: the server says so with the object.
            Answer::Object(object)
                if View(&object).is_ending() && View(&object).finalizers().next().is_none() =>
            {
                self.saw_object(None);
            }
            Answer::Object(object) => {
                self.has_marked = change == Change::Mark;
                if self.has_marked {
                    // Who uses it is asked once more: it is not to be long ago when it goes.
                    self.forget_use();
                }
                self.saw_object(Some(object));
            }
            Answer::Changed => self.see_change(self.place()).await?,
            Answer::Missing | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    /// Takes finalizers off, and looks meanwhile at what has to be seen right before the
    /// creation, which so comes sooner: most claims are not even Lost then. The record was
    /// most likely written right before.
    async fn release(&mut self, patch: Value) -> Result<Answer, Stopped> {
        let owned = self.owned.filter(|asked| asked.elapsed() < RECENT / 2);
        let record = match owned {
            Some(_) => None,
            None => Some(self.record_place(Resource::Migration)),
        };
        let claim = self.claim_place();
        let began = Instant::now();
        let patched = (self.place(), patch);
        let (answer, found, claimed) = self
            .line
            .patch_beside(patched, record.as_ref(), claim.as_ref())
            .await?;
        let claimed = match claimed {
            None => None,
            Some(Ok(claim)) => Some(Some(claim)),
            Some(Err(Failure::NotFound(_))) => Some(None),
            // It is looked at once more.
            Some(Err(_)) => return Ok(answer),
        };
        let is_ours = match found {
            None => true,
            Some(Ok(found)) => self.adopt(Some(found)).await?,
            Some(Err(_)) => false,
        };
        if is_ours {
            if let Some(claim) = claimed {
                self.saw_claim(claim);
            }
            self.confirmed = Some(owned.unwrap_or(began));
        }
        Ok(answer)
    }

    /// Takes the mark off that was set after another had taken the record over and
    /// brought all back: nobody else would. It has the condition that nobody has
    /// touched the object since.
    pub(super) async fn unmark(&mut self) {
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

    pub(super) async fn patch_claim(&mut self, patch: Value) -> Result<(), Stopped> {
        let Some(place) = self.claim_place() else {
            return Ok(());
        };
        fault::at("poke", "before");
        let answer = self.line.patch(place.clone(), patch).await?;
        fault::at("poke", "after");
        self.poked = Instant::now();
        self.pokes += 1;
        self.world.overlooked = false;
        match answer {
            Answer::Object(claim) => self.saw_claim(Some(claim)),
            Answer::Changed => self.see_change(place).await?,
            Answer::Missing | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    pub(super) async fn ask_use(&mut self) -> Result<(), Stopped> {
        let record = self.record.clone();
        let spec = &record.spec;
        let csi = &record.form(Direction::Forward)["spec"]["csi"];
        let csi = csi["driver"].as_str().zip(csi["volumeHandle"].as_str());
        let is_csi = |object: &Value| object["spec"]["csi"].is_object();
        let form = match self.world.object.as_ref().is_some_and(is_csi) {
            true => Direction::Forward,
            false => Direction::Back,
        };
        let pinned = pins::armed_on(&self.world);
        let subject = Subject {
            kind: spec.kind,
            name: &spec.name,
            claim: spec.claim.as_ref(),
            csi,
            form,
            in_use: &spec.in_use,
            pinned: &pinned,
        };
        let began = Instant::now();
        let api = self.line.api;
        let mut asked = pin!(api.used(&subject));
        let used = loop {
            // It may take longer than another waits for a sign of life.
            let renewal = sleep(self.line.options.stale_after / 3);
            tokio::select! {
                used = &mut asked => break used,
                () = renewal => self.renew().await?,
            }
        };
        self.looked = Some((began, began.elapsed()));
        match used {
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
    pub(super) async fn check(&mut self, body: Value) -> Result<(), Stopped> {
        let answer = self.line.create(self.place(), body.clone(), true).await?;
        match answer {
            Answer::Changed => self.world.accepted = Some(body),
            Answer::Object(_) | Answer::Missing | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    pub(super) async fn delete(&mut self, uid: &str, version: &str) -> Result<(), Stopped> {
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
            Answer::Object(object) if object["kind"] == "Status" => self.saw_object(None),
            Answer::Object(object) => self.saw_object(Some(object)),
            Answer::Unsure if self.line.is_lost => self.refuse_delete(version).await?,
            Answer::Changed => self.see_change(self.place()).await?,
            Answer::Missing | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }

    /// Sees to it that a delete whose answer was lost is refused, should it still be on its
    /// way: whatever is found next may be a reason to leave the object where it is.
    async fn refuse_delete(&mut self, version: &str) -> Result<(), Stopped> {
        loop {
            self.observe().await?;
            let live = self.world.object.as_ref().map(View);
            let Some(live) = live.filter(|live| live.version() == version && !live.is_ending())
            else {
                return Ok(());
            };
            // It is set once more before anything is deleted.
            let patch = json!({"metadata": {
                "uid": live.uid(),
                "resourceVersion": version,
                "annotations": {names::REWRITING: null},
            }});
            self.line.patch(self.place(), patch).await?;
        }
    }

    pub(super) async fn create(&mut self, body: Value) -> Result<(), Stopped> {
        fault::at("create", "before");
        let answer = self.line.create(self.place(), body, false).await?;
        fault::at("create", "after");
        match answer {
            Answer::Object(object) => self.saw_object(Some(object)),
            Answer::Missing | Answer::Changed | Answer::Unsure => self.observe().await?,
        }
        Ok(())
    }
}
