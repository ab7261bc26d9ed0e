//! Pins, as they are looked for, made and removed.

use std::time::Duration;

use flex2csi_translators::attachment::attachment_name;
use flex2csi_translators::rewrite::{
    Action, Pin, PinCall, PinPart, PinSettings, Step, World, abandon, is_armed,
};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{Api, Call, Place, Resource, Verb};
use super::fault;
use super::line::Answer;
use super::stopped::Stopped;
use super::worker::Worker;
use crate::journal::Document;
use crate::node_volumes::NodeVolumes;

/// Two parts on each node, and then some that come late.
const MOST_TO_ABANDON: usize = 500;

/// How long a pin's pod waits at most for its volume to be gone. A controller that is there
/// takes a moment.
const FOR_VOLUMES: Duration = Duration::from_secs(10);

/// The nodes on which something hangs on a pin.
pub(super) fn armed_on(world: &World) -> Vec<String> {
    let pins = world.pins.iter().flatten();
    let armed = pins.filter(|pin| pin.is_armed());
    armed.map(|pin| pin.node.clone()).collect()
}

fn place(settings: &PinSettings, part: PinPart, name: &str) -> Place {
    let (resource, namespace) = match part {
        PinPart::Pod => (Resource::Pod, settings.namespace.as_str()),
        PinPart::Claim => (Resource::Claim, settings.namespace.as_str()),
        PinPart::Volume => (Resource::PersistentVolume, ""),
    };
    Place {
        resource,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// The places of all parts of a pin.
pub(super) fn places(settings: &PinSettings, name: &str) -> [Place; 3] {
    [PinPart::Pod, PinPart::Volume, PinPart::Claim].map(|part| place(settings, part, name))
}

/// A node's word, unless it is too old.
fn fresh(found: Value) -> Option<Value> {
    let said: NodeVolumes = serde_json::from_value(found.clone()).ok()?;
    said.is_fresh(Timestamp::now()).then_some(found)
}

impl<A: Api> Worker<'_, A> {
    /// Looks for pins on all nodes where there may be one, and at the nodes.
    pub(super) async fn ask_pins(&mut self) -> Result<(), Stopped> {
        let Some((settings, nodes)) = self.record.pinned() else {
            self.world.pins = Some(Vec::new());
            return Ok(());
        };
        let (settings, nodes) = (settings.clone(), nodes.to_vec());
        let (driver, handle) = self.record.csi();
        let (driver, handle) = (driver.to_owned(), handle.to_owned());
        let mut pins = Vec::new();
        for node in nodes {
            let name = self.record.pin_name(&node);
            let of = |part| place(&settings, part, &name);
            let attachment = attachment_name(&driver, &handle, &node);
            let attachment = Place::of_cluster(Resource::Attachment, attachment);
            let node_object = Place::of_cluster(Resource::Node, node.as_str());
            let node_volumes = Place::of_cluster(Resource::NodeVolumes, node.as_str());
            let line = &mut self.line;
            // What is mounted is looked at last: it says the least of what is to come.
            let (claim, volume) = line
                .get_both(&of(PinPart::Claim), &of(PinPart::Volume))
                .await?;
            let (pod, attachment) = line.get_both(&of(PinPart::Pod), &attachment).await?;
            let (node_object, said) = line.get_both(&node_object, &node_volumes).await?;
            pins.push(Pin {
                node,
                pod,
                volume,
                claim,
                attachment,
                node_object,
                node_volumes: said.and_then(fresh),
            });
        }
        self.world.pins = Some(pins);
        self.is_armed = is_armed(&self.world);
        Ok(())
    }

    /// Makes or removes a part of a pin.
    pub(super) async fn pin(&mut self, call: PinCall) -> Result<(), Stopped> {
        let action = Action::Pin(call.clone());
        // Who has lost the record deletes nothing that another one relies on: that one takes
        // the pod over after the record. What is made too late all the same is abandoned.
        if !self.confirm(&action).await? {
            return self.observe().await;
        }
        self.change_pin(call).await?;
        self.observe().await
    }

    async fn change_pin(&mut self, call: PinCall) -> Result<(), Stopped> {
        let Some((settings, _)) = self.record.pinned() else {
            return Ok(());
        };
        let settings = settings.clone();
        match call {
            PinCall::Create(part, body) => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                let place = place(&settings, part, name);
                self.is_armed |= part == PinPart::Claim;
                fault::at("pin", "before");
                let answer = self.line.create(place.clone(), body, false).await?;
                fault::at("pin", "after");
                if matches!(answer, Answer::Missing) {
                    return Err(Stopped::Refused {
                        subject: self.line.subject(),
                        doing: format!("create {place}"),
                        status: 404,
                        message: format!("there is no namespace {}", settings.namespace),
                        remedy: "create it, or name another one with --pin-namespace",
                    });
                }
            }
            PinCall::Patch { name, patch } => {
                let place = place(&settings, PinPart::Pod, &name);
                fault::at("pin", "before");
                self.line.patch(place, patch).await?;
                fault::at("pin", "after");
            }
            PinCall::Delete {
                part,
                name,
                uid,
                version,
            } => {
                let call = Call {
                    verb: Verb::Delete,
                    place: place(&settings, part, &name),
                    body: Some(json!({
                        "apiVersion": "v1",
                        "kind": "DeleteOptions",
                        "preconditions": {"uid": uid, "resourceVersion": version},
                    })),
                    dry_run: false,
                };
                fault::at("unpin", "before");
                self.line.ask(call).await?;
                fault::at("unpin", "after");
            }
        }
        Ok(())
    }

    /// Whether nobody goes by the pins of this rewrite: the record still names us, or nothing
    /// is under way any more, and what came of ours too late would be left. Whoever has it
    /// under way finds that. An unanswered question counts as no.
    async fn are_abandoned(&mut self) -> bool {
        let place = self.record_place(Resource::Migration);
        let Ok(Some(found)) = self.line.get(&place).await else {
            return false;
        };
        Document::read(&found).is_ok_and(|document| {
            let is_ours = self.is_ours(&document) && self.record.status.step == Step::Recorded;
            is_ours || document.is_finished() || document.spec.id != self.record.spec.id
        })
    }

    /// Leaves no pin behind on which nothing hangs. What cannot be removed now is
    /// removed when it is gone on with.
    pub(super) async fn abandon_pins(&mut self) {
        if self.record.pinned().is_none() {
            return;
        }
        let began = Instant::now();
        for _ in 0..MOST_TO_ABANDON {
            let result = match abandon(&self.record, &self.world) {
                Some(Action::AskPins) => self.ask_pins().await,
                Some(Action::Pin(call)) => {
                    // Another may go by them by now.
                    if !self.are_abandoned().await {
                        return;
                    }
                    let changed = self.change_pin(call).await;
                    self.world.pins = None;
                    changed
                }
                Some(Action::Wait(_)) if began.elapsed() < FOR_VOLUMES => {
                    let longest = self.line.pace().max(Duration::from_millis(100));
                    self.line.api.moved(&self.place(), "", longest).await;
                    self.world.pins = None;
                    Ok(())
                }
                _ => return,
            };
            if let Err(stopped) = result {
                tracing::debug!(%stopped, "a pin is left");
                return;
            }
        }
    }
}
