//! The engine between kubelet, a cluster and a CSI driver.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flex2csi::backend::Backend;
use flex2csi::cluster::{PodName, SecretValues, VolumeSource};
use flex2csi::flexvolume::volumes::{
    Backends, CallContext, Finding, Knowledge, ListedVolume, MountCall, MountedState, ReleaseWhen,
    Settings, Sockets, Unmounted, VolumeError, Volumes,
};
use flex2csi::flexvolume::{Options, PodTarget};
use flex2csi::request_id::RequestIds;
use flex2csi_translators::Values;
use flex2csi_translators::flex::Mappings;
use serde_json::json;
use tokio::time::Instant;

use crate::cluster::Fake;
use crate::driver::Driver;
use crate::scripted::Scripted;

/// The FlexVolume driver, and the CSI driver behind it.
pub const LEGACY: &str = "test/disk";
pub const CSI: &str = "disk.example.com";

/// Longer than any call of these tests takes that is answered.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// For calls that are not answered.
pub const SHORT: Duration = Duration::from_millis(400);

/// Who looks for the driver's socket, and finds it or not.
#[derive(Clone)]
struct Found {
    sockets: Sockets,
}

impl Backends for Found {
    fn find<'a>(&'a self, driver: &'a str) -> Finding<'a> {
        let found = match driver {
            CSI => Ok(self.sockets.clone()),
            _ => Err("no backend of that name is configured".to_owned()),
        };
        Box::pin(async { found })
    }
}

pub struct Rig {
    pub directory: tempfile::TempDir,
    pub driver: Driver,
    pub cluster: Fake,
    pub volumes: Volumes,
    pub setup: Setup,
    backend: Arc<Backend>,
    request_ids: RequestIds,
    pub scripted: Scripted,
}

/// What can be otherwise.
#[derive(Clone)]
pub struct Setup {
    pub boot: u32,
    pub release: ReleaseWhen,
    pub attaches: bool,
    pub controller: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            boot: 1,
            release: ReleaseWhen::AtOnce,
            attaches: true,
            controller: true,
        }
    }
}

impl Rig {
    /// With the PersistentVolumes pv-0, pv-1 and pv-2.
    pub fn new() -> Self {
        Self::with(Setup::default())
    }

