//! Compares a fleet with what the server has.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;

use super::journal::Journal;
use super::{Fleet, Form, Member, Untrue, classes, text};
use crate::{Cluster, api};

/// How long the controller may take to look at a whole fleet once.
const BOUND_WITHIN: Duration = Duration::from_secs(120);

/// What the members of a fleet have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// All as they were.
    Originals,
    /// All translated.
    Translated,
    /// All translated for flex2csi's own endpoint.
    ViaEndpoint,
    /// All translated, each by way of the endpoint: its record says so.
    TranslatedAgain,
    /// Each one or the other, and `Retain` where a run was interrupted.
    Either,
}

pub async fn fleet(fleet: &Fleet, cluster: &Cluster, expect: Expect) -> Result<(), Untrue> {
    let state = State::read(cluster).await?;
    let mut findings = state.doubles();
    // Beside whoever rewrites with records, others may that keep none.
    let mut members = fleet.members.values();
    let is_recorded = members.any(|member| state.record(member).is_some());
    let (classes, records) = (&state.classes, &state.records);
    findings.extend(classes::findings(fleet, classes, records, expect)?);
    for member in fleet.members.values() {
        let mut found = Vec::new();
        state.volume(member, expect, &mut found);
        state.claim(member, &mut found);
        state.journal(member, expect, is_recorded, &mut found);
        let named = |finding| format!("{} ({}): {finding}", member.name, member.kind);
        findings.extend(found.into_iter().map(named));
    }
    Untrue::none(findings)
}

/// Waits until every member is bound on both sides.
pub async fn bound(fleet: &Fleet, cluster: &Cluster) -> Result<(), Untrue> {
    let start = Instant::now();
    loop {
        match self::fleet(fleet, cluster, Expect::Originals).await {
            Err(_) if start.elapsed() < BOUND_WITHIN => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            result => return result,
        }
    }
}

struct State {
    volumes: BTreeMap<String, Value>,
    claims: BTreeMap<(String, String), Value>,
    classes: BTreeMap<String, Value>,
    /// The records of rewrites, by their names; none in a cluster without them.
    records: BTreeMap<String, Value>,
}

impl State {
    async fn read(cluster: &Cluster) -> Result<Self, Untrue> {
        let client = cluster.client().map_err(Untrue::of)?;
        let volumes = all(&api::volumes(&client)).await?;
        let claims = all(&api::claims(&client)).await?;
        let classes = all(&api::classes(&client)).await?;
        // A cluster in which nobody rewrites knows no such resource.
        let records = all(&api::migrations(&client)).await.unwrap_or_default();
        let name = |object: &Value| text(object, "/metadata/name").to_owned();
        let space = |object: &Value| text(object, "/metadata/namespace").to_owned();
        let named = |volume: Value| (name(&volume), volume);
        let placed = |claim: Value| ((space(&claim), name(&claim)), claim);
        Ok(Self {
            volumes: volumes.into_iter().map(named).collect(),
            claims: claims.into_iter().map(placed).collect(),
            classes: classes.into_iter().map(named).collect(),
            records: records.into_iter().map(named).collect(),
        })
    }

    /// Claims that two volumes name, and data that two volumes have.
    fn doubles(&self) -> Vec<String> {
        let (mut owners, mut holders) = (BTreeMap::new(), BTreeMap::new());
        let mut findings = Vec::new();
        for (name, volume) in &self.volumes {
            let uid = text(volume, "/spec/claimRef/uid");
            if !uid.is_empty()
                && let Some(other) = owners.insert(uid, name)
            {
                findings.push(format!("{other} and {name} both name claim {uid}"));
            }
            let handle = text(volume, "/spec/csi/volumeHandle");
            let driver = text(volume, "/spec/csi/driver");
            if !handle.is_empty()
                && let Some(other) = holders.insert((driver, handle), name)
            {
                findings.push(format!(
                    "{other} and {name} have one handle, {driver} {handle}"
                ));
            }
        }
        findings
    }

