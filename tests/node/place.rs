//! A node: the daemon's record, kubelet's directories, and what is installed.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flex2csi::cluster::{PodName, VolumeId};
use flex2csi::installation::{Installation, Wanted};
use flex2csi::node_record::{Mount, NodeRecord, VolumeRecord};
use flex2csi_exec::installed::Capabilities;

use crate::command::{Ran, flex2csi};

pub struct Place {
    root: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("plugins")).unwrap();
        fs::create_dir(root.path().join("kubelet")).unwrap();
        fs::write(root.path().join("exec"), "the exec binary").unwrap();
        Self { root }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(path)
    }

    fn text(&self, path: &str) -> String {
        self.path(path).to_str().unwrap().to_owned()
    }

    /// Runs a verb of `flex2csi node` for this node.
    pub fn run(&self, verb: &str, args: &[&str]) -> Ran {
        let (state, kubelet, plugins) = (
            self.text("state"),
            self.text("kubelet"),
            self.text("plugins"),
        );
        let mut all = vec!["node", verb, "--state", &state, "--kubelet-root", &kubelet];
        all.extend(["--plugin-directory", &plugins]);
        all.extend(args);
        flex2csi(&all, "")
    }

    /// Uninstalls everything of the configuration in `config.yaml`.
    pub fn everything(&self) -> Ran {
        let config = self.text("config.yaml");
        let args = ["node", "uninstall", "--everything", "--config", &config];
        flex2csi(&args, "")
    }

    /// Uninstalls, and stays.
    pub fn stays(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_flex2csi"))
            .args([
                "node",
                "uninstall",
                "--stay",
                "--state",
                &self.text("state"),
            ])
            .args(["--kubelet-root", &self.text("kubelet")])
            .args(["--plugin-directory", &self.text("plugins")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn install(&self, driver: &str) {
        let wanted = Wanted {
            plugin_directory: self.path("plugins"),
            kubelet_root: self.path("kubelet"),
            driver: driver.parse().unwrap(),
            exec_binary: self.path("exec"),
            socket: self.path("exec.sock"),
            capabilities: Capabilities {
                attach: false,
                selinux_relabel: false,
                supports_metrics: true,
                fs_group: false,
                requires_fs_resize: true,
            },
            timeout: Duration::from_secs(110),
        };
        Installation::new(wanted).keep(None).unwrap();
    }

    /// A pod's volume directory, as kubelet makes it.
    pub fn target(&self, driver: &str, volume: &str) -> PathBuf {
        let path = format!("kubelet/pods/uid-1/volumes/{driver}/{volume}");
        fs::create_dir_all(self.path(&path)).unwrap();
        self.path(&path)
    }

    /// Records a volume, with a mount or none.
    pub fn record(&self, driver: &str, handle: &str, target: Option<PathBuf>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let open = NodeRecord::open(self.path("state/volumes"), self.path("kubelet"), "boot");
        let id = VolumeId {
            driver: "a.csi.io".into(),
            handle: handle.into(),
        };
        let mut record = VolumeRecord::new(id, driver, "boot".into());
        record.persistent_volume = Some("pv-1".into());
        record.is_staged = true;
        if let Some(target) = target {
            record.add(Mount {
                target: target.as_path().into(),
                pod: PodName {
                    namespace: "shop".into(),
                    name: "db-0".into(),
                    uid: "uid-1".into(),
                },
                read_only: false,
                since: 1,
            });
        }
        runtime.block_on(open.unwrap().put(record)).unwrap();
    }
}
