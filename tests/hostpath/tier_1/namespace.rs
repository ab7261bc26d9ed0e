//! Without root, directories are served in a user namespace.

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::{Command, Stdio};
use std::time::Duration;

use flex2csi::csi::v1;
use tonic::Code;
use tonic::transport::Endpoint;
use v1::controller_client::ControllerClient;
use v1::node_client::NodeClient;
use v1::volume_capability::{AccessMode, AccessType, MountVolume, access_mode::Mode};

use crate::server::done;

/// Debian's `nobody`; any user without rights will do.
const NOBODY: u32 = 65534;

#[tokio::test]
#[ignore = "needs root: to be somebody else, and user namespaces"]
async fn nobody_serves_directories() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let program = path("flex2csi");
    std::fs::copy(env!("CARGO_BIN_EXE_flex2csi"), &program).unwrap();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
    chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let log = std::fs::File::create(path("log")).unwrap();
    let user = NOBODY.to_string();
    let child = Command::new("setpriv")
        .args([
            "--pdeathsig",
            "KILL",
            "--reuid",
            &user,
            "--regid",
            &user,
            "--clear-groups",
            "--",
        ])
        .arg(&program)
        .args(["hostpath", "--no-staging", "--node-id", "n", "--endpoint"])
        .arg(path("csi.sock"))
        .arg("--state-dir")
        .arg(path("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let socket = format!("unix://{}", path("csi.sock").display());
    let channel = loop {
        if let Ok(channel) = Endpoint::from_shared(socket.clone())
            .unwrap()
            .connect()
            .await
        {
            break channel;
        }
        let log = std::fs::read_to_string(path("log")).unwrap();
        assert!(child.0.try_wait().unwrap().is_none(), "{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let capability = |fs_type: &str| v1::VolumeCapability {
        access_mode: Some(AccessMode {
            mode: Mode::SingleNodeWriter.into(),
        }),
        access_type: Some(AccessType::Mount(MountVolume {
            fs_type: fs_type.to_owned(),
            ..Default::default()
        })),
    };
    let create = |fs_type: &str| v1::CreateVolumeRequest {
        name: format!("a{fs_type}"),
        volume_capabilities: vec![capability(fs_type)],
        ..Default::default()
    };
    let mut controller = ControllerClient::new(channel.clone());
    let refused = done(controller.create_volume(create("ext4")).await);
    assert_eq!(refused, Err(Code::InvalidArgument));
    let created = controller.create_volume(create("")).await.unwrap();
    let volume_id = created.into_inner().volume.unwrap().volume_id;

    let target_path = path("target").to_str().unwrap().to_owned();
    let mut node = NodeClient::new(channel);
    let publish = v1::NodePublishVolumeRequest {
        volume_id: volume_id.clone(),
        target_path: target_path.clone(),
        volume_capability: Some(capability("")),
        readonly: true,
        ..Default::default()
    };
    done(node.node_publish_volume(publish).await).unwrap();
    // In its namespace it is mounted, and in ours it is not.
    let its = std::fs::read_to_string(format!("/proc/{}/mountinfo", child.0.id())).unwrap();
    let mount = its
        .lines()
        .find(|line| line.contains(&target_path))
        .unwrap();
    assert!(mount.contains(" ro"), "{mount}");
    assert!(crate::left::mounts(dir.path()).is_empty());
    let unpublish = v1::NodeUnpublishVolumeRequest {
        volume_id,
        target_path,
    };
    done(node.node_unpublish_volume(unpublish).await).unwrap();
    assert!(!path("target").exists());
}

/// Ends with the test, even if that fails.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
