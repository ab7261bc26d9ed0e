//! Where in the messages of CSI 1.12 stands what the endpoint looks at: one row
//! for each RPC. What is not in this table is forwarded as it comes.

/// Which of a backend's sockets answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Any of them: the door's own.
    Identity,
    /// The controller's: Controller, GroupController and SnapshotMetadata.
    Controller,
    /// The node's.
    Node,
}

/// A path of field numbers to a text.
pub type Path = &'static [u32];

/// An RPC, and the numbers of the fields that can hold something to translate;
/// 0 where it has no such field.
#[derive(Debug)]
pub struct Rpc {
    /// The path of its requests.
    pub path: &'static str,
    /// Ids of volumes in the request.
    pub ids: &'static [Path],
    /// `node_id` in the request.
    pub node_id: u32,
    /// `volume_context` in the request.
    pub volume_context: u32,
    /// `volume_capability`, or the repeated `volume_capabilities`, in the request.
    pub capability: u32,
    /// `parameters` of a StorageClass in the request.
    pub parameters: u32,
    /// Ids of volumes in the answer.
    pub answered_ids: &'static [Path],
    /// `secrets` in the request, and the member of a PersistentVolume's `spec.csi`
    /// that names them.
    pub secret: Option<(u32, &'static str)>,
    /// What only this RPC has.
    pub special: Special,
}

/// What only one RPC has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// Nothing.
    None,
    /// The answer names the driver.
    PluginName,
    /// The answer repeats context and parameters of the request.
    Confirms,
    /// The answer names volumes that nobody asked for by id.
    Lists,
    /// A volume is made ready on this node, with all that is known of it.
    Prepares,
}

const ANY: Rpc = Rpc {
    path: "",
    ids: &[],
    node_id: 0,
    volume_context: 0,
    capability: 0,
    parameters: 0,
    answered_ids: &[],
    secret: None,
    special: Special::None,
};

/// The first field of most requests is the volume's id.
const FIRST: &[Path] = &[&[1]];

/// Every RPC whose messages can hold something to translate.
pub static RPCS: [Rpc; 22] = [
    Rpc {
        path: "/csi.v1.Identity/GetPluginInfo",
        special: Special::PluginName,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/CreateVolume",
        // volume_content_source.volume.volume_id
        ids: &[&[6, 2, 1]],
        capability: 3,
        parameters: 4,
        // volume.content_source.volume.volume_id
        answered_ids: &[&[1, 4, 2, 1]],
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/DeleteVolume",
        ids: FIRST,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ControllerPublishVolume",
        ids: FIRST,
        node_id: 2,
        capability: 3,
        secret: Some((5, "controllerPublishSecretRef")),
        volume_context: 6,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ControllerUnpublishVolume",
        ids: FIRST,
        node_id: 2,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ValidateVolumeCapabilities",
        ids: FIRST,
        volume_context: 2,
        capability: 3,
        parameters: 4,
        special: Special::Confirms,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ListVolumes",
        answered_ids: &[&[1, 1, 2], &[1, 1, 4, 2, 1]],
        special: Special::Lists,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/GetCapacity",
        capability: 1,
        parameters: 2,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/CreateSnapshot",
        ids: FIRST,
        answered_ids: &[&[1, 3]],
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ListSnapshots",
        ids: &[&[3]],
        answered_ids: &[&[1, 1, 3]],
        special: Special::Lists,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/GetSnapshot",
        answered_ids: &[&[1, 3]],
        special: Special::Lists,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ControllerExpandVolume",
        ids: FIRST,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ControllerGetVolume",
        ids: FIRST,
        answered_ids: &[&[1, 2], &[1, 4, 2, 1]],
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Controller/ControllerModifyVolume",
        ids: FIRST,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.GroupController/CreateVolumeGroupSnapshot",
        ids: &[&[2]],
        answered_ids: &[&[1, 2, 3]],
        ..ANY
    },
    Rpc {
        path: "/csi.v1.GroupController/GetVolumeGroupSnapshot",
        answered_ids: &[&[1, 2, 3]],
        special: Special::Lists,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Node/NodeStageVolume",
        ids: FIRST,
        capability: 4,
        secret: Some((5, "nodeStageSecretRef")),
        volume_context: 6,
        special: Special::Prepares,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Node/NodeUnstageVolume",
        ids: FIRST,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Node/NodePublishVolume",
        ids: FIRST,
        capability: 5,
        secret: Some((7, "nodePublishSecretRef")),
        volume_context: 8,
        special: Special::Prepares,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Node/NodeUnpublishVolume",
        ids: FIRST,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Node/NodeGetVolumeStats",
        ids: FIRST,
        ..ANY
    },
    Rpc {
        path: "/csi.v1.Node/NodeExpandVolume",
        ids: FIRST,
        ..ANY
    },
];

impl Rpc {
    /// Whether a request of it can hold something to translate.
    pub fn is_looked_into(&self) -> bool {
        !self.ids.is_empty() || self.parameters != 0
    }
}

/// The row of a request's path.
pub fn find(path: &str) -> Option<&'static Rpc> {
    RPCS.iter().find(|rpc| rpc.path == path)
}

/// The service that a request's path belongs to. One that nobody knows yet is the
/// controller's if its name says so, as those of CSI do; else the door's own socket answers.
pub fn service(path: &str) -> Service {
    let service = path.trim_start_matches('/').split('/').next();
    match service.unwrap_or_default().rsplit('.').next() {
        Some("Identity") => Service::Identity,
        Some("Node") => Service::Node,
        Some("SnapshotMetadata") => Service::Controller,
        Some(name) if name.ends_with("Controller") => Service::Controller,
        _ => Service::Identity,
    }
}

#[cfg(test)]
mod tests;
