//! Bound volumes of every legacy kind, in a cluster that really binds them, and
//! the truth about them.

mod check;
mod classes;
mod create;
mod flex_volume;
mod form;
mod in_tree;
mod journal;
mod kind;
mod pair;
mod surroundings;
mod untrue;
mod witness;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

pub use check::Expect;
pub use form::Form;
pub use untrue::Untrue;
pub use witness::{Lost, Witness};

use crate::Cluster;
use crate::seed::Seed;

/// What a fleet is made of.
#[derive(Debug, Clone)]
pub struct Size {
    /// How many pairs of volume and claim.
    pub pairs: usize,
    /// What decides policies, labels, and which are made by hand.
    pub seed: u64,
    /// How many requests are under way while it is made.
    pub workers: usize,
}

impl Size {
    /// So many pairs, made by 32 workers.
    #[must_use]
    pub fn pairs(pairs: usize) -> Self {
        Self {
            pairs,
            seed: 1,
            workers: 32,
        }
    }
}

/// One bound volume, as it was before anybody touched it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The volume's name.
    pub name: String,
    /// The kind: the mapping's name, or the member of the in-tree source.
    pub kind: &'static str,
    /// Whether a provisioner made it, by its annotations.
    pub dynamic: bool,
    /// The volume, as the API server had it.
    pub volume: Value,
    /// The volume in CSI form, as the translation library gives it.
    pub translated: Value,
    /// The volume in the form of flex2csi's own endpoint, likewise.
    pub endpoint: Value,
    /// The claim, as the API server had it.
    pub claim: Value,
}

impl Member {
    /// The claim's namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        text(&self.claim, "/metadata/namespace")
    }

    /// The claim's name.
    #[must_use]
    pub fn claim_name(&self) -> &str {
        text(&self.claim, "/metadata/name")
    }

    /// The claim's uid.
    #[must_use]
    pub fn claim_uid(&self) -> &str {
        text(&self.claim, "/metadata/uid")
    }

    /// The reclaim policy.
    #[must_use]
    pub fn policy(&self) -> &str {
        text(&self.volume, "/spec/persistentVolumeReclaimPolicy")
    }
}

/// Bound volumes in a cluster.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// By the volumes' names.
    pub members: Arc<BTreeMap<String, Member>>,
    values: String,
}

impl Fleet {
    /// Makes a fleet with all that belongs to it: namespaces, StorageClasses,
    /// nodes and the CSI drivers that are to serve it. Everything is written as
    /// it stands in a cluster where the pairs have been bound for long, while
    /// kube-controller-manager is down: it finds nothing left to do. (By itself
    /// it binds 3 a second at its default rate.)
    ///
    /// # Errors
    /// The server refuses one of the objects, or a volume cannot be translated.
    pub async fn make(cluster: &Cluster, size: &Size) -> Result<Self, Untrue> {
        create::fleet(cluster, size).await
    }

    /// The members that `belongs` picks, as a fleet of their own.
    #[must_use]
    pub fn part(&self, belongs: impl Fn(&Member) -> bool) -> Self {
        let members = self.members.values().filter(|member| belongs(member));
        let members = members.map(|member| (member.name.clone(), member.clone()));
        Self {
            members: Arc::new(members.collect()),
            values: self.values.clone(),
        }
    }

    /// The values that its translation needs, for `--values`.
    #[must_use]
    pub fn values(&self) -> &str {
        &self.values
    }

    /// Writes the values to a file in the cluster's directory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn values_file(&self, cluster: &Cluster) -> std::io::Result<PathBuf> {
        let path = cluster.directory().join("values.yaml");
        std::fs::write(&path, &self.values)?;
        Ok(path)
    }

    /// Watches every version of every member from now on.
    ///
    /// # Errors
    /// etcd cannot be watched.
    pub async fn watch(&self, cluster: &Cluster) -> Result<Witness, Untrue> {
        Witness::start(self, cluster, false).await
    }

    /// Watches as well that nothing is touched, deleted or created whose rewrite is
    /// not recorded in full.
    ///
    /// # Errors
    /// etcd cannot be watched.
    pub async fn watch_with_journal(&self, cluster: &Cluster) -> Result<Witness, Untrue> {
        Witness::start(self, cluster, true).await
    }

    /// Compares every member with what the server has, as `expect` says, and
    /// records of rewrites, where there are any, with both. StorageClasses are to be as
    /// their records say.
    ///
    /// # Errors
    /// Everything that is not as it has to be.
    pub async fn check(&self, cluster: &Cluster, expect: Expect) -> Result<(), Untrue> {
        check::fleet(self, cluster, expect).await
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    let value = object.pointer(pointer).and_then(Value::as_str);
    value.unwrap_or_default()
}

fn kinds() -> Vec<&'static kind::Kind> {
    let all = flex_volume::KINDS.iter().chain(in_tree::KINDS);
    all.collect()
}

fn pairs(size: &Size) -> Vec<pair::Pair> {
    let (kinds, seed) = (kinds(), Seed::new(size.seed));
    let numbers = 0..size.pairs;
    numbers
        .map(|number| pair::Pair::new(kinds[number % kinds.len()], number, &seed))
        .collect()
}

#[cfg(test)]
mod tests;