    fn volume(&self, member: &Member, expect: Expect, findings: &mut Vec<String>) {
        let Some(volume) = self.volumes.get(&member.name) else {
            return findings.push("the volume is gone".to_owned());
        };
        let mut finding = |wrong: bool, say: &dyn Fn() -> String| {
            if wrong {
                findings.push(say());
            }
        };
        let form = Form::of(volume, member);
        let right = match expect {
            Expect::Originals => form == Form::Original,
            Expect::Translated | Expect::TranslatedAgain => form == Form::Translated,
            Expect::ViaEndpoint => form == Form::Endpoint,
            Expect::Either => form != Form::Other,
        };
        finding(!right, &|| {
            format!(
                "it is {form:?} where {expect:?} is expected: {}",
                volume["spec"]
            )
        });
        let deleting = !text(volume, "/metadata/deletionTimestamp").is_empty();
        finding(deleting, &|| "it is being deleted".to_owned());
        let phase = text(volume, "/status/phase");
        finding(phase != "Bound", &|| format!("it is {phase:?}"));
        for (pointer, wanted) in [
            ("/spec/claimRef/uid", member.claim_uid()),
            ("/spec/claimRef/name", member.claim_name()),
            ("/spec/claimRef/namespace", member.namespace()),
        ] {
            let found = text(volume, pointer);
            finding(found != wanted, &|| {
                format!("{pointer} is {found:?}, was {wanted:?}")
            });
        }
        let policy = text(volume, "/spec/persistentVolumeReclaimPolicy");
        // Nobody could delete what was made by hand; a rewrite keeps it so.
        let may_retain = expect == Expect::Either || !member.dynamic;
        let right = policy == member.policy() || (may_retain && policy == "Retain");
        finding(!right, &|| {
            format!("its policy is {policy}, was {}", member.policy())
        });
        let labels = |object: &Value| object["metadata"]["labels"].clone();
        finding(labels(volume) != labels(&member.volume), &|| {
            format!("its labels are {}", labels(volume))
        });
        let by = "/metadata/annotations/pv.kubernetes.io~1bound-by-controller";
        let (found, was) = (text(volume, by), text(&member.volume, by));
        finding(found != was, &|| {
            format!("bound-by-controller is {found:?}, was {was:?}")
        });
        let protection = Value::from("kubernetes.io/pv-protection");
        let finalizers = volume["metadata"]["finalizers"].as_array();
        let protected = finalizers.is_some_and(|all| all.contains(&protection));
        finding(!protected, &|| format!("it lacks {protection}"));
    }

    fn record(&self, member: &Member) -> Option<&Value> {
        self.records.get(&format!("pv-{}", member.name))
    }

    /// `is_recorded`: whether those are who rewrite the fleet who keep records.
    fn journal(
        &self,
        member: &Member,
        expect: Expect,
        is_recorded: bool,
        findings: &mut Vec<String>,
    ) {
        let Some(volume) = self.volumes.get(&member.name) else {
            return;
        };
        match self.record(member) {
            Some(record) => {
                let journal = Journal::of(record, member);
                // What was interrupted says so itself.
                if expect != Expect::Either || journal.step == "Done" {
                    findings.extend(journal.untruth(volume, member));
                }
                if expect == Expect::TranslatedAgain && journal.from != Form::Endpoint {
                    findings.push(format!("its record begins with {:?}", journal.from));
                }
            }
            None => {
                let form = Form::of(volume, member);
                let translated = matches!(form, Form::Translated | Form::Endpoint);
                if translated && is_recorded {
                    findings.push("it is translated without a record".to_owned());
                }
            }
        }
    }

    fn claim(&self, member: &Member, findings: &mut Vec<String>) {
        let place = (
            member.namespace().to_owned(),
            member.claim_name().to_owned(),
        );
        let Some(claim) = self.claims.get(&place) else {
            return findings.push("the claim is gone".to_owned());
        };
        for (pointer, wanted) in [
            ("/status/phase", "Bound"),
            ("/metadata/uid", member.claim_uid()),
            ("/spec/volumeName", member.name.as_str()),
            ("/metadata/deletionTimestamp", ""),
            (
                "/status/capacity/storage",
                text(&member.claim, "/status/capacity/storage"),
            ),
        ] {
            let found = text(claim, pointer);
            if found != wanted {
                findings.push(format!(
                    "the claim's {pointer} is {found:?} and not {wanted:?}"
                ));
            }
        }
    }
}

/// Everything that an API lists, page by page.
pub async fn all(api: &Api<DynamicObject>) -> Result<Vec<Value>, Untrue> {
    let mut parameters = ListParams::default().limit(500);
    let mut objects = Vec::new();
    loop {
        let page = api.list(&parameters).await.map_err(Untrue::of)?;
        for object in page.items {
            objects.push(serde_json::to_value(object).map_err(Untrue::of)?);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(objects),
        }
    }
}
