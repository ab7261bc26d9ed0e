use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use flex2csi_translators::plan::{Finding, PodPhase, PodUse, VendorController};

use super::Claims;
use crate::digest::Key;
use crate::objects::pod::Pod;

/// Pods by the legacy claims that they name.
#[derive(Debug, Default)]
pub struct Pods {
    by_claim: HashMap<Key, Vec<PodRecord>>,
    /// The uids of what makes them.
    makers: HashSet<Key>,
    vendors: Vec<(&'static VendorController, String)>,
    nodes: HashMap<String, Arc<str>>,
}

/// What is remembered of a pod.
#[derive(Debug)]
pub struct PodRecord {
    namespace: Box<str>,
    name: Box<str>,
    uid: Box<str>,
    node: Arc<str>,
    phase: PodPhase,
    fs_group: bool,
    maker: Option<Box<Maker>>,
}

/// What makes a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// Its kind.
    pub kind: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its uid.
    pub uid: Key,
}

impl Pods {
    /// Takes note of a pod.
    pub fn add(&mut self, pod: &Pod, claims: &Claims) {
        let vendor = VendorController::among(pod.spec.containers());
        let found = pod.as_use();
        if let Some(vendor) = vendor
            && found.phase != PodPhase::Ended
        {
            self.vendors.push((vendor, found.name()));
        }
        for claim in pod.claims() {
            if !claims.is_wanted(&found.namespace, &claim) {
                continue;
            }
            let key = Key::of(&[&found.namespace, &claim]);
            let node = self.node(&found.node);
            let maker = pod.metadata.controller().map(|owner| Maker {
                kind: owner.kind.as_str().into(),
                name: owner.name.as_str().into(),
                uid: Key::of(&[&owner.uid]),
            });
            self.makers.extend(maker.iter().map(|maker| maker.uid));
            self.by_claim.entry(key).or_default().push(PodRecord {
                namespace: found.namespace.as_str().into(),
                name: found.pod.as_str().into(),
                uid: found.uid.as_str().into(),
                node,
                phase: found.phase,
                fs_group: found.fs_group,
                maker: maker.map(Box::new),
            });
        }
    }

    fn node(&mut self, name: &str) -> Arc<str> {
        match self.nodes.get(name) {
            Some(node) => Arc::clone(node),
            None => {
                let node: Arc<str> = name.into();
                self.nodes.insert(name.to_owned(), Arc::clone(&node));
                node
            }
        }
    }

    /// Whether what has this uid makes one of the pods.
    pub fn is_maker(&self, uid: Key) -> bool {
        self.makers.contains(&uid)
    }

    /// The pods that name a claim, each with what makes it.
    pub fn of(&self, namespace: &str, claim: &str) -> Vec<(PodUse, Option<Maker>)> {
        let pods = self.by_claim.get(&Key::of(&[namespace, claim]));
        let pods = pods.into_iter().flatten();
        pods.map(|pod| {
            let found = PodUse {
                namespace: pod.namespace.to_string(),
                pod: pod.name.to_string(),
                uid: pod.uid.to_string(),
                node: pod.node.to_string(),
                phase: pod.phase,
                fs_group: pod.fs_group,
                owner: String::new(),
            };
            (found, pod.maker.as_deref().cloned())
        })
        .collect()
    }

    /// Controllers that run and act on the deletion of volumes of a driver.
    pub fn vendor_controllers(&self, driver: &str) -> Vec<Finding> {
        let vendors = self.vendors.iter();
        vendors
            .filter(|(vendor, _)| vendor.driver == driver)
            .map(|(vendor, pod)| vendor.finding(pod))
            .collect()
    }
}
