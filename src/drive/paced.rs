//! The API server, no faster than it and its controllers want.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flex2csi_translators::rewrite::{Action, Awaited, Change, ClaimId, ObjectKind, Step, Use};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::display::Lost;
use super::slots::Slots;
use super::watch::Watch;
use crate::journal;
use crate::rewrite::{Api, Call, Failure, Glimpse, Place, Resource, Sight, Subject, Verb};

/// Where the server does not say how long it wants to be left alone.
const LEFT_ALONE: Duration = Duration::from_millis(500);

/// Calls on behalf of many objects.
#[derive(Debug)]
pub struct Paced<A> {
    api: A,
    watch: Watch,
    slots: Slots,
    /// Those that were marked: who uses them is asked once more, and then they go.
    marked: Mutex<HashSet<String>>,
    lost: Arc<Lost>,
    /// When the server, who has too much to do, may be asked again.
    quiet: Mutex<Option<Instant>>,
}

impl<A: Api> Paced<A> {
    /// With at most so many objects under way.
    pub fn new(api: A, watch: Watch, most: usize) -> Self {
        Self {
            api,
            watch,
            slots: Slots::new(most),
            marked: Mutex::default(),
            lost: Arc::default(),
            quiet: Mutex::new(None),
        }
    }

    /// How many objects are worth to be under way: those that may be gone, and as many
    /// that are made ready meanwhile.
    pub fn depth(&self) -> usize {
        self.slots.wanted() * 2 + 2
    }

    /// The claims that are Lost.
    pub fn lost(&self) -> Arc<Lost> {
        Arc::clone(&self.lost)
    }

    /// What a watch told last of an object whose turn has come, JSON.
    pub fn take(&self, place: &Place) -> Option<String> {
        self.watch.take(place)
    }

    /// An object is under way from now on.
    pub fn begin(&self, kind: ObjectKind, name: &str, claim: Option<&ClaimId>) {
        self.watch.begin(Place::of_cluster(kind.into(), name));
        if let Some(claim) = claim {
            self.watch.begin(Place::of_claim(claim));
        }
    }

    /// Nothing is under way any more with an object.
    pub fn end(&self, kind: ObjectKind, name: &str, claim: Option<&ClaimId>) {
        let record = journal::name_of(kind, name);
        self.marked().remove(&record);
        self.slots.leave(&record);
        self.lost.seen(&record, false);
        self.watch.forget(&Place::of_cluster(kind.into(), name));
        if let Some(claim) = claim {
            self.watch.forget(&Place::of_claim(claim));
        }
    }

    fn marked(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        // Whole names, whoever panicked.
        self.marked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one is asked to wait, all wait; whether that was any time.
    async fn quiet(&self) -> bool {
        let mut has_waited = false;
        loop {
            let until = *self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return has_waited,
            }
            has_waited = true;
        }
    }
}

fn is_commit(call: &Call) -> bool {
    let committed = serde_json::to_value(Step::Committed).unwrap_or_default();
    call.verb == Verb::Patch
        && call.place.resource == Resource::MigrationStatus
        && call
            .body
            .as_ref()
            .is_some_and(|body| body["status"]["step"] == committed)
}

