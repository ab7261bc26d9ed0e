//! containerd, with directories and a socket of its machine's own.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::{StartError, programs};

use super::images;
use super::machine::{Machine, Program};
use super::network::Network;

/// Where it listens on its machine.
pub(super) const SOCKET: &str = "/run/containerd/containerd.sock";

const READY_WITHIN: Duration = Duration::from_secs(120);

/// Starts containerd and gives it the images.
pub(super) async fn start(
    machine: &Machine,
    index: u8,
    state: &Path,
) -> Result<Program, StartError> {
    let network = json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{ "subnet": Network::pods(index) }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    });
    write(&state.join("cni/10-pods.conflist"), &network.to_string())?;
    write(&state.join("containerd.toml"), &configuration())?;
    let program = programs::installed("containerd")?;
    let arguments = ["--config".to_owned(), format!("{STATE}/containerd.toml")];
    let containerd = machine.start_program("containerd", &program, arguments)?;
    let version = ["ctr", "--address", SOCKET, "version"];
    containerd
        .wait_ready(READY_WITHIN, async || machine.run(version).await.map(drop))
        .await?;
    for archive in images::OF_ALL {
        machine.run(import(archive)?).await?;
    }
    Ok(containerd)
}

/// The command that gives containerd an archive of images, on its machine.
pub(super) fn import(archive: &str) -> Result<Vec<String>, StartError> {
    let archive = images::archive(archive)?.display().to_string();
    let words = [
        "ctr",
        "--address",
        SOCKET,
        "-n",
        "k8s.io",
        "images",
        "import",
    ];
    let words = words.into_iter().chain([archive.as_str()]);
    Ok(words.map(str::to_owned).collect())
}

/// Where a machine has what is written for it.
pub(super) const STATE: &str = "/var/lib/node";

// Lowering oom_score_adj needs CAP_SYS_RESOURCE, which containers of this machine may lack.
fn configuration() -> String {
    format!(
        r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "{SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{sandbox}"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{STATE}/cni"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"#,
        sandbox = images::WORKLOAD
    )
}

/// Writes a file, and the directories above it.
pub(super) fn write(path: &Path, text: &str) -> Result<(), StartError> {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    written
        .and_then(|()| std::fs::write(path, text))
        .map_err(|source| StartError::File {
            path: path.to_owned(),
            source,
        })
}
