//! ControllerPublishVolume and ControllerUnpublishVolume: the attach step.

use std::collections::BTreeMap;

use crate::csi::v1;

use crate::hostpath::capability::Capability;
use crate::hostpath::driver::Driver;
use crate::hostpath::error::Error;
use crate::hostpath::id::{Id, Object};
use crate::hostpath::limits;
use crate::hostpath::lock::Share;
use crate::hostpath::volume::{Attachment, Volume};

impl Driver {
    /// Attaches a volume to a node.
    pub(in crate::hostpath) fn controller_publish_volume(
        &self,
        request: v1::ControllerPublishVolumeRequest,
    ) -> Result<v1::ControllerPublishVolumeResponse, Error> {
        self.check_has_attach()?;
        let id = Id::required("volume_id", &request.volume_id)?;
        let node = Id::required("node_id", &request.node_id)?;
        let capability = Capability::required(request.volume_capability.as_ref())?;
        limits::map("volume_context", &request.volume_context)?;
        let (guard, mut volume) = self.volumes.lock_known(&id, Share::Exclusive)?;
        let there = self.nodes.get(&node)?;
        capability
            .check(volume.kind)
            .map_err(|why| Error::invalid("volume_capability", why))?;
        let attachment = Attachment {
            capability,
            readonly: request.readonly,
        };
        if !is_attached(&volume, &node, &attachment)? {
            check_attachable(&volume, &node, &attachment)?;
            if !volume.is_reachable_from(&there.segments) {
                return Err(Error::Precondition {
                    volume: id,
                    why: format!(
                        "cannot be reached from node {node}: it is in {:?}",
                        volume.topology
                    ),
                });
            }
            self.check_room(&node, there.max_volumes)?;
            volume.attached.insert(node.clone(), attachment);
            self.volumes.put(&guard, &volume)?;
        }
        Ok(v1::ControllerPublishVolumeResponse {
            publish_context: BTreeMap::from([("node".to_owned(), node.as_str().to_owned())]),
        })
    }

    /// Detaches a volume from a node, or from all. What is not there, or not
    /// attached, is detached: volumes cannot be removed while they are attached.
    pub(in crate::hostpath) fn controller_unpublish_volume(
        &self,
        request: v1::ControllerUnpublishVolumeRequest,
    ) -> Result<v1::ControllerUnpublishVolumeResponse, Error> {
        self.check_has_attach()?;
        let id = Id::required("volume_id", &request.volume_id)?;
        let done = v1::ControllerUnpublishVolumeResponse {};
        let (guard, mut volume) = match self.volumes.lock_known(&id, Share::Exclusive) {
            Err(Error::Unknown { .. }) => return Ok(done),
            locked => locked?,
        };
        let before = volume.attached.len();
        if request.node_id.is_empty() {
            volume.attached.clear();
        } else {
            let node = Id::required("node_id", &request.node_id)?;
            if volume.used.contains_key(&node) {
                tracing::warn!(volume = %id, %node, "detached while it is in use there");
            }
            volume.attached.remove(&node);
        }
        if volume.attached.len() < before {
            self.volumes.put(&guard, &volume)?;
        }
        Ok(done)
    }

    fn check_has_attach(&self) -> Result<(), Error> {
        if self.has_attach {
            Ok(())
        } else {
            Err(Error::Unsupported("an attach step (--attach)"))
        }
    }

    fn check_room(&self, node: &Id, limit: i64) -> Result<(), Error> {
        if limit <= 0 {
            return Ok(());
        }
        let volumes = self.volumes.all()?;
        let attached = volumes
            .iter()
            .filter(|volume| volume.attached.contains_key(node));
        if i64::try_from(attached.count()).unwrap_or(i64::MAX) >= limit {
            return Err(Error::NodeFull {
                node: node.clone(),
                limit,
            });
        }
        Ok(())
    }
}

/// Whether the volume is attached to the node in just this way.
fn is_attached(volume: &Volume, node: &Id, asked: &Attachment) -> Result<bool, Error> {
    match volume.attached.get(node) {
        None => Ok(false),
        Some(there) if there == asked => Ok(true),
        Some(there) => Err(Error::Exists {
            object: Object::Volume,
            id: volume.id.clone(),
            why: format!(
                "it is attached to node {node} {}with another capability",
                if there.readonly == asked.readonly {
                    ""
                } else {
                    "for other access or "
                }
            ),
        }),
    }
}

/// Whether it can be attached to one more node.
fn check_attachable(volume: &Volume, node: &Id, asked: &Attachment) -> Result<(), Error> {
    let Some((other, there)) = volume.attached.iter().find(|(other, _)| *other != node) else {
        return Ok(());
    };
    if asked.capability.mode.is_multi_node() && there.capability.mode.is_multi_node() {
        return Ok(());
    }
    Err(Error::Precondition {
        volume: volume.id.clone(),
        why: format!("is attached to node {other}, and to be used on one node alone"),
    })
}
