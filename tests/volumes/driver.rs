//! A CSI driver that keeps to its specification, fails where it is told to, and
//! notes when it is asked for what it never should be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use flex2csi::csi::v1::{self, node_service_capability as node};
use flex2csi::flexvolume::volumes::MountPoints;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::scripted::{Call, Reply};

/// How a call goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is refused, and not done.
    Before(Code),
    /// It is done, and said to have failed.
    After(Code),
    /// It is not done, and never answered.
    Hang,
    /// It is done, and never answered.
    DoneAndHang,
    /// It is done and answered once this is cancelled.
    Late(CancellationToken),
}

/// What the driver has done, and what it is to do.
#[derive(Default)]
pub struct State {
    pub staged: BTreeMap<PathBuf, v1::NodeStageVolumeRequest>,
    pub published: BTreeMap<PathBuf, v1::NodePublishVolumeRequest>,
    /// What it was asked for, and should not have been.
    pub wrong: Vec<String>,
    /// By the call's name, in order.
    pub faults: VecDeque<(&'static str, Fault)>,
    pub calls: Vec<&'static str>,
    pub capabilities: BTreeSet<i32>,
    /// Whether it has a controller, and whether that expands.
    pub controller: Option<bool>,
    pub last_expansion: Option<(v1::ControllerExpandVolumeRequest, i64)>,
    pub node_expansions: Vec<v1::NodeExpandVolumeRequest>,
    /// Mounted by somebody else.
    pub foreign: BTreeSet<PathBuf>,
    /// Whether publishing mounts nothing that is seen from here.
    pub is_unseen: bool,
    /// Whether unpublishing leaves the mount there.
    pub keeps_mounts: bool,
}

/// The driver. Clones are the same one.
#[derive(Clone, Default)]
pub struct Driver(Arc<Mutex<State>>);

impl MountPoints for Driver {
    fn are_mounted(&self, paths: &[Arc<Path>]) -> io::Result<Vec<bool>> {
        let state = self.state();
        let is_mounted = |path: &Arc<Path>| {
            let path = &**path;
            let published = state.published.contains_key(path) && !state.is_unseen;
            published || state.staged.contains_key(path) || state.foreign.contains(path)
        };
        Ok(paths.iter().map(is_mounted).collect())
    }

    fn remove(&self, directory: &Path) -> io::Result<()> {
        if self.are_mounted(&[directory.into()])? == [true] {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        std::fs::remove_dir(directory)
    }
}

impl Driver {
    pub fn new() -> Self {
        let driver = Self::default();
        driver.state().capabilities = [
            node::rpc::Type::StageUnstageVolume,
            node::rpc::Type::ExpandVolume,
        ]
        .map(|kind| kind as i32)
        .into();
        driver.state().controller = Some(true);
        driver
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn fails(&self, rpc: &'static str, fault: Fault) {
        self.state().faults.push_back((rpc, fault));
    }

    /// How often a call came.
    pub fn count(&self, rpc: &str) -> usize {
        self.state()
            .calls
            .iter()
            .filter(|call| **call == rpc)
            .count()
    }

    /// Answers a call.
    pub fn answer(&self, call: &Call) -> Reply {
        let name = call.path.rsplit('/').next().unwrap();
        let fault = {
            let mut state = self.state();
            let known = RPCS.iter().find(|rpc| **rpc == name);
            state.calls.extend(known);
            let index = state.faults.iter().position(|(rpc, _)| *rpc == name);
            index.and_then(|index| state.faults.remove(index))
        };
        match fault.map(|(_, fault)| fault) {
            Some(Fault::Before(code)) => Reply::Status(Status::new(code, "as it was told")),
            Some(Fault::Hang) => Reply::Hang,
            Some(Fault::After(code)) => {
                self.act(name, call);
                Reply::Status(Status::new(code, "as it was told"))
            }
            Some(Fault::DoneAndHang) => {
                self.act(name, call);
                Reply::Hang
            }
            Some(Fault::Late(token)) => {
                // The driver goes on when its caller has gone.
                let (driver, name, call) = (self.clone(), name.to_owned(), call.clone());
                let at = token.clone();
                tokio::spawn(async move {
                    at.cancelled().await;
                    driver.act(&name, &call);
                });
                Reply::Once(token, bytes::Bytes::new())
            }
            None => self.act(name, call),
        }
    }

    fn act(&self, name: &str, call: &Call) -> Reply {
        let mut state = self.state();
        let message = call.message.clone();
        let done = match name {
            "NodeGetCapabilities" => return Reply::message(state.node_capabilities()),
            "ControllerGetCapabilities" => match state.controller {
                None => Err(Status::unimplemented("no controller")),
                Some(expands) => return Reply::message(controller_capabilities(expands)),
            },
            "NodeStageVolume" => state.stage(Message::decode(message).unwrap()),
            "NodeUnstageVolume" => state.unstage(Message::decode(message).unwrap()),
            "NodePublishVolume" => state.publish(Message::decode(message).unwrap()),
            "NodeUnpublishVolume" => state.unpublish(Message::decode(message).unwrap()),
            "ControllerExpandVolume" => {
                let request = v1::ControllerExpandVolumeRequest::decode(message).unwrap();
                let bytes = request.capacity_range.unwrap().required_bytes;
                state.last_expansion = Some((request, bytes));
                let answer = v1::ControllerExpandVolumeResponse {
                    capacity_bytes: bytes,
                    node_expansion_required: true,
                };
                return Reply::message(answer.encode_to_vec());
            }
            "NodeExpandVolume" => {
                let request = v1::NodeExpandVolumeRequest::decode(message).unwrap();
                state.node_expansions.push(request);
                Ok(())
            }
            other => Err(Status::unimplemented(other.to_owned())),
        };
        match done {
            // All of these answers are empty.
            Ok(()) => Reply::message(Vec::new()),
            Err(status) => Reply::Status(status),
        }
    }
}

use prost::Message;

const RPCS: [&str; 8] = [
    "NodeGetCapabilities",
    "ControllerGetCapabilities",
    "NodeStageVolume",
    "NodeUnstageVolume",
    "NodePublishVolume",
    "NodeUnpublishVolume",
    "ControllerExpandVolume",
    "NodeExpandVolume",
];

type Done = Result<(), Status>;

impl State {
    fn has(&self, kind: node::rpc::Type) -> bool {
        self.capabilities.contains(&(kind as i32))
    }

