//! The FlexVolume door of a node daemon, with all that it needs of the cluster.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::DaemonArgs;
use super::backends::Backends;
use super::drivers::Drivers;
use super::installations::{self, InCluster, Installer, NoCluster};
use super::mounted::Mounted;
use crate::attachment::{self, Attacher, VolumeAttachments};
use crate::cluster::{self, Cluster};
use crate::config::{FlexVolume, Loaded};
use crate::exit::Usage;
use crate::flexvolume::volumes::{Knowledge, ReleaseWhen, Settings, SystemMounts, Volumes};
use crate::flexvolume::{self, Door};
use crate::installation::NodeObjects;
use crate::metrics::Metrics;
use crate::node_record::boot_id;
use crate::node_volumes;
use crate::operations::Conditions;
use crate::socket::Listener;

/// The door, before it is open.
pub struct FlexVolumeDoor {
    listener: Listener,
    volumes: Volumes,
    door: Arc<Door>,
    installer: Installer,
    /// The longest that a call may take.
    timeout: Duration,
    /// Where NodeVolumes are published, if anywhere.
    publishing: Option<(kube::Client, node_volumes::Settings)>,
    mounted: Mounted,
}

/// What the cluster, or what stands for one, gives.
struct Surroundings {
    cluster: Arc<dyn Cluster>,
    attacher: Option<Arc<dyn Attacher>>,
    objects: Arc<dyn NodeObjects>,
    release: ReleaseWhen,
    publishing: Option<(kube::Client, node_volumes::Settings)>,
}

impl FlexVolumeDoor {
    /// Takes the socket and reads the record; nothing is served yet.
    ///
    /// # Errors
    /// The configuration cannot be served: the exec binary, the cluster or the
    /// socket is not to be had.
    pub async fn new(
        args: &DaemonArgs,
        configs: &watch::Receiver<Arc<Loaded>>,
        flex_volume: &FlexVolume,
        backends: &mut Backends,
        (metrics, conditions): (&Metrics, &Conditions),
    ) -> anyhow::Result<Self> {
        let loaded = configs.borrow().clone();
        let config = &loaded.config;
        let exec_binary =
            installations::exec_binary(flex_volume).map_err(|error| Usage(format!("{error:#}")))?;
        // Before the record is read: two daemons must not both have it.
        let listener = Listener::bind(&flex_volume.socket)?;
        let boot_id = boot_id().context("cannot tell one boot of this node from another")?;
        let around = surroundings(args, &loaded, &boot_id).await?;
        let settings = Settings {
            root: config.kubelet.root.clone(),
            state: config.state.clone(),
            boot_id,
            cluster: around.cluster,
            attacher: around.attacher,
            backends: Arc::new(Drivers::new(&loaded, backends, metrics)),
            mount_points: Arc::new(SystemMounts),
            release: around.release,
        };
        let volumes = Volumes::new(settings, knowledge(&loaded))?;
        for refused in volumes.refused() {
            tracing::error!(
                record = %refused.file.display(), reason = refused.why,
                "a record is not trusted, and its volume is left alone: repair or remove it"
            );
        }
        let settings = flexvolume::Settings {
            root: config.kubelet.root.clone(),
            plugin_directory: config.kubelet.plugin_directory.clone(),
            timeout: flex_volume.timeout,
        };
        let installer = Installer {
            configs: configs.clone(),
            exec_binary,
            objects: around.objects,
            volumes: volumes.clone(),
            conditions: conditions.clone(),
        };
        installer.announce();
        Ok(Self {
            door: Arc::new(Door::new(settings, volumes.clone(), metrics.clone())),
            installer,
            timeout: flex_volume.timeout,
            mounted: Mounted {
                volumes: volumes.clone(),
                configs: configs.clone(),
                metrics: metrics.node().clone(),
            },
            listener,
            volumes,
            publishing: around.publishing,
        })
    }

    /// Serves it until `shutdown`, and does what it has to do by itself.
    pub fn open(
        self,
        configs: watch::Receiver<Arc<Loaded>>,
        (tasks, shutdown): (&TaskTracker, &CancellationToken),
    ) {
        tracing::info!(socket = %self.listener.path().display(), "serving FlexVolume calls");
        tasks.spawn(flexvolume::serve(
            self.listener,
            self.door,
            shutdown.clone(),
            self.timeout,
        ));
        tasks.spawn(self.installer.run(shutdown.clone()));
        let (volumes, stop) = (self.volumes.clone(), shutdown.clone());
        tokio::spawn(async move { volumes.keep_collecting(stop).await });
        let followed = self.mounted.follow(shutdown.clone());
        if let Some((client, settings)) = self.publishing {
            let (changes, shutdown) = (followed.changes.clone(), shutdown.clone());
            let list = move || followed.list();
            tokio::spawn(node_volumes::publish(
                client, settings, list, changes, shutdown,
            ));
        }
        tokio::spawn(learn(configs, self.volumes));
    }
}

fn knowledge(loaded: &Loaded) -> Knowledge {
    Knowledge {
        values: loaded.values.clone(),
        mappings: loaded.mappings.clone(),
    }
}

/// Gives the engine each new configuration.
async fn learn(mut configs: watch::Receiver<Arc<Loaded>>, volumes: Volumes) {
    while configs.changed().await.is_ok() {
        let loaded = configs.borrow_and_update().clone();
        volumes.learn(knowledge(&loaded));
    }
}

/// The cluster, or the files that stand for one.
async fn surroundings(
    args: &DaemonArgs,
    loaded: &Loaded,
    boot_id: &str,
) -> anyhow::Result<Surroundings> {
    let files = &loaded.config.persistent_volumes;
    if !files.is_empty() {
        return Ok(Surroundings {
            cluster: Arc::new(cluster::Files::new(files.clone())),
            attacher: None,
            objects: Arc::new(NoCluster),
            release: ReleaseWhen::AtOnce,
            publishing: None,
        });
    }
    let client = match args.cluster.client().await {
        Ok(Some(client)) => client,
        Ok(None) => {
            let message = "`flexVolume` needs a cluster: run in a pod of it, give --kubeconfig, \
                           or give its objects as files with `persistentVolumes`";
            return Err(Usage(message.to_owned()).into());
        }
        Err(error) if error.is_usage() => return Err(Usage(error.to_string()).into()),
        Err(error) => return Err(error.into()),
    };
    let node = args.node_name();
    let api = Arc::new(cluster::Api::new(client.clone(), node.clone()));
    let settings = attachment::Settings {
        node: node.clone(),
        namespace: args.namespace(&client),
        boot_id: boot_id.to_owned(),
        patience: attachment::Settings::PATIENCE,
    };
    let attacher = VolumeAttachments::new(client.clone(), api.clone(), settings);
    let publishing = node_volumes::Settings {
        node: node.clone(),
        boot_id: boot_id.to_owned(),
        renewal: node_volumes::Settings::RENEWAL,
    };
    Ok(Surroundings {
        cluster: api.clone(),
        attacher: Some(Arc::new(attacher)),
        objects: Arc::new(InCluster::new(api, node)),
        release: ReleaseWhen::Later,
        publishing: Some((client, publishing)),
    })
}
