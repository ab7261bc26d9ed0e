//! When an attachment that a node daemon made may go without the daemon: nobody
//! else releases it, since the attach/detach controller passes over attachments
//! that name no PersistentVolume.

#[cfg(test)]
mod tests;

use std::fmt;

/// What is known of an attachment's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// It is there.
    Here,
    /// It has the taint `node.kubernetes.io/out-of-service`: somebody made sure
    /// that it is down.
    OutOfService,
    /// There is no such Node object.
    Gone {
        /// For as long as the attach/detach controller waits before it takes a
        /// volume from a node that may still be writing.
        long: bool,
    },
}

/// What the node daemon says of the volume in its NodeVolumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeSays {
    /// Nothing: there is no such object, or it is stale.
    Nothing,
    /// The volume is not in the list.
    Unlisted,
    /// It is not in the list, and the node has been started anew since it was
    /// attached: what was mounted before is not any more.
    Restarted,
    /// Something of it is mounted, or may be.
    InUse,
    /// It is let go of, and only the attachment is left.
    Detaching,
}

/// What the list says of a volume, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// kubelet is waiting for it.
    Mounting,
    /// A pod has it.
    Mounted,
    /// It is being taken away.
    Unmounting,
    /// Only its attachment is left.
    Detaching,
}

impl State {
    /// As it stands in NodeVolumes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mounting => "Mounting",
            Self::Mounted => "Mounted",
            Self::Unmounting => "Unmounting",
            Self::Detaching => "Detaching",
        }
    }
}

/// All that counts for an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its node.
    pub node: Node,
    /// What the daemon there says.
    pub node_says: NodeSays,
    /// Whether the node's `volumesInUse` or `volumesAttached` has it under its CSI
    /// name: the attach/detach controller has taken it over.
    pub is_adopted: bool,
    /// Whether a PersistentVolume in CSI form has this handle.
    pub is_rewritten: bool,
    /// Whether a pod of the node has a claim on that PersistentVolume.
    pub is_awaited: bool,
    /// Whether all this was so the last time too.
    pub is_settled: bool,
}

/// What becomes of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It stays.
    Keep(Keep),
    /// It goes.
    Delete(Reason),
}

/// Why an attachment stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The volume is in use there.
    InUse,
    /// It is the attach/detach controller's.
    Adopted,
    /// The attach/detach controller may be about to take it over.
    MayBeAdopted,
    /// Its node was there a few minutes ago.
    NodeJustGone,
    /// Its node says nothing.
    NodeSilent,
    /// Its node is said to be down, and says that it uses the volume.
    NodeAlive,
    /// Its node does not know the volume.
    Unknown,
    /// It was otherwise a moment ago.
    Unsettled,
}

impl Keep {
    /// Whether somebody has to look, since it does not change by itself.
    #[must_use]
    pub fn needs_a_look(self) -> bool {
        matches!(self, Self::NodeSilent | Self::NodeAlive | Self::Unknown)
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "the volume is in use on its node",
            Self::Adopted => "the attach/detach controller has taken it over",
            Self::MayBeAdopted => "a pod there waits for the volume in its CSI form",
            Self::NodeJustGone => "its node has only just gone, and may be writing yet",
            Self::NodeSilent => {
                "its node publishes no NodeVolumes: start the node daemon there; if the node is \
                 down for good, delete its Node object or set the taint \
                 node.kubernetes.io/out-of-service"
            }
            Self::NodeAlive => {
                "its node has the taint node.kubernetes.io/out-of-service, and says that it uses \
                 the volume: shut it down, or take the taint away"
            }
            Self::Unknown => {
                "its node does not know the volume, so its record may be lost: if nothing of the \
                 volume is mounted there, delete the VolumeAttachment"
            }
            Self::Unsettled => "it was otherwise a moment ago",
        })
    }
}

/// Why an attachment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no such node any more.
    NodeGone,
    /// Its node is out of service.
    OutOfService,
    /// Its node has let go of the volume.
    LetGo,
    /// Its node has been started anew since.
    NodeRestarted,
    /// Its volume was rewritten, its node does not use it any more, and the
    /// attach/detach controller has not taken it over.
    NeverAdopted,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NodeGone => "its node is gone",
            Self::OutOfService => "its node is out of service",
            Self::LetGo => "its node has let go of the volume",
            Self::NodeRestarted => "its node was started anew and does not use it",
            Self::NeverAdopted => {
                "its volume was rewritten, is not used through the FlexVolume any more, and was \
                 not taken over"
            }
        })
    }
}

/// What becomes of an attachment that a node daemon made. What is not understood
/// stays.
#[must_use]
pub fn decide(seen: &Seen) -> Decision {
    match seen.node {
        Node::Gone { long } => of_a_gone_node(seen, long),
        Node::OutOfService if seen.is_adopted => Decision::Keep(Keep::Adopted),
        Node::OutOfService if seen.node_says == NodeSays::InUse => Decision::Keep(Keep::NodeAlive),
        Node::OutOfService => Decision::Delete(Reason::OutOfService),
        Node::Here => of_a_living_node(seen),
    }
}

fn of_a_gone_node(seen: &Seen, long: bool) -> Decision {
    let is_let_go = seen.node_says == NodeSays::Detaching;
    if long {
        // The attach/detach controller would have done the same by now.
        Decision::Delete(Reason::NodeGone)
    } else if seen.is_rewritten || seen.is_adopted || !is_let_go {
        Decision::Keep(Keep::NodeJustGone)
    } else {
        Decision::Delete(Reason::LetGo)
    }
}

fn of_a_living_node(seen: &Seen) -> Decision {
    let reason = match seen.node_says {
        _ if seen.is_adopted => return Decision::Keep(Keep::Adopted),
        NodeSays::InUse => return Decision::Keep(Keep::InUse),
        NodeSays::Nothing => return Decision::Keep(Keep::NodeSilent),
        _ if seen.is_rewritten && seen.is_awaited => return Decision::Keep(Keep::MayBeAdopted),
        _ if seen.is_rewritten => Reason::NeverAdopted,
        NodeSays::Detaching => return Decision::Delete(Reason::LetGo),
        NodeSays::Restarted => Reason::NodeRestarted,
        NodeSays::Unlisted => return Decision::Keep(Keep::Unknown),
    };
    if seen.is_settled {
        Decision::Delete(reason)
    } else {
        Decision::Keep(Keep::Unsettled)
    }
}

/// Whether a volume's Lease is free, once the attachment of its holder is gone.
/// `is_released` says that its holder marked it.
#[must_use]
pub fn frees_lease(seen: &Seen, is_released: bool) -> bool {
    let forgotten = matches!(
        seen.node_says,
        NodeSays::Unlisted | NodeSays::Restarted | NodeSays::Detaching
    );
    is_released
        || match seen.node {
            Node::Gone { long } => long,
            Node::OutOfService => seen.node_says != NodeSays::InUse,
            Node::Here => forgotten && seen.is_settled,
        }
}
