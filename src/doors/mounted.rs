//! What is mounted on this node, by us and by original drivers: told to Prometheus
//! and to the cluster, whenever it changes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cluster::VolumeId;
use crate::config::Loaded;
use crate::flexvolume::volumes::{ListedVolume, MountedState, Volumes, is_taken};
use crate::metrics::{Counts, NodeMetrics};
use crate::mountinfo::are_mounted;
use crate::node_volumes::{self, Entry, OriginalEntry, State};
use crate::original_mounts::{OriginalMounts, driver_of_device};

/// How often it is looked for what original drivers have: nobody tells when they unmount.
const EVERY: Duration = Duration::from_secs(10);

/// How long a change waits for others: each is told by going through all that is
/// mounted, and where many volumes are mounted many change at once.
const GATHER: Duration = Duration::from_millis(100);

/// Who knows.
pub struct Mounted {
    /// What is ours.
    pub volumes: Volumes,
    /// Where kubelet's directories are.
    pub configs: watch::Receiver<Arc<Loaded>>,
    /// Where it is counted.
    pub metrics: NodeMetrics,
}

/// What is mounted whenever it is asked for, and word of its changes.
pub struct Followed {
    volumes: Volumes,
    originals: Arc<Mutex<Option<Vec<OriginalEntry>>>>,
    taken: Arc<Mutex<Taken>>,
    /// Changes when what is mounted does.
    pub changes: watch::Receiver<()>,
}

/// What kubelet has through CSI as well: the pod's uid, and the volume.
type Taken = BTreeSet<(String, VolumeId)>;

impl Followed {
    /// What is mounted as it is now, not as it was when it last changed; `None` as
    /// long as not all of it is known. What is published while something is left out
    /// would be taken for proof that it is not mounted.
    pub fn list(&self) -> Option<node_volumes::Mounted> {
        let originals = self.originals.lock();
        let original = originals.unwrap_or_else(PoisonError::into_inner).clone()?;
        let taken = self.taken.lock();
        list(
            &self.volumes,
            original,
            &taken.unwrap_or_else(PoisonError::into_inner),
        )
    }
}

fn list(
    volumes: &Volumes,
    original: Vec<OriginalEntry>,
    taken: &Taken,
) -> Option<node_volumes::Mounted> {
    // A record that is not trusted may be that of any volume.
    let shim = volumes.refused().is_empty().then(|| volumes.list())?;
    Some(node_volumes::Mounted {
        shim: shim
            .into_iter()
            .map(|listed| entry(listed, taken))
            .collect(),
        original,
    })
}

impl Mounted {
    /// Keeps a list up to date until `shutdown`.
    pub fn follow(self, shutdown: CancellationToken) -> Followed {
        let (sender, changes) = watch::channel(());
        let originals = Arc::new(Mutex::new(None));
        let taken = Arc::new(Mutex::new(Taken::new()));
        let followed = Followed {
            volumes: self.volumes.clone(),
            originals: originals.clone(),
            taken: taken.clone(),
            changes,
        };
        let following = async move {
            let mut changes = self.volumes.changes();
            let (mut known, mut told) = (None, None);
            let mut looks = tokio::time::interval(EVERY);
            loop {
                let is_change = tokio::select! {
                    changed = changes.changed() => changed.is_ok(),
                    _ = looks.tick() => false,
                };
                if is_change {
                    self.metrics.record_written();
                    tokio::time::sleep(GATHER).await;
                    changes.borrow_and_update();
                }
                let listed = self.volumes.list();
                if !is_change {
                    known = self.originals(known).await;
                    *originals.lock().unwrap_or_else(PoisonError::into_inner) = known.clone();
                    let found = self.taken(&listed).await;
                    *taken.lock().unwrap_or_else(PoisonError::into_inner) = found;
                }
                self.count(&listed, known.as_deref().unwrap_or_default());
                let list = known.clone().and_then(|known| {
                    let taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                    list(&self.volumes, known, &taken)
                });
                if told != list {
                    told = list;
                    sender.send_replace(());
                }
            }
        };
        tokio::spawn(async move { shutdown.run_until_cancelled(following).await });
        followed
    }

