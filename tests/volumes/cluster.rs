//! A cluster and an attacher that say what they are told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use flex2csi::attachment::{AttachError, Attacher, Attaching, Detached, PublishContext, Wanted};
use flex2csi::cluster::{
    Asked, CalledVolume, Cluster, ClusterError, CsiDriver, FoundVolume, FsGroupChangePolicy,
    PodName, SecretName, SecretValues, VolumeId, VolumeSource,
};

/// What the cluster knows.
pub struct Known {
    pub volumes: BTreeMap<String, VolumeSource>,
    pub secrets: BTreeMap<(String, String), SecretValues>,
    /// Which of them were asked for.
    pub asked: Vec<String>,
    pub driver: CsiDriver,
    pub change_policy: FsGroupChangePolicy,
    /// `None`: the API server is not there.
    pub holds: Option<bool>,
    pub asked_holds: Vec<Vec<PodName>>,
    /// What the attach/detach controller has attached; `None`: the API server is not there.
    pub controllers: Option<Vec<String>>,
    /// What it has attached once the driver's attacher has.
    pub controllers_then: Option<Vec<String>>,
    pub attached: BTreeSet<VolumeId>,
    pub wanted: Vec<Wanted>,
    pub publish_context: PublishContext,
    pub attach_error: Option<fn() -> AttachError>,
    pub detach_error: Option<fn() -> AttachError>,
    /// Whether the attach/detach controller has taken attachments over. `None`: the API
    /// server is not there.
    pub adopts: Option<bool>,
}

#[derive(Clone)]
pub struct Fake(Arc<Mutex<Known>>);

impl Fake {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Known {
            volumes: BTreeMap::new(),
            secrets: BTreeMap::new(),
            asked: Vec::new(),
            driver: CsiDriver {
                attach_required: false,
                ..CsiDriver::default()
            },
            change_policy: FsGroupChangePolicy::Always,
            holds: Some(false),
            asked_holds: Vec::new(),
            controllers: Some(Vec::new()),
            controllers_then: None,
            attached: BTreeSet::new(),
            wanted: Vec::new(),
            publish_context: PublishContext::new(),
            attach_error: None,
            detach_error: None,
            adopts: Some(false),
        })))
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap()
    }
}

impl Cluster for Fake {
    fn volume<'a>(&'a self, called: &'a CalledVolume) -> Asked<'a, FoundVolume> {
        let known = self.known();
        let found = match known.volumes.get(&called.volume) {
            Some(source) => Ok(FoundVolume {
                source: source.clone(),
                fs_group_change_policy: known.change_policy,
                service_account: "default".into(),
            }),
            None => Err(ClusterError::NotFound {
                object: format!("PersistentVolume {}", called.volume),
            }),
        };
        Box::pin(async { found })
    }

    fn secret<'a>(&'a self, secret: &'a SecretName) -> Asked<'a, SecretValues> {
        let mut known = self.known();
        let object = format!("Secret {}/{}", secret.namespace, secret.name);
        known.asked.push(object.clone());
        let place = (secret.namespace.clone(), secret.name.clone());
        let found = known.secrets.get(&place).cloned();
        Box::pin(async { found.ok_or(ClusterError::NotFound { object }) })
    }

    fn csi_driver<'a>(&'a self, _: &'a str) -> Asked<'a, CsiDriver> {
        let driver = self.known().driver.clone();
        Box::pin(async { Ok(driver) })
    }

    fn holds<'a>(&'a self, volume: &'a VolumeId, pods: &'a [PodName]) -> Asked<'a, bool> {
        let mut known = self.known();
        known.asked_holds.push(pods.to_vec());
        let holds = known.holds.ok_or_else(|| ClusterError::Unavailable {
            object: format!("volume {}", volume.handle),
            reason: "the API server is not there".into(),
        });
        Box::pin(async { holds })
    }

    fn attached(&self) -> Asked<'_, Vec<String>> {
        let attached = self.known().controllers.clone();
        let attached = attached.ok_or_else(|| ClusterError::Unavailable {
            object: "Node n-1".into(),
            reason: "the API server is not there".into(),
        });
        Box::pin(async { attached })
    }
}

impl Attacher for Fake {
    fn attach<'a>(&'a self, wanted: &'a Wanted) -> Attaching<'a, PublishContext> {
        let mut known = self.known();
        known.wanted.push(wanted.clone());
        let attached = match known.attach_error {
            Some(error) => Err(error()),
            None => {
                known.attached.insert(wanted.volume.clone());
                if let Some(then) = known.controllers_then.take() {
                    known.controllers = Some(then);
                }
                Ok(known.publish_context.clone())
            }
        };
        Box::pin(async { attached })
    }

    fn detach<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Detached> {
        let mut known = self.known();
        let detached = match known.detach_error {
            Some(error) => Err(error()),
            None => {
                known.attached.remove(volume);
                Ok(Detached::Gone)
            }
        };
        Box::pin(async { detached })
    }

    fn hand_over<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, bool> {
        let adopts = self.known().adopts.ok_or_else(|| AttachError::Unavailable {
            handle: volume.handle.clone(),
            reason: "the API server is not there".into(),
        });
        Box::pin(async { adopts })
    }
}
