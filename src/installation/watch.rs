//! Looking after installations while the daemon runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Change, FlexDriver, InstallError, Installation, Kept, NodeVolumeNames, culprits};
use crate::cluster::PodName;

/// What an API server will say.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How long it may take to say it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the API server knows of this node.
pub trait NodeObjects: Send + Sync {
    /// What the node's status says of volumes; nothing where it cannot be asked.
    fn node(&self) -> Asking<'_, Option<NodeVolumeNames>>;

    /// The node's Pods, JSON; none where it cannot be asked.
    fn pods(&self) -> Asking<'_, Vec<String>>;

    /// Whether a pod is one of ours.
    fn is_ours(&self, pod: &PodName) -> bool;
}

/// What is told of each look at each driver.
pub type Told = Box<dyn Fn(&FlexDriver, &Result<Kept, InstallError>) + Send + Sync>;

/// Looks after installations until `shutdown`, first at once and then `every` so
/// often. What can be done about one driver does not wait for another's errors.
pub async fn watch(
    installations: Vec<Installation>,
    every: Duration,
    objects: Arc<dyn NodeObjects>,
    told: Told,
    shutdown: CancellationToken,
) {
    let mut watched: Vec<Watched> = installations.into_iter().map(Watched::new).collect();
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let mut next = Vec::with_capacity(watched.len());
        for each in watched {
            // Not cancelled in between: a rename is done or not.
            if let Some(each) = each.look(&*objects, &told).await {
                next.push(each);
            }
        }
        watched = next;
    }
}

struct Watched {
    installation: Installation,
    /// What was last said of it, which is not said again.
    said: Option<String>,
}

impl Watched {
    fn new(installation: Installation) -> Self {
        Self {
            installation,
            said: None,
        }
    }

    /// Gives nothing if a look panicked.
    async fn look(self, objects: &dyn NodeObjects, told: &Told) -> Option<Self> {
        let Self {
            mut installation,
            mut said,
        } = self;
        let mut node = None;
        // Whether the node is of interest shows at the first look.
        for _ in 0..2 {
            if installation.needs_node() {
                let asked = tokio::time::timeout(PATIENCE, objects.node()).await;
                node = asked.unwrap_or_default();
            }
            let known = node.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let kept = installation.keep(known.as_ref());
                (installation, kept)
            });
            let kept;
            (installation, kept) = match looked.await {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::error!(%error, "a driver is not looked after any more");
                    return None;
                }
            };
            told(installation.driver(), &kept);
            let new = say(&installation, &kept, &mut said);
            if new == Some(Change::TookBack) {
                name_culprits(&installation, objects).await;
            }
            if kept.is_err() || !installation.needs_node() || node.is_some() {
                break;
            }
        }
        Some(Self { installation, said })
    }
}

/// Logs what is new.
fn say(
    installation: &Installation,
    kept: &Result<Kept, InstallError>,
    said: &mut Option<String>,
) -> Option<Change> {
    let driver = installation.driver();
    let directory = installation.directory();
    let directory = directory.display();
    let trouble = match kept {
        Err(error) => Some(error.to_string()),
        Ok(kept) => kept
            .original
            .as_ref()
            .and_then(|standing| standing.trouble)
            .map(|trouble| trouble.to_string()),
    };
    if let Some(trouble) = &trouble
        && Some(trouble) != said.as_ref()
    {
        tracing::error!(%driver, %directory, error = trouble, "a FlexVolume driver is not served as it should be");
    }
    *said = trouble;
    let change = kept.as_ref().ok()?.change;
    match change {
        Change::None => {}
        Change::Installed => tracing::info!(%driver, %directory, "installed the exec binary"),
        Change::Replaced => tracing::info!(%driver, %directory, "replaced the exec binary"),
        Change::Recorded => tracing::info!(%driver, %directory, "wrote what the exec binary reads"),
        Change::TookBack => tracing::error!(
            %driver, %directory,
            "a legacy installer had put its driver over ours; ours is back, and its is kept \
             as the original. Remove the installer: between the two, volumes are mounted \
             the legacy way"
        ),
        Change::Released => tracing::info!(
            %driver, %directory,
            "nothing is left of the original driver on this node: new mounts go to CSI"
        ),
    }
    Some(change)
}

async fn name_culprits(installation: &Installation, objects: &dyn NodeObjects) {
    let pods = tokio::time::timeout(PATIENCE, objects.pods()).await;
    let pods = pods.unwrap_or_default();
    let found = culprits(
        pods.iter().map(String::as_str),
        &installation.wanted.plugin_directory,
        installation.driver(),
        |pod| objects.is_ours(pod),
    );
    let driver = installation.driver();
    if found.is_empty() {
        tracing::error!(%driver, "no pod of this node is known that could have done it");
    }
    for culprit in found {
        tracing::error!(%driver, "it may have been {culprit}");
    }
}
