//! News of what may have made volumes idle, so that nobody has to ask all the time:
//! pods that are gone, attachments that are gone, and nodes that say something else.
//!
//! It only wakes. Where it misses something, or may not watch, one looks by oneself.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http::header::ACCEPT;
use kube::Client;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_stream::StreamExt as _;

/// Between two looks: what comes together is looked at together.
const AT_MOST: Duration = Duration::from_secs(1);
/// How long one waits for news before one looks all the same.
const AT_LEAST: Duration = Duration::from_secs(60);
/// The same where not all can be watched.
const UNTOLD: Duration = Duration::from_secs(10);
/// Between two attempts to watch.
const AGAIN: Duration = Duration::from_secs(2);

const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const JSON: &str = "application/json";

/// What is watched.
#[derive(Debug, Clone, Copy)]
enum Source {
    Pods,
    Attachments,
    Nodes,
    NodeVolumes,
}

const SOURCES: [Source; 4] = [
    Source::Pods,
    Source::Attachments,
    Source::Nodes,
    Source::NodeVolumes,
];

impl Source {
    fn path(self) -> &'static str {
        match self {
            Self::Pods => "/api/v1/pods",
            Self::Attachments => "/apis/storage.k8s.io/v1/volumeattachments",
            Self::Nodes => "/api/v1/nodes",
            Self::NodeVolumes => "/apis/flex2csi.io/v1alpha1/nodevolumes",
        }
    }

    /// Names are enough of what only goes.
    fn accept(self) -> &'static str {
        match self {
            Self::Pods | Self::Attachments => METADATA,
            Self::Nodes | Self::NodeVolumes => JSON,
        }
    }

    /// What of a node's object matters here: it is renewed far more often than that changes.
    fn matter(self, object: &Value) -> String {
        let parts: &[&str] = match self {
            Self::Pods | Self::Attachments => &[],
            Self::Nodes => &[
                "/status/volumesInUse",
                "/status/volumesAttached",
                "/spec/taints",
            ],
            Self::NodeVolumes => &["/shim", "/original"],
        };
        let parts = parts
            .iter()
            .map(|at| object.pointer(at).unwrap_or(&Value::Null).to_string());
        parts.collect()
    }
}

/// News of a cluster.
#[derive(Debug)]
pub struct News {
    told: Arc<Notify>,
    watched: Arc<AtomicUsize>,
    last: Instant,
    // They end with it.
    _tasks: JoinSet<()>,
}

impl News {
    /// Begins to watch. Of pods those of these namespaces count.
    pub fn start(client: &Client, namespaces: BTreeSet<String>) -> Self {
        let told = Arc::new(Notify::new());
        let watched = Arc::new(AtomicUsize::new(0));
        let namespaces = Arc::new(namespaces);
        let mut tasks = JoinSet::new();
        for source in SOURCES {
            let (client, told, watched) = (client.clone(), Arc::clone(&told), Arc::clone(&watched));
            let namespaces = Arc::clone(&namespaces);
            tasks.spawn(async move {
                loop {
                    let mut lives = false;
                    let ended = follow(&client, source, &namespaces, || {
                        if !std::mem::replace(&mut lives, true) {
                            watched.fetch_add(1, Ordering::Relaxed);
                        }
                        told.notify_one();
                    });
                    if let Err(error) = ended.await {
                        tracing::debug!(%error, ?source, "no watch");
                    }
                    if lives {
                        watched.fetch_sub(1, Ordering::Relaxed);
                    }
                    sleep(AGAIN).await;
                }
            });
        }
        Self {
            told,
            watched,
            last: Instant::now(),
            _tasks: tasks,
        }
    }

    /// Waits until it is time for another look.
    pub async fn next(&mut self) {
        let all = self.watched.load(Ordering::Relaxed) == SOURCES.len();
        let longest = if all { AT_LEAST } else { UNTOLD };
        // Nobody came: one looks by oneself.
        let _ = tokio::time::timeout(longest, self.told.notified()).await;
        tokio::time::sleep_until(self.last + AT_MOST).await;
        self.last = Instant::now();
    }
}

/// Watches until the server ends it. `tell` is called once when that begins, and then
/// for all that matters.
async fn follow(
    client: &Client,
    source: Source,
    namespaces: &BTreeSet<String>,
    mut tell: impl FnMut(),
) -> Result<(), kube::Error> {
    let ask = |query: &str| {
        let request = Request::get(format!("{}?{query}", source.path()));
        let request = request.header(ACCEPT, source.accept());
        request.body(Vec::new()).map_err(kube::Error::HttpError)
    };
    // What is there comes first, as events.
    let events = client
        .request_events::<Value>(ask("watch=true&timeoutSeconds=290")?)
        .await?;
    tell();
    let mut events = std::pin::pin!(events);
    let mut seen: HashMap<String, String> = HashMap::new();
    while let Some(event) = events.next().await {
        let (object, is_gone) = match event? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
            WatchEvent::Deleted(object) => (object, true),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(_) => return Ok(()),
        };
        let metadata = &object["metadata"];
        let text = |key: &str| metadata[key].as_str().unwrap_or_default();
        let matters = match source {
            Source::Pods => is_gone && namespaces.contains(text("namespace")),
            Source::Attachments => is_gone,
            Source::Nodes | Source::NodeVolumes => {
                let now = if is_gone {
                    String::new()
                } else {
                    source.matter(&object)
                };
                let before = seen.insert(text("name").to_owned(), now.clone());
                before.is_some_and(|before| before != now)
            }
        };
        if matters {
            tell();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_renewal_is_no_news() {
        let said = |time: &str, shim: Value| {
            Source::NodeVolumes.matter(&json!({"renewTime": time, "shim": shim, "original": []}))
        };
        assert_eq!(said("1", json!([])), said("2", json!([])));
        assert_ne!(said("1", json!([])), said("1", json!([{"pv": "a"}])));
        let held =
            |volumes: Value| Source::Nodes.matter(&json!({"status": {"volumesInUse": volumes}}));
        assert_ne!(held(json!(["a"])), held(json!(null)));
    }

    fn untold() -> News {
        News {
            told: Arc::default(),
            watched: Arc::default(),
            last: Instant::now(),
            _tasks: JoinSet::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_looks_now_and_then_without_news_and_not_all_the_time_with_them() {
        let mut news = untold();
        let began = Instant::now();
        news.next().await;
        assert_eq!(began.elapsed(), UNTOLD);
        let began = Instant::now();
        for _ in 0..5 {
            news.told.notify_one();
            news.next().await;
        }
        assert_eq!(began.elapsed(), AT_MOST * 5);
    }
}
