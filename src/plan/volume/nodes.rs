//! What nodes and their CSI drivers say that concerns a volume.

use flex2csi_translators::in_tree;
use flex2csi_translators::plan::{DriverFacts, Evidence, Mount, Shim};

use super::{Subject, Teller};
use crate::objects::source::Source;
use crate::objects::volume::Volume;
use crate::plan::evidence::{Node, Word};

impl Teller<'_> {
    pub(super) fn driver(&mut self, driver: &str, stored: &Volume<'_>) -> DriverFacts {
        let nodes = &self.evidence.nodes;
        let wanted = self.affinities.nodes(stored.spec.node_affinity, nodes);
        let wanted: Vec<&Node> = wanted
            .iter()
            .filter_map(|number| nodes.at(*number))
            .collect();
        let names = |keep: fn(&Node, &str) -> bool| {
            let found = wanted.iter().filter(|node| keep(node, driver));
            found.map(|node| node.name.clone()).collect()
        };
        DriverFacts {
            nodes: nodes.all().iter().filter(|node| node.takes_pods).count(),
            anywhere: nodes.having(driver),
            wanted: wanted.len(),
            without: names(|node, driver| !node.drivers.contains(driver)),
            attaches: self.evidence.csi_drivers.get(driver).attaches(),
            attach_off: names(|node, _| !node.controller_attaches),
        }
    }

    /// Whether nodes tell that a volume of this source is idle.
    pub(super) fn word_of_nodes(&self, source: &Source) -> Evidence {
        let (mut silent, mut stale, mut not_ready) = (Vec::new(), Vec::new(), Vec::new());
        let daemons = matches!(source, Source::Flex { .. }) && self.node_evidence;
        for node in self.evidence.nodes.all() {
            if node.out_of_service {
                continue;
            }
            if !node.ready {
                not_ready.push(node.name.clone());
            } else if daemons {
                match self.evidence.node_volumes.word(&node.name) {
                    Word::Fresh => {}
                    Word::Stale => stale.push(node.name.clone()),
                    Word::Silent => silent.push(node.name.clone()),
                }
            }
        }
        if !(silent.is_empty() && stale.is_empty() && not_ready.is_empty()) {
            return Evidence::Lacking {
                silent,
                stale,
                not_ready,
            };
        }
        let is_listed = match source {
            Source::InTree { field } => in_tree::is_attached(field),
            Source::Endpoint { driver, .. } => self.evidence.csi_drivers.get(driver).attaches(),
            Source::Flex { .. } | Source::Csi | Source::Unknown => true,
        };
        match self.node_evidence && !is_listed {
            true => Evidence::NoneForSource,
            false => Evidence::Enough,
        }
    }

    /// Whether nodes tell that a volume in CSI form is idle. Kubelet lists it in
    /// `volumesInUse` only where its driver attaches, and node daemons tell of what they
    /// and original drivers have mounted.
    pub(super) fn word_of_kubelets(&self, driver: &DriverFacts) -> Evidence {
        match self.node_evidence && !driver.attaches {
            true => Evidence::NoneForSource,
            false => Evidence::Enough,
        }
    }

    pub(super) fn shim(&mut self, subject: &Subject<'_>, mounts: &[Mount]) -> Shim {
        let nodes = &self.evidence.nodes;
        let admitted = self
            .affinities
            .nodes(subject.stored.spec.node_affinity, nodes);
        let driver = self.evidence.csi_drivers.get(subject.driver);
        let (mut misplaced, mut old_kubelets) = (Vec::new(), Vec::new());
        for mount in mounts {
            let Some(node) = nodes.named(&mount.node) else {
                continue;
            };
            let here = |number: &&u32| nodes.at(**number).is_some_and(|at| at.name == node.name);
            if node.takes_pods && admitted.iter().find(here).is_none() {
                misplaced.push(node.name.clone());
            }
            if node.kubelet.is_none_or(|version| version < (1, 24)) {
                old_kubelets.push(node.name.clone());
            }
        }
        let modes = &subject.stored.spec.access_modes;
        Shim {
            attaches: driver.attaches(),
            republishes: driver.republishes(),
            se_linux_mount: driver.se_linux_mount(),
            leaves_groups_alone: driver.leaves_groups_alone(),
            one_pod: modes.iter().any(|mode| mode == "ReadWriteOncePod"),
            misplaced,
            old_kubelets,
        }
    }
}
