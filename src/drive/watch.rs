//! What a watch tells of the volumes and claims that are under way, or soon will be, so that
//! nobody has to read them again and again.
//!
//! What it tells may be old, and it may miss something: whoever waits looks by themselves
//! then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use http::header::ACCEPT;
use kube::Client;
use kube::core::WatchEvent;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;

use super::coming::Coming;
use crate::rewrite::{Glimpse, Place, Resource};

/// Its version is enough.
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Versions are told now and then where nothing happens.
const BOOKMARKS: &str = "&allowWatchBookmarks=true";

/// How often somebody looks who is told.
const LOOK: Duration = Duration::from_secs(1);

/// How often at whom the controller may have overlooked.
const LOOK_AT_CLAIM: Duration = Duration::from_millis(700);

/// Between two attempts to watch.
const AGAIN: Duration = Duration::from_secs(1);

/// The volumes and claims of a cluster.
#[derive(Debug)]
pub struct Watch {
    known: Arc<Known>,
    // They end with it.
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Known {
    coming: Mutex<Coming>,
    followed: Mutex<HashMap<Place, Followed>>,
    volumes: AtomicBool,
    claims: AtomicBool,
}

/// An object that is under way.
#[derive(Debug, Default)]
struct Followed {
    told: Arc<Notify>,
    /// What was told last, and of which version.
    last: Option<(u64, Glimpse)>,
}

impl Followed {
    fn newer(&self, known: &str) -> Option<&Glimpse> {
        let known = number(known)?;
        let (version, glimpse) = self.last.as_ref()?;
        (*version > known).then_some(glimpse)
    }
}

/// Versions of one kind of objects grow. (The API says so since Kubernetes 1.35, KEP-5504,
/// and it always was. Who has others hears of nothing newer, and reads.)
fn number(version: &str) -> Option<u64> {
    version.parse().ok()
}

/// Since when somebody is told.
#[derive(Debug)]
enum Since {
    /// Ever: all that is there, or was a moment ago, is told of first.
    All,
    /// Some time after this.
    Now,
    /// This version.
    Version(u64),
}

#[derive(Debug, Clone, Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    namespace: String,
    resource_version: String,
}

impl Watch {
    /// One that sees nothing.
    #[cfg(test)]
    pub fn blind() -> Self {
        Self {
            known: Arc::default(),
            _tasks: JoinSet::new(),
        }
    }

    /// Begins to watch. These are to be worked on soon.
    pub fn start(client: &Client, coming: Coming) -> Self {
        let known = Arc::new(Known {
            coming: Mutex::new(coming),
            ..Known::default()
        });
        let mut tasks = JoinSet::new();
        for resource in [Resource::PersistentVolume, Resource::Claim] {
            let (client, known) = (client.clone(), Arc::clone(&known));
            tasks.spawn(async move {
                let mut since = match known.coming().has(resource) {
                    true => Since::All,
                    false => Since::Now,
                };
                loop {
                    if let Err(error) = known.follow(&client, resource, &mut since).await {
                        tracing::debug!(%error, ?resource, "no watch");
                        // One whose connection breaks goes on from where it was.
                        let is_cut =
                            matches!(error, kube::Error::ReadEvents(_) | kube::Error::Service(_));
                        if !is_cut {
                            known.lose(resource, &mut since);
                        }
                    }
                    known.lives(resource).store(false, Ordering::Relaxed);
                    tokio::time::sleep(AGAIN).await;
                }
            });
        }
        Self {
            known,
            _tasks: tasks,
        }
    }

    /// What was told last of an object whose turn has come, JSON: it was like this a moment
    /// ago.
    pub fn take(&self, place: &Place) -> Option<String> {
        let told = self.known.coming().take(place)?;
        let is_told = self.known.lives(place.resource).load(Ordering::Relaxed);
        is_told.then(|| Box::<str>::from(told).into_string())
    }

    /// An object is under way from now on.
    pub fn begin(&self, place: Place) {
        self.known.followed().entry(place).or_default();
    }

    /// What was told last of an object that is under way, if that is newer than what is
    /// known.
    pub fn glimpse(&self, place: &Place, known: &str) -> Option<Glimpse> {
        self.known.followed().get(place)?.newer(known).cloned()
    }

    /// Waits until something newer is told of an object than what is known, for about
    /// `longest`; whether it was.
    pub async fn moved(&self, place: &Place, known: &str, longest: Duration) -> bool {
        let look = match place.resource {
            Resource::Claim => LOOK_AT_CLAIM,
            _ => LOOK,
        };
        let is_told = self.known.lives(place.resource).load(Ordering::Relaxed);
        let longest = if is_told { longest.max(look) } else { longest };
        let newer = async {
            loop {
                let told = {
                    let mut followed = self.known.followed();
                    let followed = followed.entry(place.clone()).or_default();
                    if followed.newer(known).is_some() {
                        return;
                    }
                    Arc::clone(&followed.told)
                };
                told.notified().await;
            }
        };
        // Nobody came: one looks by oneself.
        tokio::time::timeout(longest, newer).await.is_ok()
    }

    /// An object is under way no more.
    pub fn forget(&self, place: &Place) {
        self.known.followed().remove(place);
    }
}

