//! A small fleet, and the program to be run on it.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use flex2csi::manifest::{self, Seen, each_object};
use k8s_openapi::jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::store::{CLAIMS, MIGRATIONS, VOLUMES};

/// Found in the options of the volumes, and never to be shown.
pub const CREDENTIAL: &str = "hunter2hunter2";

/// The objects of a manifest.
fn manifest(path: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut objects = Vec::new();
    each_object::<manifest::Error>(&[path], |seen| {
        match seen {
            Seen::Object(object) => objects.push(serde_json::from_slice(object.json).unwrap()),
            Seen::Broken(problem) => panic!("{problem}"),
        }
        Ok(())
    })
    .unwrap();
    objects
}

/// A volume `pv-<name>`, made by hand and idle, and its claim `shop/<name>`.
pub fn pair(name: &str) -> [Value; 2] {
    let volume = format!("pv-{name}");
    let uid = format!("uid-of-claim-{name}");
    [
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": volume, "uid": format!("uid-of-{volume}"),
                "labels": {"tier": name.split('-').next()},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration":
                    format!("{{\"secretKey\":\"{CREDENTIAL}\"}}")},
                "finalizers": ["kubernetes.io/pv-protection"],
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": {"storage": "10Gi"},
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": "shop", "name": name, "uid": uid},
                "awsElasticBlockStore": {"volumeID": format!("vol-{name}"), "fsType": "ext4"},
            },
            "status": {"phase": "Bound"},
        }),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "shop", "uid": uid},
            "spec": {
                "volumeName": volume, "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "10Gi"}},
            },
            "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
        }),
    ]
}

/// A pod `shop/web` that uses a claim.
pub fn pod(claim: &str) -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"nodeName": "node-a", "volumes": [
            {"name": "v", "persistentVolumeClaim": {"claimName": claim}},
        ]},
        "status": {"phase": "Pending"},
    })
}

/// A cluster, and the program.
pub struct Rig {
    pub cluster: Cluster,
}

impl Rig {
    /// Two nodes on which all is well, and these pairs.
    pub fn new(names: &[&str]) -> Self {
        Self::with(names.iter().flat_map(|name| pair(name)))
    }

    /// Two nodes on which all is well, and these objects.
    pub fn with(objects: impl Iterator<Item = Value>) -> Self {
        let mut base = manifest("testdata/plan/base.yaml");
        // Nodes have a word in it that was said lately, and not in the future.
        let now = Timestamp::now().to_string();
        let said = base.iter_mut();
        for said in said.filter(|object| object["kind"] == "NodeVolumes") {
            said["renewTime"] = now.as_str().into();
            said["renewSeconds"] = 600.into();
        }
        Self {
            cluster: Cluster::of(base.into_iter().chain(objects)),
        }
    }

