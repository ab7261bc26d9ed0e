//! What is mounted on this node, by us and by original drivers: told to Prometheus
//! and to the cluster, whenever it changes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::Loaded;
use crate::flexvolume::volumes::{ListedVolume, MountedState, Volumes};
use crate::installation::FlexDriver;
use crate::metrics::{Counts, NodeMetrics};
use crate::mountinfo::MountTable;
use crate::node_volumes::{self, Entry, OriginalEntry, State};
use crate::original_mounts::OriginalMounts;

/// How often it is looked for what original drivers have: nobody tells when they unmount.
const EVERY: Duration = Duration::from_secs(10);

/// Who knows.
pub struct Mounted {
    /// What is ours.
    pub volumes: Volumes,
    /// Which drivers there are.
    pub configs: watch::Receiver<Arc<Loaded>>,
    /// Where it is counted.
    pub metrics: NodeMetrics,
}

impl Mounted {
    /// Keeps a list up to date until `shutdown`.
    pub fn follow(self, shutdown: CancellationToken) -> watch::Receiver<node_volumes::Mounted> {
        let (sender, receiver) = watch::channel(node_volumes::Mounted::default());
        let following = async move {
            let mut changes = self.volumes.changes();
            let mut originals = Vec::new();
            let mut looks = tokio::time::interval(EVERY);
            loop {
                let is_change = tokio::select! {
                    changed = changes.changed() => changed.is_ok(),
                    _ = looks.tick() => false,
                };
                let listed = self.volumes.list();
                if is_change {
                    self.metrics.record_written();
                } else {
                    originals = self.originals(&listed, originals).await;
                }
                self.count(&listed, &originals);
                let list = node_volumes::Mounted {
                    shim: listed.into_iter().map(entry).collect(),
                    original: originals.clone(),
                };
                sender.send_if_modified(|known| {
                    let is_new = *known != list;
                    *known = list;
                    is_new
                });
            }
        };
        tokio::spawn(async move { shutdown.run_until_cancelled(following).await });
        receiver
    }

    /// What original drivers have; what was known before where it cannot be seen.
    async fn originals(
        &self,
        listed: &[ListedVolume],
        known: Vec<OriginalEntry>,
    ) -> Vec<OriginalEntry> {
        let config = self.configs.borrow().config.clone();
        let drivers: Vec<FlexDriver> = config
            .flex_volume
            .iter()
            .flat_map(|all| &all.drivers)
            .filter_map(|driver| driver.driver.parse().ok())
            .collect();
        let mounts = listed.iter().filter_map(|listed| listed.mount.as_ref());
        let recorded: BTreeSet<PathBuf> = mounts.map(|mount| mount.target.to_path_buf()).collect();
        let looked = tokio::task::spawn_blocking(move || {
            let table = MountTable::read()?;
            let mut all = Vec::new();
            for driver in drivers {
                let found = OriginalMounts::find(&config.kubelet.root, &driver, &table, &recorded)?;
                all.extend(entries(&driver, found));
            }
            std::io::Result::Ok(all)
        });
        match looked.await {
            Ok(Ok(found)) => found,
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

fn entry(listed: ListedVolume) -> Entry {
    let state = match listed.state {
        MountedState::Published => State::Mounted,
        MountedState::Uncertain => State::Mounting,
        MountedState::Releasing if listed.is_staged || !listed.is_attached => State::Unmounting,
        MountedState::Releasing => State::Detaching,
    };
    Entry {
        volume: (*listed.volume).clone(),
        persistent_volume: listed.persistent_volume,
        pod_uid: listed.mount.map(|mount| mount.pod.uid),
        state,
    }
}

fn entries(driver: &FlexDriver, found: OriginalMounts) -> impl Iterator<Item = OriginalEntry> {
    let driver = driver.to_string();
    let of_pods = found.pods.into_iter().map(|mount| OriginalEntry {
        driver: mount.driver,
        pv: Some(mount.volume),
        pod_uid: Some(mount.pod_uid),
    });
    let of_devices = found.devices.into_iter().map(move |device| OriginalEntry {
        driver: driver.clone(),
        pv: device
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
        pod_uid: None,
    });
    of_pods.chain(of_devices)
}