impl Known {
    fn coming(&self) -> std::sync::MutexGuard<'_, Coming> {
        // At worst something is read again, whoever panicked.
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followed(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Followed>> {
        // Whole entries, whoever panicked.
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was told of an object, if that is under way or soon will be. The text of
    /// others is not looked into further than to their names. Its version, if it has one.
    fn told(&self, resource: Resource, json: &RawValue, is_gone: bool) -> Option<u64> {
        let Ok(Object { metadata }) = serde_json::from_str(json.get()) else {
            return None;
        };
        let version = number(&metadata.resource_version);
        let place = Place {
            resource,
            namespace: metadata.namespace,
            name: metadata.name,
        };
        self.coming().told(&place, (!is_gone).then_some(json));
        let mut followed = self.followed();
        let followed = followed.get_mut(&place)?;
        let glimpse = match serde_json::from_str(json.get()) {
            _ if is_gone => Glimpse::Gone,
            Ok(object) => Glimpse::There(object),
            Err(_) => return version,
        };
        let last = followed.last.as_ref().map(|(last, _)| *last);
        if let Some(version) = version.filter(|version| last.is_none_or(|last| *version > last)) {
            followed.last = Some((version, glimpse));
        }
        followed.told.notify_one();
        version
    }

    /// Something may be missed from here on.
    fn lose(&self, resource: Resource, since: &mut Since) {
        self.coming().forget(resource);
        *since = Since::Now;
    }

    fn lives(&self, resource: Resource) -> &AtomicBool {
        match resource {
            Resource::Claim => &self.claims,
            _ => &self.volumes,
        }
    }

    /// Watches until the server ends it. From where it is to be gone on then is noted.
    async fn follow(
        &self,
        client: &Client,
        resource: Resource,
        since: &mut Since,
    ) -> Result<(), kube::Error> {
        let collection = Place::of_cluster(resource, "").collection();
        let ask = |query: String, accept| {
            let request = Request::get(format!("{collection}?{query}")).header(ACCEPT, accept);
            request.body(Vec::new()).map_err(kube::Error::HttpError)
        };
        let version = match since {
            // With bookmarks the server asks etcd how far it is, which older ones (3.4.24,
            // 3.5.7) cannot say: the watch fails then.
            Since::All => "0".to_owned(),
            Since::Now => {
                let list = ask("limit=1".to_owned(), METADATA_LIST)?;
                let list: Object = client.request(list).await?;
                list.metadata.resource_version + BOOKMARKS
            }
            Since::Version(version) => version.to_string() + BOOKMARKS,
        };
        let query = format!("watch=true&timeoutSeconds=290&resourceVersion={version}");
        let events = client
            .request_events::<Box<RawValue>>(ask(query, "application/json")?)
            .await?;
        let mut events = std::pin::pin!(events);
        self.lives(resource).store(true, Ordering::Relaxed);
        while let Some(event) = events.next().await {
            let version = match event? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    self.told(resource, &object, false)
                }
                WatchEvent::Deleted(object) => self.told(resource, &object, true),
                WatchEvent::Bookmark(bookmark) => number(&bookmark.metadata.resource_version),
                WatchEvent::Error(_) => {
                    self.lose(resource, since);
                    return Ok(());
                }
            };
            // Those that were there come in any order.
            if let Some(version) = version {
                let last = match since {
                    Since::Version(last) => *last,
                    Since::All | Since::Now => 0,
                };
                *since = Since::Version(version.max(last));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn volume(version: u64) -> Box<RawValue> {
        let object = serde_json::json!({
            "metadata": {"name": "a", "resourceVersion": version.to_string()},
        });
        RawValue::from_string(object.to_string()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_told_only_what_is_newer_than_what_one_knows() {
        let watch = Watch::blind();
        let place = Place::of_cluster(Resource::PersistentVolume, "a");
        let tell = |version, is_gone| {
            let resource = Resource::PersistentVolume;
            watch.known.told(resource, &volume(version), is_gone);
        };
        let second = Duration::from_secs(1);
        // Nobody is at work on it.
        tell(2, false);
        assert!(watch.known.followed().is_empty());
        watch.begin(place.clone());
        let began = Instant::now();
        assert!(!watch.moved(&place, "1", second).await);
        assert_eq!(began.elapsed(), second);
        // What comes before somebody waits is not lost.
        tell(9, false);
        assert!(watch.moved(&place, "8", second).await);
        assert!(matches!(
            watch.glimpse(&place, "8"),
            Some(Glimpse::There(_))
        ));
        assert_eq!(began.elapsed(), second);
        assert_eq!(watch.glimpse(&place, "9"), None);
        assert!(!watch.moved(&place, "9", second).await);
        // One that is not a number has no order.
        assert_eq!(watch.glimpse(&place, "x"), None);
        let (is_told, ()) = tokio::join!(watch.moved(&place, "9", second), async {
            tell(10, true);
        });
        assert!(is_told);
        assert_eq!(watch.glimpse(&place, "9"), Some(Glimpse::Gone));
        watch.forget(&place);
        assert!(watch.known.followed().is_empty());
    }
}