    /// With so many pairs `n-0`, `n-1` …
    pub fn of(count: usize) -> Self {
        let names: Vec<String> = (0..count).map(|number| format!("n-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Self::new(&names)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
        command
            .args(args)
            .arg("--kubeconfig")
            .arg(self.cluster.kubeconfig())
            .env_remove("KUBECONFIG")
            .env_remove("JOB_COMPLETION_INDEX")
            .env("COLUMNS", "120")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    /// Starts it, and goes on.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::of(command.spawn().unwrap())
    }

    /// A file of the test's own.
    pub fn file(&self, name: &str) -> String {
        let path = self.cluster.directory().join(name);
        path.to_str().unwrap().to_owned()
    }

    /// Makes a plan.
    pub fn plan(&self) -> String {
        let path = self.file("plan.yaml");
        self.run(&["plan", "--out", &path]).ended(0);
        path
    }

    pub fn volume(&self, name: &str) -> Value {
        let store = self.cluster.store();
        let volume = store.get(VOLUMES, "", &format!("pv-{name}"));
        volume.unwrap_or(&Value::Null).clone()
    }

    /// How often a volume of this name was asked to be deleted.
    pub fn deletions(&self, name: &str) -> usize {
        let line = format!("DELETE {VOLUMES}/pv-{name}");
        let writes = self.cluster.writes();
        writes.iter().filter(|asked| asked.line == line).count()
    }

    /// The step and phase that a volume's record has.
    pub fn phase(&self, name: &str) -> String {
        let store = self.cluster.store();
        let record = store.get(MIGRATIONS, "", &format!("pv-pv-{name}"));
        let phase = record.map(|record| record["status"]["phase"].clone());
        phase
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    }

    /// Every claim is there, and has the volume that it had.
    #[track_caller]
    pub fn assert_claims(&self) {
        let store = self.cluster.store();
        for claim in store.list(CLAIMS) {
            let name = claim["metadata"]["name"].as_str().unwrap();
            assert_eq!(claim["metadata"]["uid"], format!("uid-of-claim-{name}"));
            assert_eq!(claim["status"]["phase"], "Bound", "{name}");
            assert_eq!(claim["spec"]["volumeName"], format!("pv-{name}"));
        }
    }

    #[track_caller]
    pub fn assert_rewritten(&self, name: &str) {
        let volume = self.volume(name);
        let handle = &volume["spec"]["csi"]["volumeHandle"];
        assert_eq!(*handle, format!("vol-{name}"), "{volume}");
        assert_eq!(volume["status"]["phase"], "Bound");
        assert_eq!(self.phase(name), "Rewritten");
    }

    /// It is the very object that it was.
    #[track_caller]
    pub fn assert_untouched(&self, name: &str) {
        let volume = self.volume(name);
        assert_eq!(volume["metadata"]["uid"], format!("uid-of-pv-{name}"));
        assert!(volume["spec"]["awsElasticBlockStore"].is_object());
        assert!(volume["metadata"]["deletionTimestamp"].is_null());
        assert_eq!(self.deletions(name), 0);
    }

    #[track_caller]
    pub fn assert_original(&self, name: &str) {
        let volume = self.volume(name);
        let source = &volume["spec"]["awsElasticBlockStore"];
        assert_eq!(source["volumeID"], format!("vol-{name}"), "{volume}");
        assert!(volume["spec"]["csi"].is_null());
    }
}

/// A program that runs.
pub struct Running {
    child: Child,
    stdout: Said,
    stderr: Said,
}

/// What comes out of one of its pipes, and who reads it.
struct Said(Arc<Mutex<Vec<u8>>>, JoinHandle<()>);

impl Said {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                into.lock().unwrap().extend_from_slice(&piece[..read]);
            }
        });
        Self(said, reader)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Running {
    fn of(mut child: Child) -> Self {
        Self {
            stdout: Said::of(child.stdout.take().unwrap()),
            stderr: Said::of(child.stderr.take().unwrap()),
            child,
        }
    }

    pub fn interrupt(&self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::INT).unwrap();
    }

    /// Waits until it has said so.
    #[track_caller]
    pub fn until_said(&self, text: &str) {
        let said = || self.stdout.text() + &self.stderr.text();
        for _ in 0..6000 {
            if said().contains(text) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{text:?} is not said: {}", said());
    }

    pub fn end(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        self.stdout.1.join().unwrap();
        self.stderr.1.join().unwrap();
        let text = |said: &Arc<Mutex<Vec<u8>>>| said.lock().unwrap().clone();
        Ended::of(Output {
            status,
            stdout: text(&self.stdout.0),
            stderr: text(&self.stderr.0),
        })
    }
}

/// How it ended, and what it said.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let ended = Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ended.all().contains(CREDENTIAL), "{}", ended.all());
        ended
    }

    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }

    /// Says so, on either side.
    #[track_caller]
    pub fn said(self, text: &str) -> Self {
        assert!(
            self.all().contains(text),
            "{text:?} is not in:\n{}",
            self.all()
        );
        self
    }
}