impl<A: Api> Api for Paced<A> {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        if is_commit(&call) {
            self.slots.enter(&call.place.name).await;
        }
        // By what is known now it is deleted, not by what will be known then.
        if self.quiet().await && call.verb == Verb::Delete {
            return Err(Failure::Busy { after: None });
        }
        let answer = self.api.call(call).await;
        if let Err(Failure::Busy { after }) = &answer {
            let until = Instant::now() + after.unwrap_or(LEFT_ALONE);
            let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
            *quiet = (*quiet).max(Some(until));
        }
        answer
    }

    async fn used(&self, subject: &Subject<'_>) -> Result<Use, Failure> {
        self.quiet().await;
        let used = self.api.used(subject).await;
        let record = journal::name_of(subject.kind, subject.name);
        let is_marked = self.marked().contains(&record);
        // Nobody has a slot only to be told who uses what. But whoever waits long for one
        // asks after that: the answer is not to be old.
        if !is_marked || self.slots.enter_soon(&record).await {
            return used;
        }
        self.slots.enter(&record).await;
        self.quiet().await;
        self.api.used(subject).await
    }

    async fn moved(&self, place: &Place, known: &str, longest: Duration) -> bool {
        self.watch.moved(place, known, longest).await
    }

    fn glimpse(&self, place: &Place, known: &str) -> Option<Glimpse> {
        self.watch.glimpse(place, known)
    }

    fn seen(&self, sight: &Sight<'_>) {
        let name = journal::name_of(sight.kind, sight.name);
        self.slots
            .seen(&name, sight.is_there, sight.claim == "Bound");
        if matches!(sight.next, Action::Patch(Change::Mark, _)) {
            self.marked().insert(name.clone());
        }
        let has_claim = !sight.claim.is_empty();
        self.lost.seen(
            &name,
            has_claim && (!sight.is_there || sight.claim == "Lost"),
        );
        let is_back = match sight.next {
            Action::Patch(Change::Settle, _) | Action::Done | Action::Stop(_) => true,
            Action::Journal(status) => status.step == Step::Done,
            // What comes after that may take kubelet a minute.
            Action::AskPins | Action::Pin(_) | Action::Wait(Awaited::Kubelet) => {
                sight.is_there && sight.claim == "Bound"
            }
            _ => false,
        };
        if is_back {
            self.slots.leave(&name);
        }
        self.api.seen(sight);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use flex2csi_translators::rewrite::{Direction, InUse};
    use serde_json::json;
    use tokio::time::sleep;

    use super::*;

    /// Is busy once, for three seconds.
    #[derive(Default)]
    struct BusyOnce(AtomicBool);

    impl Api for BusyOnce {
        async fn call(&self, _: Call) -> Result<Value, Failure> {
            if self.0.swap(true, Ordering::Relaxed) {
                return Ok(Value::Null);
            }
            Err(Failure::Busy {
                after: Some(Duration::from_secs(3)),
            })
        }

        async fn used(&self, _: &Subject<'_>) -> Result<Use, Failure> {
            Ok(Use::Idle)
        }
    }

    fn call(resource: Resource, step: &Value) -> Call {
        Call {
            verb: Verb::Patch,
            place: Place::of_cluster(resource, "pv-a"),
            body: Some(json!({"status": {"step": step}})),
            dry_run: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_is_asked_to_wait_all_wait() {
        let api = Paced::new(BusyOnce::default(), Watch::blind(), 4);
        let get = || call(Resource::PersistentVolume, &Value::Null);
        api.call(get()).await.unwrap_err();
        let began = Instant::now();
        let (one, other) = tokio::join!(api.call(get()), api.call(get()));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(began.elapsed(), Duration::from_secs(3));
    }

    /// What was known before the wait may not be so any more: whoever deletes looks again.
    #[tokio::test(start_paused = true)]
    async fn what_had_to_wait_is_not_deleted() {
        let api = Paced::new(BusyOnce::default(), Watch::blind(), 4);
        let delete = || Call {
            verb: Verb::Delete,
            ..call(Resource::PersistentVolume, &Value::Null)
        };
        api.call(delete()).await.unwrap_err();
        let waited = api.call(delete()).await;
        assert_eq!(waited, Err(Failure::Busy { after: None }));
        assert!(api.call(delete()).await.is_ok());
    }

    /// Says each time what the one before it did not know.
    #[derive(Default)]
    struct Asked(AtomicUsize);

    impl Api for Asked {
        async fn call(&self, _: Call) -> Result<Value, Failure> {
            Ok(Value::Null)
        }

        async fn used(&self, _: &Subject<'_>) -> Result<Use, Failure> {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Use::By(count.to_string()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_long_for_a_slot_asks_again_after_that() {
        let api = Paced::new(Asked::default(), Watch::blind(), 1);
        let (kind, in_use) = (ObjectKind::PersistentVolume, InUse::No);
        let used = async |name| {
            let next = Action::Patch(Change::Mark, Value::Null);
            api.seen(&Sight {
                kind,
                name,
                is_there: true,
                claim: "Bound",
                next: &next,
            });
            let subject = Subject {
                kind,
                name,
                claim: None,
                csi: None,
                form: Direction::Back,
                in_use: &in_use,
                pinned: &[],
            };
            api.used(&subject).await.unwrap()
        };
        assert_eq!(used("a").await, Use::By("0".to_owned()));
        let leave = async {
            sleep(Duration::from_secs(2)).await;
            api.end(kind, "a", None);
        };
        let (used, ()) = tokio::join!(used("b"), leave);
        assert_eq!(used, Use::By("2".to_owned()));
    }

    #[test]
    fn only_the_commit_takes_a_slot() {
        let step = |step: Step| serde_json::to_value(step).unwrap();
        let status = Resource::MigrationStatus;
        assert!(is_commit(&call(status, &step(Step::Committed))));
        assert!(!is_commit(&call(status, &step(Step::Done))));
        assert!(!is_commit(&call(
            Resource::PersistentVolume,
            &step(Step::Committed)
        )));
    }
}
