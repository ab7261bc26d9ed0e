//! A node of the cluster: kubelet's directories, a CSI driver with its attacher, and
//! the node daemon with a token of its pod's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flex2csi::attachment::lease::{VolumeLease, VolumeLeases};
use flex2csi::attachment::object::{Attachment, attachments};
use flex2csi::cluster::VolumeId;
use flex2csi::node_volumes::{NodeVolumes, node_volumes};
use flex2csi_testing::account::kubeconfig_of_pod;
use flex2csi_testing::audit::Audit;
use flex2csi_testing::cluster::Setup;
use flex2csi_testing::deployed::deployed;
use flex2csi_testing::process::Process;
use flex2csi_testing::served::Served;
use flex2csi_testing::{Cluster, programs};
use flex2csi_translators::attachment::{attachment_name, lease_name};
use flex2csi_translators::csi_volume::staging_directory;
use kube::Client;
use serde_json::{Value, json};

use crate::cluster::{BACKEND, DRIVER, Volume};
use crate::deployed::{NAMESPACE, deploy, eventually};
use crate::kubelet::{Kubelet, Pod, mounts_on};
use crate::left;
use crate::objects::CLASS;

pub struct Node {
    // Ended before what they have mounted is unmounted.
    daemon: Option<Served>,
    _attacher: Process,
    _backend: Served,
    pub name: String,
    /// The name of the CSI driver.
    pub driver: String,
    pub kubelet: Kubelet,
    pub cluster: Cluster,
    pub admin: Client,
    place: Place,
}

struct Place(tempfile::TempDir);

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.0.path().join("node.log"));
            #[expect(clippy::print_stderr, reason = "why the test failed")]
            {
                eprintln!("{}", log.unwrap_or_default());
            }
        }
        left::clean(self.0.path());
    }
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

impl Node {
    /// One on which all runs, in a cluster that tells afterwards who called it.
    pub async fn start(name: &str) -> Self {
        let cluster = Cluster::start_with(&Setup::recording()).await.unwrap();
        deploy(&cluster).await;
        let place = Place(tempfile::tempdir().unwrap());
        let driver = format!("{name}.{BACKEND}");
        let kubelet = Kubelet {
            root: place.path("kubelet"),
            plugins: place.path("exec"),
        };
        for made in [&kubelet.plugins, &kubelet.root.join("pods")] {
            std::fs::create_dir_all(made).unwrap();
        }
        let backend = backend(&place, name, &driver).await;
        let attacher = attacher(&place, &cluster);
        let mut node = Self {
            daemon: None,
            _attacher: attacher,
            _backend: backend,
            name: name.to_owned(),
            driver,
            kubelet,
            admin: cluster.client().unwrap(),
            cluster,
            place,
        };
        node.exists().await;
        node.configure();
        let kubeconfig = node.kubeconfig_of("flex2csi-node").await;
        std::fs::write(node.path("kubeconfig"), kubeconfig).unwrap();
        node.start_daemon().await;
        node
    }

