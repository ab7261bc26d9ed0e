//! A node with a pod on it, whose volume the node daemon has mounted and attached, and
//! all those who have to do with that: kubelet, the node daemon, and the attach/detach
//! controller, who detaches what nobody wants and no node says that it uses
//! (kubernetes `pkg/controller/volume/attachdetach/reconciler/reconciler.go`, v1.36).

use serde_json::{Value, json};

use super::merge_patch::merge;
use crate::rewrite::{Pin, PinCall, PinPart, PinSettings, Use, View};

pub(super) fn settings() -> PinSettings {
    PinSettings {
        namespace: "pins".into(),
        image: "image".into(),
        priority_class: None,
    }
}

/// A VolumeAttachment, as far as it matters.
#[derive(Debug, Clone)]
struct Attachment {
    uid: String,
    /// The attach/detach controller goes by it.
    adopted: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    clock: u64,
    /// The pod that uses the volume is there.
    pub(super) pod: bool,
    /// The node daemon has it mounted for the pod, and recorded.
    pub(super) flex: bool,
    daemon_has: bool,
    /// Kubelet has it mounted for the pod.
    pub(super) taken: bool,
    pin_mounted: bool,
    /// Kubelet looks at the pod again, and so finds that its volume is another.
    pub(super) syncs: bool,
    /// Kubelet reports the node's status.
    pub(super) reports: bool,
    /// Kubelet does not run one more pod.
    pub(super) full: bool,
    /// `volumesInUse`, and what NodeVolumes says.
    in_use: bool,
    says: Value,
    attachment: Option<Attachment>,
    parts: [Option<Value>; 3],
}

const PARTS: [PinPart; 3] = [PinPart::Pod, PinPart::Volume, PinPart::Claim];

fn at(part: PinPart) -> usize {
    PARTS.iter().position(|other| *other == part).unwrap()
}

impl Node {
    pub(super) fn new() -> Self {
        let mut node = Self {
            clock: 0,
            pod: true,
            flex: true,
            daemon_has: true,
            taken: false,
            pin_mounted: false,
            syncs: true,
            reports: true,
            full: false,
            in_use: false,
            says: Value::Null,
            attachment: Some(Attachment {
                uid: "uid-attachment".into(),
                adopted: false,
            }),
            parts: [None, None, None],
        };
        node.daemon(false);
        node
    }

