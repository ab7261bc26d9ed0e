//! A node: kubelet's directories, a CSI driver, and the node daemon.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use flex2csi::fault_points::{DIE_AT, Step};
use flex2csi::mountinfo::{Mount, MountTable};
use serde_json::{Value, json};

use crate::cluster::{BACKEND, DRIVER, Volume, csi_driver};
use crate::kubelet::{Kubelet, Pod, mounts_on};
use crate::left;
use crate::process::{Process, until};

/// A node in a directory of its own. Dropped, its processes are killed and its
/// mounts are undone.
pub struct Node {
    // Ended before what they have mounted is unmounted.
    backend: Mutex<Option<Process>>,
    daemon: Mutex<Option<Process>>,
    pub kubelet: Kubelet,
    place: Place,
}

struct Place(tempfile::TempDir);

impl Drop for Place {
    fn drop(&mut self) {
        left::clean(self.0.path());
    }
}

impl Node {
    /// One on which nothing runs yet.
    pub fn set_up() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        let kubelet = Kubelet {
            root: path.join("kubelet"),
            plugins: path.join("exec"),
        };
        for made in [
            &kubelet.plugins,
            &kubelet.root.join("pods"),
            &kubelet.root.join("plugins_registry"),
            &path.join("cluster"),
        ] {
            std::fs::create_dir_all(made).unwrap();
        }
        let node = Self {
            backend: Mutex::new(None),
            daemon: Mutex::new(None),
            kubelet,
            place: Place(directory),
        };
        node.configure(|_| {});
        node.add(&csi_driver());
        node
    }

    /// One with the volumes `a` and `b`, on which all runs.
    pub fn start() -> Self {
        let node = Self::set_up();
        node.start_backend(&[]);
        node.start_daemon();
        node
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.0.path().canonicalize().unwrap().join(name)
    }

    /// Writes the daemon's configuration, changed in some way.
    pub fn configure(&self, change: impl FnOnce(&mut Value)) {
        let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/volumes/disk.yaml");
        let mut config = json!({
            "kubelet": {"root": self.kubelet.root, "pluginDirectory": self.kubelet.plugins},
            "state": self.path("state"),
            "mappings": [mapping],
            "persistentVolumes": [self.path("cluster")],
            "flexVolume": {"drivers": [{"driver": DRIVER}], "timeoutSeconds": 20},
            "backends": [{"driver": BACKEND, "socket": self.path("csi.sock")}],
        });
        change(&mut config);
        std::fs::write(self.path("config.yaml"), config.to_string()).unwrap();
    }

    /// Puts an object into the cluster.
    pub fn add(&self, object: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let name = text(&object["kind"]) + "-" + &text(&object["metadata"]["name"]);
        let file = self.path("cluster").join(name + ".json");
        std::fs::write(file, object.to_string()).unwrap();
    }

    /// A PersistentVolume of the cluster, of the backend's volume `vol-NAME`.
    pub fn volume(&self, name: &str) -> Volume {
        let volume = Volume::new(name);
        self.add(&volume.object());
        volume
    }

    /// A pod that mounts.
    pub fn pod(&self, name: &str) -> Pod {
        self.kubelet.pod(name)
    }

    /// Starts the CSI driver, with more flags.
    #[track_caller]
    pub fn start_backend(&self, flags: &[&str]) {
        let (socket, state, faults) = (
            self.path("csi.sock"),
            self.path("backend"),
            self.path("faults"),
        );
        let mut args: Vec<String> = ["hostpath", "--node-id", "node", "--driver-name", BACKEND]
            .map(str::to_owned)
            .to_vec();
        for (flag, value) in [
            ("--endpoint", &socket),
            ("--state-dir", &state),
            ("--faults-file", &faults),
        ] {
            args.extend([flag.to_owned(), value.to_str().unwrap().to_owned()]);
        }
        args.extend(["--volume", "vol-a", "--volume", "vol-b"].map(str::to_owned));
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let mut backend = Process::start(args, &[], &self.path("backend.log"));
        backend.serves(&socket);
        *self.backend.lock().unwrap() = Some(backend);
    }

    /// Starts the daemon, and waits until kubelet can call it.
    #[track_caller]
    pub fn start_daemon(&self) {
        self.start_daemon_with(&[]);
    }

    /// The same, with one that is killed when it comes to a step.
    #[track_caller]
    pub fn start_daemon_dying_at(&self, step: Step) {
        self.start_daemon_with(&[(DIE_AT, step.name())]);
    }

    #[track_caller]
    fn start_daemon_with(&self, environment: &[(&str, &str)]) {
        let daemon = self.new_daemon(environment, "node.log");
        *self.daemon.lock().unwrap() = Some(daemon);
        let executable = self.kubelet.executable(DRIVER);
        until("the exec binary is installed", || {
            executable.is_file().then_some(())
        });
    }

    /// Starts one that may not get to that.
    pub fn start_daemon_not_installed(&self) {
        *self.daemon.lock().unwrap() = Some(self.new_daemon(&[], "node.log"));
    }

    /// A second one, of the same configuration.
    pub fn another_daemon(&self) -> Process {
        self.new_daemon(&[], "second.log")
    }

    fn new_daemon(&self, environment: &[(&str, &str)], log: &str) -> Process {
        let config = self.path("config.yaml");
        let args = ["node".as_ref(), "--config".as_ref(), config.as_os_str()];
        Process::start(args, environment, &self.path(log))
    }

    /// The daemon's process.
    pub fn daemon(&self) -> impl std::ops::DerefMut<Target = Process> {
        Held(self.daemon.lock().unwrap())
    }

    /// The CSI driver's process.
    pub fn backend(&self) -> impl std::ops::DerefMut<Target = Process> {
        Held(self.backend.lock().unwrap())
    }

    /// kill -9 of the daemon, and a new one.
    #[track_caller]
    pub fn restart_daemon(&self) {
        self.daemon().kill();
        self.start_daemon();
    }

    /// kill -9 of the CSI driver, and a new one.
    #[track_caller]
    pub fn restart_backend(&self, flags: &[&str]) {
        self.backend().kill();
        self.start_backend(flags);
    }

    /// What goes wrong in the CSI driver from now on.
    pub fn faults(&self, faults: &str) {
        let new = self.path("faults.new");
        std::fs::write(&new, faults).unwrap();
        std::fs::rename(new, self.path("faults")).unwrap();
    }

    /// Waits until a fault comes, for the first time on this node.
    #[track_caller]
    pub fn comes_to(&self, fault: &str) {
        let log = self.path("backend.log");
        until(&format!("{fault} comes"), || {
            let log = std::fs::read_to_string(&log).unwrap();
            log.contains(&format!("{fault:?}")).then_some(())
        });
    }

    /// Where a volume is staged.
    pub fn staging(&self, volume: &Volume) -> PathBuf {
        flex2csi_translators::csi_volume::staging_directory(
            &self.kubelet.root,
            BACKEND,
            volume.handle(),
        )
        .join("globalmount")
    }

    /// Each of the pods has the volume, once; it is staged once.
    #[track_caller]
    pub fn assert_mounted(&self, volume: &Volume, pods: &[&Pod]) {
        assert_eq!(mounts_on(&self.staging(volume)), 1, "staged");
        for pod in pods {
            assert_eq!(mounts_on(&pod.target(volume)), 1, "{}", pod.name);
        }
    }

    /// What is mounted, staged, published or recorded.
    pub fn left(&self) -> Vec<String> {
        let directory = self.path("");
        let shown = |path: PathBuf| format!("{}", path.display());
        let mut left: Vec<String> = left::mounts(&directory).into_iter().map(shown).collect();
        left.extend(left::loop_devices(&directory).into_iter().map(shown));
        let staged = Path::new("kubelet/plugins/kubernetes.io/csi").join(BACKEND);
        for kept in ["state/volumes".as_ref(), staged.as_path()] {
            left.extend(entries(&self.path("").join(kept)).into_iter().map(shown));
        }
        for record in entries(&self.path("backend/volumes")) {
            if record
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let text = std::fs::read(&record).unwrap();
                let used = &serde_json::from_slice::<Value>(&text).unwrap()["used"];
                if used.as_object().is_some_and(|used| !used.is_empty()) {
                    left.push(format!("{}: {used}", record.display()));
                }
            }
        }
        left
    }

    #[track_caller]
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.left(), Vec::<String>::new());
    }

    /// Waits until what kubelet gave up is undone.
    #[track_caller]
    pub fn comes_to_nothing_left(&self) {
        let mut left = Vec::new();
        let empty = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until("nothing is left", || {
                left = self.left();
                left.is_empty().then_some(())
            });
        }));
        assert!(empty.is_ok(), "{left:?}");
    }

    /// What is mounted at a path.
    #[track_caller]
    pub fn mount_at(&self, target: &Path) -> Mount {
        let table = MountTable::read().unwrap();
        table.at(target).unwrap().clone()
    }
}

struct Held<'a>(MutexGuard<'a, Option<Process>>);

impl std::ops::Deref for Held<'_> {
    type Target = Process;

    fn deref(&self) -> &Process {
        self.0.as_ref().unwrap()
    }
}

impl std::ops::DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Process {
        self.0.as_mut().unwrap()
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    match std::fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{}: {error}", directory.display()),
    }
}