    /// What original drivers have; what was known before where it cannot be seen.
    async fn originals(&self, known: Option<Vec<OriginalEntry>>) -> Option<Vec<OriginalEntry>> {
        let root = self.configs.borrow().config.kubelet.root.clone();
        let volumes = self.volumes.clone();
        let looked = tokio::task::spawn_blocking(move || {
            OriginalMounts::find_all(&root, are_mounted, || volumes.targets())
        });
        match looked.await {
            Ok(Ok(found)) => Some(entries(found)),
            Ok(Err(error)) => {
                tracing::warn!(%error, "it cannot be seen what original drivers have mounted");
                known
            }
            Err(error) => {
                tracing::error!(%error, "looking for original drivers' mounts broke off");
                known
            }
        }
    }

    /// What kubelet has through CSI as well. Where that cannot be seen it counts as not
    /// so, and whoever waits for it goes on waiting.
    async fn taken(&self, listed: &[ListedVolume]) -> Taken {
        let root = self.configs.borrow().config.kubelet.root.clone();
        let mounts = listed.iter().filter_map(|listed| {
            let mount = listed.mount.as_ref()?;
            Some((mount.pod.uid.clone(), (*listed.volume).clone()))
        });
        let mut mounts: Vec<(String, VolumeId)> = mounts.collect();
        let looked = tokio::task::spawn_blocking(move || {
            mounts.retain(|(uid, volume)| match is_taken(&root, uid, volume) {
                Ok(is_taken) => is_taken,
                Err(error) => {
                    tracing::warn!(%error, uid, "it cannot be seen what kubelet has through CSI");
                    false
                }
            });
            mounts.into_iter().collect()
        });
        looked.await.unwrap_or_default()
    }

    fn count(&self, listed: &[ListedVolume], originals: &[OriginalEntry]) {
        let (mut mounts, mut attachments) = (Counts::new(), Counts::new());
        let mut attached = BTreeSet::new();
        let mut pending = 0;
        for each in listed {
            let driver = || each.volume.driver.clone();
            match each.mount {
                Some(_) => *mounts.entry(driver()).or_default() += 1,
                None => pending += 1,
            }
            if each.is_attached && attached.insert(&each.volume) {
                *attachments.entry(driver()).or_default() += 1;
            }
        }
        let mut of_original = Counts::new();
        for original in originals {
            *of_original.entry(original.driver.clone()).or_default() += 1;
        }
        self.metrics.mounts(&mounts);
        self.metrics.attachments(&attachments);
        self.metrics.originals(&of_original);
        self.metrics.pending_releases(pending);
    }
}

fn entry(listed: ListedVolume, taken: &Taken) -> Entry {
    let state = match listed.state {
        MountedState::Published => State::Mounted,
        MountedState::Uncertain => State::Mounting,
        MountedState::Releasing if listed.is_staged || !listed.is_attached => State::Unmounting,
        MountedState::Releasing => State::Detaching,
    };
    let volume = (*listed.volume).clone();
    let pod_uid = listed.mount.map(|mount| mount.pod.uid);
    let pod = pod_uid.clone().map(|uid| (uid, volume.clone()));
    Entry {
        is_taken: pod.is_some_and(|pod| taken.contains(&pod)),
        volume,
        persistent_volume: listed.persistent_volume,
        pod_uid,
        state,
    }
}

fn entries(found: OriginalMounts) -> Vec<OriginalEntry> {
    let of_pods = found.pods.into_iter().map(|mount| OriginalEntry {
        driver: mount.driver,
        pv: Some(mount.volume),
        pod_uid: Some(mount.pod_uid),
    });
    let of_devices = found.devices.into_iter().map(|device| OriginalEntry {
        driver: driver_of_device(&device),
        pv: device
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
        pod_uid: None,
    });
    of_pods.chain(of_devices).collect()
}
