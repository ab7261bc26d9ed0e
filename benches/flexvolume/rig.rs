//! A backend, a node daemon, and what stands for kubelet and a cluster.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use flex2csi::mountinfo::MountTable;
use rustix::mount::UnmountFlags;
use serde_json::json;

use crate::csi::Csi;
use crate::floor::Floor;
use crate::kubelet::{CSI_DRIVER, DRIVER, Kubelet, call, handle, persistent_volume};
use crate::processes::Process;
use crate::rounds::Lane;

/// How long a process may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a daemon gets to come to rest.
const REST: Duration = Duration::from_secs(2);

/// All that a volume needs to be mounted, in a directory of its own.
pub struct Rig {
    kubelet: Kubelet,
    csi: Csi,
    floor: Floor,
    _backend: Process,
    // Dropped before the directory, whose removal must not reach what is mounted.
    _mounts: Mounts,
    directory: tempfile::TempDir,
}

impl Rig {
    /// Starts a backend that has so many volumes.
    pub async fn new(volumes: usize) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("flex2csi-").tempdir()?;
        let path = directory.path().canonicalize()?;
        let kubelet = Kubelet {
            root: path.join("kubelet"),
            plugins: path.join("exec"),
        };
        let floor = Floor(path.join("floor"));
        for made in [
            &kubelet.root.join("plugins_registry"),
            &kubelet.plugins,
            &floor.0,
        ] {
            fs::create_dir_all(made)?;
        }
        let mut objects: Vec<_> = (0..volumes).map(persistent_volume).collect();
        objects.push(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
            "metadata": {"name": CSI_DRIVER}, "spec": {"attachRequired": false},
        }));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        fs::write(path.join("cluster.json"), list.to_string())?;
        fs::write(
            path.join("config.yaml"),
            config(&path, &kubelet, &shipped()?).to_string(),
        )?;

        let socket = path.join("backend.sock");
        let mut args = vec!["hostpath".to_owned()];
        let state = path.join("backend").display().to_string();
        for (flag, value) in [
            ("--endpoint", &*socket.display().to_string()),
            ("--state-dir", &state),
            ("--driver-name", CSI_DRIVER),
            ("--node-id", "bench"),
            ("--log-level", "warn"),
        ] {
            args.extend([flag.to_owned(), value.to_owned()]);
        }
        for volume in 0..volumes {
            args.extend(["--volume".to_owned(), handle(volume)]);
        }
        let backend = Process::start(&args, &path.join("backend.log"))?;
        wait("the backend", || UnixStream::connect(&socket).is_ok()).await?;
        Ok(Self {
            csi: Csi::new(&socket)?,
            kubelet,
            floor,
            _backend: backend,
            _mounts: Mounts(path),
            directory,
        })
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// How often a daemon is started for a figure.
    pub fn starts(&self, rounds: usize) -> usize {
        rounds.clamp(1, 15)
    }

    /// Starts a daemon several times, until it is ready; the last one goes on.
    pub async fn ready_daemon(&self, starts: usize) -> anyhow::Result<Process> {
        let mut took = Vec::new();
        let mut last = None;
        for _ in 0..starts {
            drop(last.take());
            // The exec binary is put in place when nothing of it is there.
            let _ = fs::remove_dir_all(self.kubelet.plugins.join("huawei.com~fuxivol"));
            let begun = Instant::now();
            let config = self.path().join("config.yaml");
            let args = ["node".as_ref(), "--config".as_ref(), config.as_os_str()];
            let daemon = Process::start(&args, &self.path().join("node.log"))?;
            let operations = self.path().join("operations.sock");
            wait("the daemon", || is_ready(&operations)).await?;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            last = Some(daemon);
        }
        took.sort_by(f64::total_cmp);
        println!(
            "start to ready: {:.1} ms, the longest of {starts} {:.1} ms",
            took[took.len() / 2],
            took.last().copied().unwrap_or_default(),
        );
        tokio::time::sleep(REST).await;
        last.context("no daemon was started")
    }

    /// Makes what kubelet makes before a volume is mounted.
    pub fn prepare(&self, lane: Lane, volume: usize) -> anyhow::Result<()> {
        match lane {
            Lane::Csi => fs::create_dir_all(self.kubelet.staging(volume))?,
            Lane::Floor => return Ok(()),
            Lane::Door => {}
        }
        fs::create_dir_all(self.kubelet.target(volume))?;
        Ok(())
    }

    /// That it was mounted.
    pub fn check(&self, lane: Lane, volume: usize) -> anyhow::Result<()> {
        let target = self.kubelet.target(volume);
        let is_mounted = MountTable::read()?.at(&target).is_some();
        anyhow::ensure!(
            is_mounted == (lane != Lane::Floor),
            "{lane:?}, {}: mounted is {is_mounted}",
            target.display()
        );
        Ok(())
    }

    /// Removes what kubelet removes after it was unmounted.
    pub fn clear(&self, lane: Lane, volume: usize) -> anyhow::Result<()> {
        if lane == Lane::Csi {
            let staging = self.kubelet.staging(volume);
            fs::remove_dir(&staging)?;
            fs::remove_dir(staging.parent().context("staging has a parent")?)?;
        }
        let target = self.kubelet.target(volume);
        anyhow::ensure!(!target.exists(), "{} is still there", target.display());
        Ok(())
    }

    /// Mounts a volume.
    pub fn mount(
        &self,
        lane: Lane,
        volume: usize,
    ) -> impl Future<Output = anyhow::Result<()>> + Send + 'static {
        let (kubelet, mut csi, floor) =
            (self.kubelet.clone(), self.csi.clone(), self.floor.clone());
        async move {
            match lane {
                Lane::Csi => {
                    let (staging, target) = (kubelet.staging(volume), kubelet.target(volume));
                    Ok(csi.mount(&handle(volume), &staging, &target).await?)
                }
                Lane::Floor => {
                    blocking(move || {
                        call(&kubelet.executable(), &["init".to_owned()])?;
                        Ok(floor.write(volume)?)
                    })
                    .await
                }
                Lane::Door => {
                    blocking(move || call(&kubelet.executable(), &kubelet.mount_words(volume)))
                        .await
                }
            }
        }
    }

    /// Unmounts it.
    pub fn unmount(
        &self,
        lane: Lane,
        volume: usize,
    ) -> impl Future<Output = anyhow::Result<()>> + Send + 'static {
        let (kubelet, mut csi, floor) =
            (self.kubelet.clone(), self.csi.clone(), self.floor.clone());
        async move {
            match lane {
                Lane::Csi => {
                    let (staging, target) = (kubelet.staging(volume), kubelet.target(volume));
                    Ok(csi.unmount(&handle(volume), &staging, &target).await?)
                }
                Lane::Floor => {
                    blocking(move || {
                        call(&kubelet.executable(), &["init".to_owned()])?;
                        Ok(floor.remove(volume)?)
                    })
                    .await
                }
                Lane::Door => {
                    blocking(move || call(&kubelet.executable(), &kubelet.unmount_words(volume)))
                        .await
                }
            }
        }
    }

    /// Unmounts the first volumes again, so that they can be measured.
    pub async fn without(&self, first: usize) -> anyhow::Result<()> {
        for volume in 0..first {
            self.unmount(Lane::Door, volume).await?;
        }
        Ok(())
    }
}