    pub fn with(setup: Setup) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (driver, cluster) = (Driver::new(), Fake::new());
        let socket = directory.path().join("csi.sock");
        let answering = driver.clone();
        let scripted = Scripted::serve(&socket, CSI, move |call| answering.answer(call));
        let backend = Arc::new(Backend::new(socket, Some(CSI.to_owned())));
        for number in 0..3 {
            let pv = pv(number, json!({}));
            cluster.known().volumes.insert(format!("pv-{number}"), pv);
        }
        let volumes = open(directory.path(), &driver, &cluster, &backend, &setup);
        Self {
            directory,
            driver,
            cluster,
            volumes,
            setup,
            backend,
            request_ids: RequestIds::new(),
            scripted,
        }
    }

    pub fn root(&self) -> PathBuf {
        self.directory.path().join("kubelet")
    }

    /// As after `kill -9`: what was under way is not, and the record is read again.
    pub fn restart(&mut self) {
        let Self {
            driver,
            cluster,
            backend,
            setup,
            ..
        } = self;
        self.volumes = open(self.directory.path(), driver, cluster, backend, setup);
    }

    /// As after a power cut.
    pub fn reboot(&mut self) {
        self.setup.boot += 1;
        {
            let mut state = self.driver.state();
            state.staged.clear();
            state.published.clear();
        }
        self.restart();
    }

    pub fn context(&self, patience: Duration) -> CallContext {
        CallContext {
            request_id: self.request_ids.next(),
            deadline: Instant::now() + patience,
        }
    }

    pub fn target(&self, pod: u32, pv: &str) -> PodTarget {
        let root = self.root();
        let path = format!("{}/pods/uid-{pod}/volumes/test~disk/{pv}", root.display());
        std::fs::create_dir_all(&root).unwrap();
        PodTarget::check(&path, &root, LEGACY).unwrap()
    }

    pub fn path(&self, pod: u32, pv: &str) -> PathBuf {
        self.target(pod, pv).path
    }

    pub fn call(&self, pod: u32, pv: &str) -> MountCall {
        MountCall {
            driver: LEGACY.to_owned(),
            target: self.target(pod, pv),
            options: Options {
                own: [("id".to_owned(), pv.replace("pv", "vol"))].into(),
                fs_type: "ext4".into(),
                read_only: false,
                volume: Some(pv.to_owned()),
                pod: Some(pod_name(pod)),
                service_account: Some("default".into()),
                fs_group: None,
                secret: SecretValues::default(),
            },
        }
    }

    /// Mounts as kubelet does.
    pub async fn mount(&self, pod: u32, pv: &str) -> Result<(), VolumeError> {
        self.mount_within(self.call(pod, pv), PATIENCE).await
    }

    /// The same with another call.
    pub async fn mount_within(
        &self,
        call: MountCall,
        patience: Duration,
    ) -> Result<(), VolumeError> {
        let path = call.target.path.clone();
        if self.is_published(&path) {
            return Ok(());
        }
        std::fs::create_dir_all(&path).unwrap();
        let mounted = self.volumes.mount(call, self.context(patience)).await;
        if mounted.is_err() && !self.is_published(&path) {
            let _ = std::fs::remove_dir(&path);
        }
        mounted
    }

    pub async fn unmount(&self, pod: u32, pv: &str) -> Result<Unmounted, VolumeError> {
        let target = self.target(pod, pv);
        self.volumes.unmount(&target, self.context(PATIENCE)).await
    }

    /// Ends a pod as kubelet does once its volumes are unmounted, or given up.
    pub fn end(&self, pod: u32) {
        let directory = self.root().join(format!("pods/uid-{pod}"));
        let _ = std::fs::remove_dir_all(directory);
    }

    pub fn is_published(&self, path: &Path) -> bool {
        self.driver.state().published.contains_key(path)
    }

    /// The targets that are listed, and how it stands with them.
    pub fn listed(&self) -> Vec<(Option<PathBuf>, MountedState)> {
        let path = |volume: &ListedVolume| volume.mount.as_ref().map(|it| it.target.to_path_buf());
        let listed = self.volumes.list();
        listed.iter().map(|it| (path(it), it.state)).collect()
    }

    pub fn records(&self) -> Vec<PathBuf> {
        let directory = self.directory.path().join("state/volumes");
        let entries = directory.read_dir().unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    pub fn staging(&self, handle: &str) -> PathBuf {
        let root = self.root();
        flex2csi_translators::csi_volume::staging_directory(&root, CSI, handle)
    }

    /// That nothing is left anywhere.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        let state = self.driver.state();
        assert_eq!(state.wrong, Vec::<String>::new());
        assert_eq!(
            state.published.keys().collect::<Vec<_>>(),
            Vec::<&PathBuf>::new()
        );
        assert_eq!(
            state.staged.keys().collect::<Vec<_>>(),
            Vec::<&PathBuf>::new()
        );
        drop(state);
        assert_eq!(self.listed(), []);
        assert_eq!(self.records(), Vec::<PathBuf>::new());
        assert!(self.cluster.known().attached.is_empty());
        for handle in ["vol-0", "vol-1", "vol-2"] {
            assert!(!self.staging(handle).exists(), "{handle}");
        }
    }
}

fn open(
    directory: &Path,
    driver: &Driver,
    cluster: &Fake,
    backend: &Arc<Backend>,
    setup: &Setup,
) -> Volumes {
    let settings = Settings {
        root: directory.join("kubelet"),
        state: directory.join("state"),
        boot_id: format!("boot-{}", setup.boot),
        cluster: Arc::new(cluster.clone()),
        attacher: setup.attaches.then(|| Arc::new(cluster.clone()) as _),
        backends: Arc::new(Found {
            sockets: Sockets {
                node: backend.clone(),
                controller: setup.controller.then(|| backend.clone()),
            },
        }),
        mount_points: Arc::new(driver.clone()),
        release: setup.release,
    };
    let mut mappings = Mappings::built_in();
    mappings
        .add("disk.yaml", include_str!("disk.yaml"))
        .unwrap();
    let knowledge = Knowledge {
        values: Arc::new(Values::parse("{}").unwrap()),
        mappings: Arc::new(mappings),
    };
    Volumes::new(settings, knowledge).unwrap()
}

pub fn pod_name(pod: u32) -> PodName {
    PodName {
        namespace: "web".into(),
        name: format!("pod-{pod}"),
        uid: format!("uid-{pod}"),
    }
}

/// A PersistentVolume, with members of its specification exchanged.
pub fn pv(number: u32, exchanged: serde_json::Value) -> VolumeSource {
    let mut pv = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": format!("pv-{number}")},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "claimRef": {"namespace": "web", "name": "data"},
            "flexVolume": {"driver": LEGACY, "fsType": "ext4", "options": {"id": format!("vol-{number}")}},
        },
    });
    for (key, value) in exchanged.as_object().unwrap() {
        pv["spec"][key] = value.clone();
    }
    VolumeSource::PersistentVolume {
        json: pv.to_string(),
        storage_class: None,
    }
}
