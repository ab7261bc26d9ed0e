//! A node: kubelet's directories, an exec binary, and whoever else is at work there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flex2csi_exec::installed::{Attaches, Capabilities, Installed};

use super::events::{Op, Prober};
use crate::installation::{
    Installation, Kept, NodeVolumeNames, Restored, UninstallError, Uninstaller, Wanted,
};

pub const OURS: &str = "the exec binary";
pub const THEIRS: &str = "#!/bin/sh\necho legacy";
pub const CAPABILITIES: Capabilities = Capabilities {
    attach: false,
    selinux_relabel: false,
    supports_metrics: true,
    fs_group: false,
    requires_fs_resize: true,
};

pub struct World {
    root: tempfile::TempDir,
    pub installation: Installation,
    prober: Prober,
}

impl World {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        fs::create_dir(path.join("plugins")).unwrap();
        fs::create_dir(path.join("kubelet")).unwrap();
        fs::write(path.join("exec"), OURS).unwrap();
        Self {
            installation: Installation::new(wanted(&path)),
            prober: Prober::start(&path.join("plugins")),
            root,
        }
    }

    pub fn wanted(&self) -> Wanted {
        wanted(&self.root.path().canonicalize().unwrap())
    }

    /// As a daemon that starts: it knows nothing.
    pub fn restart(&mut self) {
        self.installation = Installation::new(self.wanted());
    }

    pub fn keep(&mut self) -> Kept {
        self.installation.keep(None).unwrap()
    }

    pub fn keep_with(&mut self, names: &[&str]) -> Kept {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let node = NodeVolumeNames { names };
        self.installation.keep(Some(&node)).unwrap()
    }

    pub fn uninstaller(&self) -> Uninstaller {
        let Wanted {
            plugin_directory,
            kubelet_root,
            driver,
            exec_binary,
            ..
        } = self.wanted();
        Uninstaller {
            plugin_directory,
            kubelet_root,
            driver,
            exec_binary: Some(exec_binary),
        }
    }

    pub fn uninstall(&self) -> Result<Restored, UninstallError> {
        self.uninstaller().uninstall(&[])
    }

    pub fn root(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    pub fn plugins(&self) -> PathBuf {
        self.root().join("plugins")
    }

    /// A file in the driver's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.plugins().join("a.io~b").join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// A legacy installer, as most are: it copies beside, and renames.
    pub fn legacy(&self, text: &str) {
        fs::create_dir_all(self.plugins().join("a.io~b")).unwrap();
        executable(&self.file(".b"), text);
        fs::rename(self.file(".b"), self.file("b")).unwrap();
    }

    pub fn events(&mut self) -> Vec<(String, Op)> {
        self.prober.events()
    }

    /// What the exec binary reads.
    pub fn installed(&self) -> Installed {
        serde_json::from_str(&self.text(".b.flex2csi.json")).unwrap()
    }

    pub fn attaches(&self) -> Option<Attaches> {
        self.installed().original.map(|original| original.attaches)
    }

    /// The exec binary was asked `init`, and asked the original.
    pub fn original_answers(&self, attach: bool) {
        let answer = format!(r#"{{"status":"Success","capabilities":{{"attach":{attach}}}}}"#);
        fs::write(self.file(".b.orig.init.json"), answer).unwrap();
    }

    /// Kubelet has mounted a device.
    pub fn device(&self) -> PathBuf {
        let device = "kubelet/plugins/kubernetes.io/flexvolume/a.io/b/mounts/pv-1";
        let path = self.root().join(device);
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub fn pod_directory(&self) -> PathBuf {
        let path = self.root().join("kubelet/pods/uid-1/volumes/a.io~b/pv-1");
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// All that is there, by name.
    pub fn names(&self, directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = match fs::read_dir(directory) {
            Ok(entries) => entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect(),
            Err(_) => Vec::new(),
        };
        names.sort();
        names
    }

    /// Nothing but what an installation consists of.
    pub fn assert_tidy(&self) {
        assert_eq!(self.names(&self.plugins()), ["a.io~b"]);
        let directory = self.plugins().join("a.io~b");
        for name in self.names(&directory) {
            let known = [".b.flex2csi.json", ".b.orig", ".b.orig.init.json", "b"];
            assert!(known.contains(&&*name), "{name}");
        }
        assert_eq!(self.text("b"), OURS);
        let mode = fs::metadata(self.file("b")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
}

pub fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn wanted(root: &Path) -> Wanted {
    Wanted {
        plugin_directory: root.join("plugins"),
        kubelet_root: root.join("kubelet"),
        driver: "a.io/b".parse().unwrap(),
        exec_binary: root.join("exec"),
        socket: "/run/flex2csi/exec.sock".into(),
        capabilities: CAPABILITIES,
        timeout: Duration::from_secs(110),
    }
}

/// An event of the executable, or of its directory.
pub fn event(name: &str, op: Op) -> (String, Op) {
    (name.to_owned(), op)
}
