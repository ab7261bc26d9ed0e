//! What was seen of one object, its claim and its use.

use serde_json::Value;

use super::pins::Pin;

/// What is known of the world. An older view is no danger, only a lost round: every
/// write is refused if the world is not as it was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// The object of the record's name; `None` where there is none.
    pub object: Option<Value>,
    /// The claim of the record's name; `None` where there is none.
    pub claim: Option<Value>,
    /// Who uses the object; `None` until that was asked, and a moment after.
    pub used: Option<Use>,
    /// The pins on the nodes where there may be some; `None` until that was asked.
    pub pins: Option<Vec<Pin>>,
    /// What the server would create.
    pub accepted: Option<Value>,
    /// What of it is only as a watch told last.
    pub glimpsed: Glimpsed,
    /// Whether the claim was left alone for long enough that the controller may have
    /// missed its last change.
    pub overlooked: bool,
}

/// What was not read, but told by a watch: it was so, and may be so no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glimpsed {
    /// [`World::object`]
    pub object: bool,
    /// [`World::claim`]
    pub claim: bool,
}

/// Who uses an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// Nobody.
    Idle,
    /// Who, for the message.
    By(String),
    /// Why it cannot be known.
    Unknown(String),
    /// Only pods whose every mount was made by the node daemons' FlexVolume door, and
    /// pins.
    ByCsi {
        /// The nodes where it is mounted.
        nodes: Vec<String>,
    },
}