async fn blocking(
    work: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(work).await?
}

fn config(path: &Path, kubelet: &Kubelet, exec_binary: &Path) -> serde_json::Value {
    json!({
        "kubelet": {"root": kubelet.root, "pluginDirectory": kubelet.plugins},
        "state": path.join("state"),
        "operations": {"listen": path.join("operations.sock")},
        "persistentVolumes": [path.join("cluster.json")],
        "flexVolume": {
            "socket": path.join("door.sock"), "execBinary": exec_binary,
            "drivers": [{"driver": DRIVER}],
        },
        "backends": [{"driver": CSI_DRIVER, "socket": path.join("backend.sock")}],
    })
}

/// The exec binary as it is shipped.
fn shipped() -> anyhow::Result<PathBuf> {
    let build = concat!(env!("CARGO_MANIFEST_DIR"), "/exec/build-static");
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let output = Command::new(build).arg(target).output()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// Asks a daemon whether it is ready.
fn is_ready(operations: &Path) -> bool {
    use std::io::{Read as _, Write as _};

    let Ok(mut stream) = UnixStream::connect(operations) else {
        return false;
    };
    let request = b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    let mut answer = String::new();
    let asked = stream.write_all(request);
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
}

async fn wait(what: &str, is_there: impl Fn() -> bool) -> anyhow::Result<()> {
    let overdue = Instant::now() + PATIENCE;
    while !is_there() {
        anyhow::ensure!(Instant::now() < overdue, "{what} is not there");
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    Ok(())
}

/// What is mounted below a directory; dropped, it is unmounted.
struct Mounts(PathBuf);

impl Drop for Mounts {
    fn drop(&mut self) {
        let table = MountTable::read().unwrap_or_default();
        for mount in table.iter().rev() {
            if mount.target.starts_with(&self.0) {
                let _ = rustix::mount::unmount(&mount.target, UnmountFlags::DETACH);
            }
        }
    }
}