    fn part(&self, part: PinPart) -> Option<View<'_>> {
        self.parts[at(part)].as_ref().map(View)
    }

    /// Whether nothing of a pin is left.
    pub(super) fn is_clean(&self) -> bool {
        self.parts.iter().all(Option::is_none)
    }

    /// Whether the attachment is the one that was there first.
    pub(super) fn is_attached_all_along(&self) -> bool {
        let uid = self.attachment.as_ref().map(|one| one.uid.as_str());
        uid == Some("uid-attachment")
    }

    pub(super) fn is_armed(&self) -> bool {
        self.part(PinPart::Claim).is_some()
    }

    fn published(&self) -> &[Value] {
        self.says["shim"].as_array().map_or(&[], Vec::as_slice)
    }

    /// As the plan judges it, beside pins.
    pub(super) fn used(&self) -> Use {
        let armed = self.is_armed();
        let mounts = self.published().iter();
        let mut mounts = mounts.filter(|mount| mount["podUID"].is_string() || !armed);
        let nodes = vec!["a".to_owned()];
        match (self.pod, mounts.next()) {
            (true, Some(mount)) if mount["podUID"].is_string() => Use::ByCsi { nodes },
            (true, _) => Use::By("a pod".into()),
            (false, Some(_)) => Use::By("a mount".into()),
            (false, None) if self.in_use && !armed => Use::By("node a".into()),
            (false, None) => Use::Idle,
        }
    }

    /// As it is read.
    pub(super) fn pin(&self, name: &str) -> Pin {
        let there = self.parts.iter().flatten();
        assert!(
            there
                .into_iter()
                .all(|part| part["metadata"]["name"] == name)
        );
        let in_use = match self.in_use {
            true => json!(["kubernetes.io/csi/csi.example.com^1"]),
            false => json!([]),
        };
        Pin {
            node: "a".into(),
            pod: self.parts[0].clone(),
            volume: self.parts[1].clone(),
            claim: self.parts[2].clone(),
            attachment: self.attachment.as_ref().map(|attachment| {
                json!({"metadata": {"uid": attachment.uid}, "status": {"attached": true}})
            }),
            node_object: Some(json!({"status": {"volumesInUse": in_use}})),
            node_volumes: Some(self.says.clone()),
        }
    }

    pub(super) fn call(&mut self, call: PinCall) {
        match call {
            PinCall::Create(part, mut body) => {
                self.clock += 1;
                body["metadata"]["uid"] = format!("uid-pin-{}", self.clock).into();
                body["metadata"]["resourceVersion"] = self.clock.to_string().into();
                if part == PinPart::Pod {
                    body["status"] = json!({"phase": "Pending"});
                }
                self.parts[at(part)].get_or_insert(body);
            }
            PinCall::Patch { patch, .. } => {
                if self.is_still(PinPart::Pod, View(&patch)) {
                    self.change(PinPart::Pod, &patch);
                }
            }
            PinCall::Delete {
                part, uid, version, ..
            } => {
                let seen = json!({"metadata": {"uid": uid, "resourceVersion": version}});
                if self.is_still(part, View(&seen)) {
                    let ends = json!({"metadata": {"deletionTimestamp": "now"}});
                    self.change(part, &ends);
                }
            }
        }
        self.let_go();
    }

    /// Whether a part is as it was seen.
    fn is_still(&self, part: PinPart, seen: View<'_>) -> bool {
        let as_seen =
            |there: View<'_>| (there.uid(), there.version()) == (seen.uid(), seen.version());
        self.part(part).is_some_and(as_seen)
    }

    fn change(&mut self, part: PinPart, patch: &Value) {
        let Some(there) = &mut self.parts[at(part)] else {
            return;
        };
        self.clock += 1;
        merge(there, patch);
        there["metadata"]["resourceVersion"] = self.clock.to_string().into();
    }

    /// What is deleted goes when nothing needs it any more.
    fn let_go(&mut self) {
        let is_ending =
            |part: &Option<Value>| part.as_ref().is_some_and(|one| View(one).is_ending());
        if is_ending(&self.parts[0]) && View(self.parts[0].as_ref().unwrap()).phase() == "Failed" {
            self.parts[0] = None;
        }
        if is_ending(&self.parts[2]) && self.parts[0].is_none() {
            self.parts[2] = None;
        }
        if is_ending(&self.parts[1]) && self.parts[2].is_none() {
            self.parts[1] = None;
        }
    }

    pub(super) fn turn(&mut self, which: u8, is_csi: bool) {
        match which {
            0 => self.kubelet(is_csi),
            1 if self.reports => self.in_use = self.pin_mounted || self.taken,
            1 => {}
            2 => {
                self.attach_detach(is_csi);
                self.collect_garbage();
            }
            _ => self.daemon(is_csi),
        }
        self.let_go();
    }

    fn kubelet(&mut self, is_csi: bool) {
        let is_adopted = self.attachment.as_ref().is_some_and(|one| one.adopted);
        if self.pod {
            self.taken |= is_csi && is_adopted && self.syncs;
        } else {
            (self.flex, self.taken) = (false, false);
        }
        let claimed = self.is_bound();
        let Some(pod) = self.part(PinPart::Pod) else {
            self.pin_mounted = false;
            return;
        };
        if pod.is_ending() {
            self.pin_mounted = false;
            self.parts[0] = None;
        } else if pod.text("/status/startTime").is_empty() {
            let phase = if self.full { "Failed" } else { "Pending" };
            let status = json!({"startTime": "now", "phase": phase});
            self.change(PinPart::Pod, &json!({"status": status}));
        } else if claimed && is_adopted && !self.pin_mounted {
            self.pin_mounted = true;
            let ready = json!([{"type": "Ready", "status": "True"}]);
            let status = json!({"phase": "Running", "conditions": ready});
            self.change(PinPart::Pod, &json!({"status": status}));
        }
    }

    /// Whether there are volume and claim: they are bound at once.
    fn is_bound(&self) -> bool {
        self.part(PinPart::Volume).is_some() && self.part(PinPart::Claim).is_some()
    }

    fn attach_detach(&mut self, is_csi: bool) {
        let by_pin = self
            .part(PinPart::Pod)
            .is_some_and(|pod| pod.phase() != "Failed")
            && self.is_bound();
        let is_wanted = by_pin || (self.pod && is_csi);
        match &mut self.attachment {
            Some(attachment) if is_wanted => attachment.adopted = true,
            Some(attachment) if attachment.adopted && !self.in_use => self.detach(),
            None if is_wanted => {
                self.clock += 1;
                self.attachment = Some(Attachment {
                    uid: format!("uid-new-{}", self.clock),
                    adopted: true,
                });
            }
            _ => {}
        }
    }

    /// A claim goes with the volume that owns it.
    fn collect_garbage(&mut self) {
        if self.parts[1].is_none() {
            let ends = json!({"metadata": {"deletionTimestamp": "now"}});
            self.change(PinPart::Claim, &ends);
        }
    }

    fn detach(&mut self) {
        assert!(
            !self.flex && !self.taken && !self.pin_mounted,
            "detached under a mount: {self:#?}"
        );
        self.attachment = None;
    }

    fn daemon(&mut self, is_csi: bool) {
        if !self.flex && self.daemon_has && !(self.pin_mounted || self.taken) {
            // What is somebody's in CSI form is the attach/detach controller's.
            if self.attachment.is_some() && self.parts[1].is_none() && !is_csi {
                self.detach();
            }
            self.daemon_has = false;
        }
        let mount = json!({"driver": "csi.example.com", "handle": "1", "state": "Mounted"});
        let mut shim = Vec::new();
        if self.daemon_has {
            shim.push(mount);
        }
        if self.flex {
            shim[0]["podUID"] = "u".into();
            shim[0]["csi"] = self.taken.into();
        }
        self.says = json!({"bootID": "", "shim": shim});
    }
}