    /// What kubelet, the vendor and the administrator have put into the cluster.
    async fn exists(&self) {
        let mut objects = vec![
            json!({
                "apiVersion": "v1", "kind": "Node",
                "metadata": {
                    "name": self.name,
                    "annotations": { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
                },
            }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
                "metadata": { "name": self.name },
                "spec": { "drivers": [
                    { "name": self.driver, "nodeID": self.name, "topologyKeys": [] },
                ] },
            }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
                "metadata": { "name": self.driver },
                "spec": { "attachRequired": true, "fsGroupPolicy": "File", "podInfoOnMount": true },
            }),
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                "metadata": { "name": CLASS }, "provisioner": DRIVER,
            }),
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": { "namespace": "admin", "name": "admin" },
                "stringData": { "password": "secret-of-the-admin" },
            }),
        ];
        for mut object in deployed("rbac/examples/secret.yaml") {
            object["metadata"]["namespace"] = json!("admin");
            if object["kind"] == "Role" {
                object["rules"][0]["resourceNames"] = json!(["admin"]);
            }
            objects.push(object);
        }
        for object in objects {
            self.put(object).await;
        }
    }

    fn configure(&self) {
        let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/volumes/disk.yaml");
        let mapping = std::fs::read_to_string(mapping).unwrap();
        let mapping = mapping.replace(BACKEND, &self.driver);
        std::fs::write(self.path("mapping.yaml"), mapping).unwrap();
        let config = json!({
            "kubelet": { "root": self.kubelet.root, "pluginDirectory": self.kubelet.plugins },
            "state": self.path("state"),
            "mappings": [self.path("mapping.yaml")],
            "flexVolume": { "drivers": [{ "driver": DRIVER }], "timeoutSeconds": 60 },
            "backends": [{ "driver": self.driver, "socket": self.path("csi.sock") }],
            "log": { "level": "info,flex2csi=debug" },
        });
        std::fs::write(self.path("config.yaml"), config.to_string()).unwrap();
    }

    /// Starts the daemon, in place of the last one, and waits until kubelet can call it.
    pub async fn start_daemon(&mut self) {
        self.kill_daemon();
        let socket = self.path("state/flexvolume.sock");
        let args = self.daemon_args("node", "kubeconfig");
        let directory = self.path("");
        let daemon = Served::start("node", args, &socket, &directory);
        self.daemon = Some(daemon.await.unwrap());
        let executable = self.kubelet.executable(DRIVER);
        let installed = async || executable.is_file();
        eventually("the exec binary is installed", installed).await;
    }

    async fn kubeconfig_of(&self, account: &str) -> String {
        let made = kubeconfig_of_pod(&self.cluster, NAMESPACE, account, &self.name);
        made.await.unwrap()
    }

    pub fn kill_daemon(&mut self) {
        self.daemon = None;
    }

    /// The controller, which is none of the node's but has its configuration.
    pub async fn controller(&self) -> Process {
        let kubeconfig = self.kubeconfig_of("flex2csi-controller").await;
        std::fs::write(self.path("controller.kubeconfig"), kubeconfig).unwrap();
        let args = self.daemon_args("controller", "controller.kubeconfig");
        let program = programs::flex2csi().unwrap();
        Process::start("controller", &program, args, &self.path("")).unwrap()
    }

    fn daemon_args(&self, role: &str, kubeconfig: &str) -> Vec<String> {
        let config = self.place.text("config.yaml");
        let kubeconfig = self.place.text(kubeconfig);
        let mut args = vec![role, "--config", &config, "--kubeconfig", &kubeconfig];
        args.extend(["--namespace", NAMESPACE, "--node-name", &self.name]);
        args.into_iter().map(str::to_owned).collect()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    /// What the daemon has logged since it was started.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("node.log")).unwrap()
    }

    /// Runs the program to its end, and gives what it says.
    pub fn run(&self, args: &[&str]) -> Value {
        let output = Command::new(programs::flex2csi().unwrap())
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn id(&self, volume: &Volume) -> VolumeId {
        VolumeId {
            driver: self.driver.clone(),
            handle: volume.handle().to_owned(),
        }
    }

    /// The attachment under the name that the attach/detach controller would use.
    pub async fn attachment(&self, volume: &Volume) -> Option<Attachment> {
        let name = attachment_name(&self.driver, volume.handle(), &self.name);
        let found = attachments(self.admin.clone()).get_opt(&name).await;
        found.unwrap().as_ref().map(Attachment::of)
    }

    pub async fn lease(&self, volume: &Volume) -> Option<VolumeLease> {
        let leases = VolumeLeases::new(self.admin.clone(), NAMESPACE);
        let name = lease_name(&self.driver, volume.handle());
        leases.find(&name).await.unwrap()
    }

    /// What the daemon publishes: pods with a state each, or a state alone.
    pub async fn published(&self) -> Vec<(Option<String>, String)> {
        let found = node_volumes(self.admin.clone()).get_opt(&self.name).await;
        let Some(found) = found.unwrap() else {
            return Vec::new();
        };
        let said: NodeVolumes = serde_json::from_value(found.data).unwrap();
        let shim = said.shim.into_iter();
        shim.map(|entry| (entry.pod_uid, entry.state)).collect()
    }

    /// Waits until it publishes exactly these pods' mounts.
    pub async fn publishes_mounts_of(&self, pods: &[&Pod]) {
        let mut expected: Vec<_> = pods
            .iter()
            .map(|pod| (Some(pod.uid.clone()), "Mounted".to_owned()))
            .collect();
        expected.sort();
        eventually("it is published", async || {
            let mut published = self.published().await;
            published.sort();
            published == expected
        })
        .await;
    }

    /// CSI's directory of the volume.
    pub fn staging(&self, volume: &Volume) -> PathBuf {
        staging_directory(&self.kubelet.root, &self.driver, volume.handle())
    }

    pub fn is_staged(&self, volume: &Volume) -> bool {
        mounts_on(&self.staging(volume).join("globalmount")) > 0
    }

    /// For each volume that the daemon has recorded, how often it is mounted.
    pub fn recorded(&self) -> Vec<usize> {
        let records = std::fs::read_dir(self.path("state/volumes")).unwrap();
        let read = records.filter_map(|record| {
            // Not those that are being written, nor one that was removed meanwhile.
            let path = record.unwrap().path();
            let text = std::fs::read(&path).ok()?;
            let record: Value = serde_json::from_slice(&text).ok()?;
            Some(record["mounts"].as_array().unwrap().len())
        });
        read.collect()
    }

    /// Waits until nothing is mounted, attached, recorded or published.
    pub async fn comes_to_nothing_left(&self, volume: &Volume) {
        eventually("the attachment is gone", async || {
            self.attachment(volume).await.is_none()
        })
        .await;
        eventually("the Lease is free", async || {
            self.lease(volume).await.is_none()
        })
        .await;
        eventually("nothing is recorded", async || self.recorded().is_empty()).await;
        self.publishes_mounts_of(&[]).await;
        assert!(!self.staging(volume).exists());
        assert_eq!(left::mounts(&self.path("")), Vec::<PathBuf>::new());
    }

    /// None of the calls that an account made with a token of this node's was refused
    /// by RBAC or at admission, of many.
    #[track_caller]
    pub fn assert_nothing_denied(&self, account: &str) {
        let audit = Audit::read(self.cluster.directory()).unwrap();
        let user = format!("system:serviceaccount:{NAMESPACE}:{account}");
        let calls: Vec<_> = audit.of_node(&user, &self.name).collect();
        assert!(!calls.is_empty());
        let denied: Vec<_> = calls.iter().filter(|call| call.code == 403).collect();
        assert!(denied.is_empty(), "{denied:?}");
    }
}

async fn backend(place: &Place, node: &str, driver: &str) -> Served {
    let socket = place.text("csi.sock");
    let state = place.text("backend");
    let mut args = vec!["hostpath", "--attach", "--endpoint", &socket];
    args.extend([
        "--state-dir",
        &state,
        "--driver-name",
        driver,
        "--node-id",
        node,
    ]);
    let volume = format!("--volume=vol-{node}-a");
    args.push(&volume);
    Served::start("backend", args, Path::new(&socket), &place.path(""))
        .await
        .unwrap()
}

fn attacher(place: &Place, cluster: &Cluster) -> Process {
    let args = [
        format!("--csi-address={}", place.text("csi.sock")),
        format!("--kubeconfig={}", cluster.kubeconfig().display()),
        "--retry-interval-start=100ms".to_owned(),
        "--retry-interval-max=500ms".to_owned(),
    ];
    let program = programs::built("csi-attacher").unwrap();
    Process::start("csi-attacher", &program, args, &place.path("")).unwrap()
}
