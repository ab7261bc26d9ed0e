use clap::Args;

use super::Selection;
use crate::exit::Usage;

/// Which objects. What is named in several ways has to fit all of them.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectionArgs {
    /// A PersistentVolume; may be repeated.
    #[arg(long = "pv", value_name = "NAME")]
    pub volumes: Vec<String>,
    /// The volume of a claim; may be repeated.
    #[arg(long = "claim", value_name = "NAMESPACE/NAME")]
    pub claims: Vec<String>,
    /// The volumes of a namespace's claims, and its workloads; may be repeated.
    #[arg(short, long = "namespace", value_name = "NAMESPACE")]
    pub namespaces: Vec<String>,
    /// A StorageClass and its volumes; may be repeated.
    #[arg(long = "storage-class", value_name = "NAME")]
    pub classes: Vec<String>,
    /// A FlexVolume driver, in-tree source, plugin, provisioner or CSI driver; may
    /// be repeated.
    #[arg(long = "driver", value_name = "NAME")]
    pub drivers: Vec<String>,
    /// PersistentVolumes with these labels.
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    pub labels: Option<String>,
}

impl SelectionArgs {
    /// What they select.
    ///
    /// # Errors
    /// A claim has no namespace.
    pub fn selection(&self) -> Result<Selection, Usage> {
        let mut selection = Selection {
            volumes: self.volumes.iter().cloned().collect(),
            namespaces: self.namespaces.iter().cloned().collect(),
            classes: self.classes.iter().cloned().collect(),
            drivers: self.drivers.iter().cloned().collect(),
            labels: self.labels.clone(),
            ..Selection::default()
        };
        for claim in &self.claims {
            let key = match (claim.split_once('/'), self.namespaces.as_slice()) {
                (Some((namespace, name)), _) => (namespace.to_owned(), name.to_owned()),
                // `-n shop --claim data`, as kubectl is told.
                (None, [namespace]) => (namespace.clone(), claim.clone()),
                (None, _) => {
                    return Err(Usage(format!(
                        "--claim {claim}: give its namespace too, as NAMESPACE/{claim}"
                    )));
                }
            };
            selection.claims.insert(key);
        }
        Ok(selection)
    }
}
