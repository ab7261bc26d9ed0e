use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use crate::objects::metadata::{Metadata, null_is_empty};
use crate::objects::node;

/// The cluster's nodes, each with a number.
#[derive(Debug, Default)]
pub struct Nodes {
    all: Vec<Node>,
    numbers: HashMap<String, u32>,
}

/// What is remembered of a node.
#[derive(Debug, Default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether its kubelet says that all is well.
    pub ready: bool,
    /// Whether somebody vouches that it runs no more.
    pub out_of_service: bool,
    /// Whether ordinary pods are put there.
    pub takes_pods: bool,
    /// Whether the controller may attach volumes to it.
    pub controller_attaches: bool,
    /// Which of its boots it runs in.
    pub boot_id: String,
    /// Major and minor version of its kubelet.
    pub kubelet: Option<(u32, u32)>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The CSI drivers that it has.
    pub drivers: BTreeSet<String>,
    /// The in-tree plugins that its kubelet serves through CSI.
    pub migrated: BTreeSet<String>,
}

/// A CSINode.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CsiNode {
    metadata: Metadata,
    spec: CsiNodeSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CsiNodeSpec {
    #[serde(deserialize_with = "null_is_empty")]
    drivers: Vec<CsiNodeDriver>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CsiNodeDriver {
    name: String,
}

/// Set by kubelet (kubernetes v1.36 `staging/src/k8s.io/api/core/v1/annotation_key_constants.go`,
/// `MigratedPluginsAnnotationKey`).
const MIGRATED_PLUGINS: &str = "storage.alpha.kubernetes.io/migrated-plugins";

impl Nodes {
    /// Takes note of a node, and gives its number.
    pub fn add(&mut self, node: node::Node) -> u32 {
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let remembered = Node {
            ready: node.is_ready(),
            out_of_service: node.is_out_of_service(),
            takes_pods: node.takes_pods(),
            controller_attaches: node.controller_attaches(),
            boot_id: node.boot_id().to_owned(),
            kubelet: node.kubelet(),
            drivers: BTreeSet::new(),
            migrated: BTreeSet::new(),
            name: node.metadata.name,
            labels: node.metadata.labels,
        };
        self.numbers.insert(remembered.name.clone(), number);
        self.all.push(remembered);
        number
    }

    /// Takes note of what a node has of CSI. It comes after the node.
    pub fn add_csi(&mut self, csi: CsiNode) {
        let number = self.numbers.get(&csi.metadata.name).copied();
        let Some(node) = number.and_then(|number| self.all.get_mut(number as usize)) else {
            return;
        };
        let drivers = csi.spec.drivers.into_iter();
        node.drivers.extend(drivers.map(|driver| driver.name));
        if let Some(plugins) = csi.metadata.annotations.get(MIGRATED_PLUGINS) {
            node.migrated.extend(plugins.split(',').map(str::to_owned));
        }
    }

    /// All of them, in the order of their numbers.
    pub fn all(&self) -> &[Node] {
        &self.all
    }

    /// A node by its number.
    pub fn at(&self, number: u32) -> Option<&Node> {
        self.all.get(number as usize)
    }

    /// A node by its name.
    pub fn named(&self, name: &str) -> Option<&Node> {
        self.at(*self.numbers.get(name)?)
    }

    /// How many have a CSI driver.
    pub fn having(&self, driver: &str) -> usize {
        self.all
            .iter()
            .filter(|node| node.drivers.contains(driver))
            .count()
    }
}
