//! What is recorded of a node, so that controllers know which there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::{Id, Object};
use super::records::Record;

/// A node that served here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Node {
    pub id: Id,
    /// Where it is.
    pub segments: BTreeMap<String, String>,
    /// How many volumes can be attached to it; 0: any number.
    pub max_volumes: i64,
}

impl Record for Node {
    const OBJECT: Object = Object::Node;

    fn id(&self) -> &Id {
        &self.id
    }
}
