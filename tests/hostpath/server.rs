//! A driver that runs, and calls to it in three words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flex2csi::csi::v1;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};
use v1::controller_client::ControllerClient;
use v1::node_client::NodeClient;
use v1::volume_capability::{AccessMode, AccessType, BlockVolume, MountVolume, access_mode::Mode};

use crate::left;

pub const MIB: i64 = 1 << 20;

/// A driver over a directory of its own. Dropped, it is killed, and what it
/// left mounted is unmounted.
pub struct Server {
    child: Option<Child>,
    flags: Vec<String>,
    kind: &'static str,
    dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        left::clean(self.dir.path());
    }
}

impl Server {
    /// A driver whose volumes are of a kind.
    pub async fn start(kind: &'static str, flags: &[&str]) -> Self {
        let mut server = Self {
            child: None,
            flags: Vec::new(),
            kind,
            dir: tempfile::tempdir().unwrap(),
        };
        server.restart(flags).await;
        server
    }

    /// kill -9, and a start with other flags.
    pub async fn restart(&mut self, flags: &[&str]) {
        self.kill();
        self.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
        command
            .args([
                "hostpath",
                "--node-id",
                "node",
                "--kind",
                self.kind,
                "--endpoint",
            ])
            .arg(self.path("csi.sock"))
            .arg("--state-dir")
            .arg(self.path("state"))
            .args(&self.flags)
            .stdin(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn().unwrap());
        while self.try_channel().await.is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            let log = std::fs::read_to_string(self.path("log")).unwrap();
            assert!(ended.is_none(), "{ended:?}\n{log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub fn directory(&self) -> &Path {
        self.dir.path()
    }

    async fn try_channel(&self) -> Result<Channel, tonic::transport::Error> {
        let socket = format!("unix://{}", self.text("csi.sock"));
        Endpoint::from_shared(socket)?.connect().await
    }

    pub async fn channel(&self) -> Channel {
        self.try_channel().await.unwrap()
    }

    pub async fn controller(&self) -> ControllerClient<Channel> {
        ControllerClient::new(self.channel().await)
    }

    pub async fn node(&self) -> NodeClient<Channel> {
        NodeClient::new(self.channel().await)
    }

    /// How volumes of this kind are used, by one node.
    pub fn capability(&self) -> v1::VolumeCapability {
        self.capability_of(Mode::SingleNodeWriter)
    }

    pub fn capability_of(&self, mode: Mode) -> v1::VolumeCapability {
        v1::VolumeCapability {
            access_mode: Some(AccessMode { mode: mode.into() }),
            access_type: Some(if self.kind == "block" {
                AccessType::Block(BlockVolume {})
            } else {
                AccessType::Mount(MountVolume::default())
            }),
        }
    }

    pub fn create_request(&self, name: &str) -> v1::CreateVolumeRequest {
        v1::CreateVolumeRequest {
            name: name.to_owned(),
            capacity_range: Some(v1::CapacityRange {
                required_bytes: 384 * MIB,
                limit_bytes: 0,
            }),
            volume_capabilities: vec![self.capability()],
            ..Default::default()
        }
    }

    pub async fn create(&self, name: &str) -> String {
        self.create_from(name, None).await
    }

    pub async fn create_from(
        &self,
        name: &str,
        source: Option<v1::volume_content_source::Type>,
    ) -> String {
        let request = v1::CreateVolumeRequest {
            volume_content_source: source.map(|source| v1::VolumeContentSource {
                r#type: Some(source),
            }),
            ..self.create_request(name)
        };
        let created = self.controller().await.create_volume(request).await;
        created.unwrap().into_inner().volume.unwrap().volume_id
    }

    pub async fn delete(&self, volume: &str) -> Result<(), Code> {
        let request = v1::DeleteVolumeRequest {
            volume_id: volume.to_owned(),
            secrets: BTreeMap::new(),
        };
        done(self.controller().await.delete_volume(request).await)
    }

    /// Stages at `<volume>.staged`.
    pub async fn stage(&self, volume: &str) -> Result<(), Code> {
        let staging = self.path(&format!("{volume}.staged"));
        std::fs::create_dir_all(&staging).unwrap();
        let request = v1::NodeStageVolumeRequest {
            volume_id: volume.to_owned(),
            staging_target_path: staging.to_str().unwrap().to_owned(),
            volume_capability: Some(self.capability()),
            ..Default::default()
        };
        done(self.node().await.node_stage_volume(request).await)
    }

    pub async fn unstage(&self, volume: &str) -> Result<(), Code> {
        let request = v1::NodeUnstageVolumeRequest {
            volume_id: volume.to_owned(),
            staging_target_path: self.text(&format!("{volume}.staged")),
        };
        done(self.node().await.node_unstage_volume(request).await)
    }

    pub fn publish_request(&self, volume: &str, target: &str) -> v1::NodePublishVolumeRequest {
        v1::NodePublishVolumeRequest {
            volume_id: volume.to_owned(),
            staging_target_path: self.text(&format!("{volume}.staged")),
            target_path: self.text(target),
            volume_capability: Some(self.capability()),
            ..Default::default()
        }
    }

    /// Publishes at a path of this directory.
    pub async fn publish(&self, volume: &str, target: &str) -> Result<(), Code> {
        let request = self.publish_request(volume, target);
        done(self.node().await.node_publish_volume(request).await)
    }

    pub async fn publish_readonly(&self, volume: &str, target: &str) -> Result<(), Code> {
        let request = v1::NodePublishVolumeRequest {
            readonly: true,
            ..self.publish_request(volume, target)
        };
        done(self.node().await.node_publish_volume(request).await)
    }

    pub async fn unpublish(&self, volume: &str, target: &str) -> Result<(), Code> {
        let request = v1::NodeUnpublishVolumeRequest {
            volume_id: volume.to_owned(),
            target_path: self.text(target),
        };
        done(self.node().await.node_unpublish_volume(request).await)
    }

    /// Everything from a volume to the path of a workload.
    pub async fn use_at(&self, volume: &str, target: &str) -> PathBuf {
        self.stage(volume).await.unwrap();
        self.publish(volume, target).await.unwrap();
        self.path(target)
    }

    /// And back.
    pub async fn leave(&self, volume: &str, target: &str) {
        self.unpublish(volume, target).await.unwrap();
        self.unstage(volume).await.unwrap();
    }

    pub async fn stats(&self, volume: &str, target: &str) -> v1::NodeGetVolumeStatsResponse {
        let request = v1::NodeGetVolumeStatsRequest {
            volume_id: volume.to_owned(),
            volume_path: self.text(target),
            ..Default::default()
        };
        let stats = self.node().await.node_get_volume_stats(request).await;
        stats.unwrap().into_inner()
    }

    /// Nothing is mounted, attached or kept any more.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        assert_eq!(left::mounts(self.directory()), Vec::<PathBuf>::new());
        assert_eq!(left::loop_devices(self.directory()), Vec::<PathBuf>::new());
        for kept in ["volumes", "snapshots"] {
            let kept = self.path("state/data").join(kept);
            assert_eq!(kept.read_dir().unwrap().count(), 0, "{}", kept.display());
        }
    }
}

/// The code that a call ended with. Its message is there for a test that fails.
#[allow(
    clippy::print_stdout,
    reason = "shown only with the test's own output, when it fails"
)]
pub fn done<T>(answer: Result<Response<T>, Status>) -> Result<(), Code> {
    answer.map(drop).map_err(|status| {
        println!("{:?}: {}", status.code(), status.message());
        status.code()
    })
}