    fn node_capabilities(&self) -> Vec<u8> {
        let capabilities = self
            .capabilities
            .iter()
            .map(|kind| v1::NodeServiceCapability {
                r#type: Some(node::Type::Rpc(node::Rpc { r#type: *kind })),
            });
        v1::NodeGetCapabilitiesResponse {
            capabilities: capabilities.collect(),
        }
        .encode_to_vec()
    }

    fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    fn stage(&mut self, request: v1::NodeStageVolumeRequest) -> Done {
        let path = PathBuf::from(&request.staging_target_path);
        if !path.is_dir() {
            self.wrong(format!("{path:?} was not made before staging"));
        }
        if let Some(there) = self.staged.get(&path)
            && there.volume_capability != request.volume_capability
        {
            return Err(Status::already_exists("it is staged otherwise"));
        }
        self.staged.insert(path, request);
        Ok(())
    }

    fn unstage(&mut self, request: v1::NodeUnstageVolumeRequest) -> Done {
        let mut published = self.published.values();
        if let Some(there) = published.find(|there| there.volume_id == request.volume_id) {
            let target = there.target_path.clone();
            self.wrong(format!("unstaging while published at {target}"));
            return Err(Status::failed_precondition("it is still published"));
        }
        self.staged.remove(Path::new(&request.staging_target_path));
        Ok(())
    }

    fn publish(&mut self, request: v1::NodePublishVolumeRequest) -> Done {
        let target = PathBuf::from(&request.target_path);
        let staged = self.staged.get(Path::new(&request.staging_target_path));
        let is_staged = staged.is_some_and(|staged| staged.volume_id == request.volume_id);
        if self.has(node::rpc::Type::StageUnstageVolume) && !is_staged {
            self.wrong(format!("publishing at {target:?} what is not staged"));
            return Err(Status::failed_precondition("it is not staged"));
        }
        if let Some(there) = self.published.get(&target)
            && there.volume_id != request.volume_id
        {
            self.wrong(format!("publishing two volumes at {target:?}"));
        }
        let _ = std::fs::create_dir(&target);
        self.published.insert(target, request);
        Ok(())
    }

    fn unpublish(&mut self, request: v1::NodeUnpublishVolumeRequest) -> Done {
        if self.keeps_mounts {
            return Ok(());
        }
        let target = PathBuf::from(&request.target_path);
        if let Some(there) = self.published.remove(&target)
            && there.volume_id != request.volume_id
        {
            self.wrong(format!("unpublishing another volume from {target:?}"));
        }
        Ok(())
    }
}

fn controller_capabilities(expands: bool) -> Vec<u8> {
    use v1::controller_service_capability as controller;
    let kind = match expands {
        true => controller::rpc::Type::ExpandVolume,
        false => controller::rpc::Type::CreateDeleteVolume,
    };
    v1::ControllerGetCapabilitiesResponse {
        capabilities: vec![v1::ControllerServiceCapability {
            r#type: Some(controller::Type::Rpc(controller::Rpc {
                r#type: kind as i32,
            })),
        }],
    }
    .encode_to_vec()
}
