//! Watches a fleet through everything that happens to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::journal::{self, Journal};
use super::{Fleet, Form, Member, Untrue, text};
use crate::Cluster;
use crate::history::{Change, History};

/// Sees every version of every volume and claim, whatever else is down.
#[derive(Debug)]
pub struct Witness {
    history: History,
    ledger: Arc<Mutex<Ledger>>,
}

impl Witness {
    pub(super) async fn start(
        fleet: &Fleet,
        cluster: &Cluster,
        journaled: bool,
    ) -> Result<Self, Untrue> {
        let ledger = Arc::new(Mutex::new(Ledger::new(fleet, journaled)));
        let writer = ledger.clone();
        let tell = move |change: Change| {
            if let Ok(mut ledger) = writer.lock() {
                ledger.enter(&change);
            }
        };
        let history = History::follow(&cluster.etcd.url, tell).await;
        Ok(Self {
            history: history.map_err(Untrue::of)?,
            ledger,
        })
    }

    /// How often volumes have been replaced, and for how long claims were Lost.
    ///
    /// # Errors
    /// Anything that must never be was seen: a volume that was being deleted while
    /// its policy was `Delete`, a new one that is not `Retain` or names another
    /// claim, two for one claim, one that was `Released`; a claim deleted or moved.
    pub async fn so_far(&self) -> Result<Lost, Untrue> {
        self.of(|_| true).await
    }

    /// The same, counting only the members that `counts`.
    ///
    /// # Errors
    /// As [`Witness::so_far`], whoever it concerns.
    pub async fn of(&self, counts: impl Fn(&Member) -> bool) -> Result<Lost, Untrue> {
        self.history.caught_up().await.map_err(Untrue::of)?;
        let ledger = self.ledger.lock().map_err(Untrue::of)?;
        Untrue::none(ledger.findings.clone())?;
        Ok(ledger.lost(Instant::now(), counts))
    }
}

/// For how long claims were Lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// How often a volume was created in place of another.
    pub replaced: usize,
    /// How many claims were ever Lost.
    pub claims: usize,
    /// The longest time of each claim, those that were never Lost included, in order.
    times: Vec<Duration>,
}

impl Lost {
    /// The time that so many of a hundred claims do not exceed.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        let rank = (self.times.len() * percent).div_ceil(100);
        let index = rank.saturating_sub(1).min(last);
        self.times.get(index).copied().unwrap_or_default()
    }

    /// The longest time.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.times.last().copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [p50, p99, max] = [self.percentile(50), self.percentile(99), self.max()]
            .map(|time| format!("{:.2} s", time.as_secs_f64()));
        let of = self.times.len();
        write!(
            f,
            "{} of {of} claims seen Lost, p50 {p50}, p99 {p99}, longest {max}",
            self.claims
        )
    }
}

#[derive(Debug)]
struct Ledger {
    fleet: Arc<BTreeMap<String, Member>>,
    /// The member of each claim, by `namespace/name`.
    claims: BTreeMap<String, String>,
    volumes: BTreeMap<String, Volume>,
    /// The records of members; none where records are not asked for.
    journals: Option<BTreeMap<String, Journal>>,
    lost_since: BTreeMap<String, Instant>,
    lost: BTreeMap<String, Duration>,
    replaced: BTreeMap<String, usize>,
    findings: Vec<String>,
}

/// What was last seen of a volume.
#[derive(Debug)]
struct Volume {
    uid: String,
    policy: String,
    claim: String,
}

impl Volume {
    fn of(volume: &Value) -> Self {
        let owned = |pointer| text(volume, pointer).to_owned();
        Self {
            uid: owned("/metadata/uid"),
            policy: owned("/spec/persistentVolumeReclaimPolicy"),
            claim: owned("/spec/claimRef/uid"),
        }
    }
}

