//! What a peer or a floor is told to do, one volume a line.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fleet::{Fleet, Member};

/// One volume that is to be put in another's place, under its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The volume's name.
    pub name: String,
    /// The claim's namespace.
    pub namespace: String,
    /// The claim's name.
    pub claim: String,
    /// The policy at the end.
    pub policy: String,
    /// The volume as it was.
    pub original: Value,
    /// The object to create, with policy `Retain`.
    pub object: Value,
}

impl Order {
    fn of(member: &Member) -> Self {
        let metadata = &member.translated["metadata"];
        let mut spec = member.translated["spec"].clone();
        spec["persistentVolumeReclaimPolicy"] = json!("Retain");
        let policy = if member.dynamic {
            member.policy()
        } else {
            "Retain"
        };
        Self {
            name: member.name.clone(),
            namespace: member.namespace().to_owned(),
            claim: member.claim_name().to_owned(),
            policy: policy.to_owned(),
            original: member.volume.clone(),
            object: json!({
                "apiVersion": "v1", "kind": "PersistentVolume",
                "metadata": {
                    "name": member.name,
                    "labels": metadata["labels"],
                    "annotations": metadata["annotations"],
                },
                "spec": spec,
            }),
        }
    }
}

/// Writes the orders that translate a fleet, and gives their file.
///
/// # Errors
/// The file cannot be written.
pub fn write(fleet: &Fleet, directory: &Path) -> io::Result<PathBuf> {
    let path = directory.join("orders.jsonl");
    let mut text = String::new();
    for member in fleet.members.values() {
        text.push_str(&serde_json::to_string(&Order::of(member))?);
        text.push('\n');
    }
    std::fs::write(&path, text)?;
    Ok(path)
}

/// Writes a file `NAME.json` for each volume, the object to create.
///
/// # Errors
/// A file cannot be written.
pub fn write_objects(fleet: &Fleet, directory: &Path) -> io::Result<()> {
    for member in fleet.members.values() {
        let order = Order::of(member);
        let path = directory.join(format!("{}.json", order.name));
        std::fs::write(path, order.object.to_string())?;
    }
    Ok(())
}

/// Reads orders.
///
/// # Errors
/// The file cannot be read, or a line is no order.
pub fn read(path: &Path) -> io::Result<Vec<Order>> {
    let text = std::fs::read_to_string(path)?;
    let orders = text.lines().map(serde_json::from_str);
    orders.collect::<Result<_, _>>().map_err(io::Error::other)
}
