use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use flex2csi_translators::plan::{Code, Finding, PodPhase, PodUse};

use super::Claims;
use crate::digest::Key;
use crate::objects::pod::{Pod, PodSpec};

/// Pods by the legacy claims that they name.
#[derive(Debug, Default)]
pub struct Pods {
    by_claim: HashMap<Key, Vec<PodRecord>>,
    /// The uids of what makes them.
    makers: HashSet<Key>,
    vendors: Vec<(&'static Vendor, String)>,
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

/// A vendor's controller that acts when a PersistentVolume is deleted.
#[derive(Debug)]
struct Vendor {
    /// The CSI driver whose volumes it looks after.
    driver: &'static str,
    /// What its container is called.
    container: &'static str,
    /// What its image is called, after the registry and before the tag.
    image: &'static str,
    /// What it does.
    does: &'static str,
}

static VENDORS: [Vendor; 1] = [Vendor {
    // vsphere-csi-driver `pkg/syncer/metadatasyncer.go`: each deletion of a volume
    // that is not released with the policy Delete removes it from CNS, and with it
    // what tells its VMDK's id.
    driver: "csi.vsphere.vmware.com",
    container: "vsphere-syncer",
    image: "/syncer",
    does: "takes a volume out of CNS when its PersistentVolume is deleted",
}];

impl Vendor {
    fn is_in(&self, pod: &PodSpec) -> bool {
        pod.containers().any(|(name, image)| {
            let image = image.split(['@', ':']).next().unwrap_or_default();
            name == self.container || image.ends_with(self.image)
        })
    }
}

impl Pods {
    /// Takes note of a pod.
    pub fn add(&mut self, pod: &Pod, claims: &Claims) {
        let vendor = VENDORS.iter().find(|vendor| vendor.is_in(&pod.spec));
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
        let vendors = self
            .vendors
            .iter()
            .filter(|(vendor, _)| vendor.driver == driver);
        vendors
            .map(|(vendor, pod)| {
                let message = format!("{} in pod {pod} {}", vendor.container, vendor.does);
                Finding::new(Code::VendorController, message)
            })
            .collect()
    }
}