impl Ledger {
    fn new(fleet: &Fleet, journaled: bool) -> Self {
        let members = fleet.members.values();
        let place = |member: &Member| format!("{}/{}", member.namespace(), member.claim_name());
        Self {
            claims: members
                .clone()
                .map(|member| (place(member), member.name.clone()))
                .collect(),
            volumes: members
                .clone()
                .map(|member| (member.name.clone(), Volume::of(&member.volume)))
                .collect(),
            fleet: fleet.members.clone(),
            journals: journaled.then(BTreeMap::new),
            lost_since: BTreeMap::new(),
            lost: BTreeMap::new(),
            replaced: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    fn enter(&mut self, change: &Change) {
        if let Some(name) = change.key.strip_prefix("/registry/persistentvolumes/") {
            self.volume(name, change);
        } else if let Some(place) = change.key.strip_prefix("/registry/persistentvolumeclaims/")
            && self.claims.contains_key(place)
        {
            self.claim(place, change);
        } else if let Some(name) = change.key.strip_prefix(journal::KEYS)
            && let (Some(member), Some(journals)) = (self.fleet.get(name), &mut self.journals)
        {
            match &change.object {
                Some(record) => journals.insert(name.to_owned(), Journal::of(record, member)),
                None => journals.remove(name),
            };
        }
    }

    /// Finds out what is done to a volume before its record allows it.
    fn unrecorded(
        &mut self,
        name: &str,
        change: &Change,
        allowed: fn(&Journal, &str) -> bool,
        uid: &str,
    ) {
        let Some(journals) = &self.journals else {
            return;
        };
        let journal = journals.get(name);
        if self.fleet.contains_key(name) && !journal.is_some_and(|journal| allowed(journal, uid)) {
            let what = format!("touched while its record is {journal:?}");
            self.finding(change, name, &what);
        }
    }

    fn finding(&mut self, change: &Change, name: &str, what: &str) {
        let revision = change.revision;
        self.findings.push(format!("{name} at {revision}: {what}"));
    }

    fn volume(&mut self, name: &str, change: &Change) {
        let before = self.volumes.remove(name);
        let Some(volume) = &change.object else {
            if let Some(before) = before {
                if before.policy == "Delete" {
                    self.finding(change, name, "deleted while its policy was Delete");
                }
                self.unrecorded(name, change, Journal::commits, &before.uid);
            }
            return;
        };
        let now = Volume::of(volume);
        let is_new = before.as_ref().is_none_or(|before| before.uid != now.uid);
        let deletes = now.policy == "Delete";
        if !text(volume, "/metadata/deletionTimestamp").is_empty() {
            if deletes {
                self.finding(change, name, "being deleted while its policy is Delete");
            }
            self.unrecorded(name, change, Journal::commits, &now.uid);
        } else if is_new {
            self.unrecorded(
                name,
                change,
                |journal, _| journal.step == "Committed",
                &now.uid,
            );
        } else if before
            .as_ref()
            .is_some_and(|before| before.policy != now.policy)
        {
            self.unrecorded(name, change, |journal, _| journal.is_whole, &now.uid);
        }
        let phase = text(volume, "/status/phase");
        if matches!(phase, "Released" | "Failed") {
            self.finding(change, name, &format!("it is {phase}"));
        }
        if let Some(member) = self.fleet.get(name).cloned() {
            if now.claim != member.claim_uid() {
                self.finding(change, name, &format!("it names claim {:?}", now.claim));
            }
            if Form::of(volume, &member) == Form::Other {
                let spec = &volume["spec"];
                self.finding(change, name, &format!("in none of its forms: {spec}"));
            }
            // That of the claim says less: the controller may still be about to write
            // down a loss that is over.
            let restored = before.is_some_and(|before| before.policy != now.policy);
            if deletes && (is_new || (restored && phase != "Bound")) {
                self.finding(change, name, "policy Delete before it is bound");
            }
            *self.replaced.entry(name.to_owned()).or_default() += usize::from(is_new);
        } else if is_new && deletes && self.is_of_the_fleet(&now.claim) {
            self.finding(
                change,
                name,
                "a stranger with policy Delete for one of the claims",
            );
        }
        let twin = |other: &&Volume| !now.claim.is_empty() && other.claim == now.claim;
        if is_new && self.volumes.values().any(|other| twin(&other)) {
            self.finding(change, name, "a second volume for its claim");
        }
        self.volumes.insert(name.to_owned(), now);
    }

    fn is_of_the_fleet(&self, claim_uid: &str) -> bool {
        let mut members = self.fleet.values();
        members.any(|member| member.claim_uid() == claim_uid)
    }

    fn claim(&mut self, place: &str, change: &Change) {
        let Some(name) = self.claims.get(place) else {
            return;
        };
        let Some(member) = self.fleet.get(name).cloned() else {
            return;
        };
        let Some(claim) = &change.object else {
            return self.finding(change, place, "the claim was deleted");
        };
        for (pointer, wanted) in [
            ("/metadata/uid", member.claim_uid()),
            ("/metadata/deletionTimestamp", ""),
            ("/spec/volumeName", member.name.as_str()),
        ] {
            let found = text(claim, pointer);
            if found != wanted {
                self.finding(
                    change,
                    place,
                    &format!("the claim's {pointer} is {found:?}"),
                );
            }
        }
        let phase = text(claim, "/status/phase");
        if phase == "Lost" {
            let since = self.lost_since.entry(place.to_owned());
            since.or_insert(change.at);
        } else if let Some(since) = self.lost_since.remove(place) {
            self.end_of_loss(place, change.at - since);
        }
    }

    fn end_of_loss(&mut self, place: &str, time: Duration) {
        let longest = self.lost.entry(place.to_owned()).or_default();
        *longest = time.max(*longest);
    }

    fn lost(&self, now: Instant, counts: impl Fn(&Member) -> bool) -> Lost {
        let time = |place: &String| {
            let ended = self.lost.get(place).copied().unwrap_or_default();
            let since = self.lost_since.get(place);
            since.map_or(ended, |since| ended.max(now - *since))
        };
        let counts = |name: &str| self.fleet.get(name).is_some_and(&counts);
        let claims = self.claims.iter().filter(|(_, name)| counts(name));
        let mut times: Vec<Duration> = claims.map(|(place, _)| time(place)).collect();
        times.sort_unstable();
        let replaced = self.replaced.iter().filter(|(name, _)| counts(name));
        Lost {
            replaced: replaced.map(|(_, times)| times).sum(),
            claims: times.iter().filter(|time| !time.is_zero()).count(),
            times,
        }
    }
}
