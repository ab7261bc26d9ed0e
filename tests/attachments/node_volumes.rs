//! Publishing what is mounted on a node.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flex2csi::node_volumes::{Entry, Mounted, OriginalEntry, Settings, State, publish};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::api_server::{ApiServer, Fate};
use crate::rig::{BOOT, volume};

const OBJECT: &str = "/apis/flex2csi.io/v1alpha1/nodevolumes/a";
const NODE: &str = "/api/v1/nodes/a";

struct Published {
    server: ApiServer,
    mounted: Arc<Mutex<Option<Mounted>>>,
    changes: watch::Sender<()>,
    shutdown: CancellationToken,
}

impl Published {
    fn start(server: &ApiServer) -> Self {
        Self::start_with(server, Some(Mounted::default()))
    }

    fn start_with(server: &ApiServer, mounted: Option<Mounted>) -> Self {
        let mounted = Arc::new(Mutex::new(mounted));
        let (changes, changed) = watch::channel(());
        let known = mounted.clone();
        let list = move || known.lock().unwrap().clone();
        let shutdown = CancellationToken::new();
        let settings = Settings {
            node: "a".into(),
            boot_id: BOOT.into(),
            renewal: Settings::RENEWAL,
        };
        tokio::spawn(publish(
            server.client(),
            settings,
            list,
            changed,
            shutdown.clone(),
        ));
        Self {
            server: server.clone(),
            mounted,
            changes,
            shutdown,
        }
    }

    fn change(&self, to: Mounted) {
        *self.mounted.lock().unwrap() = Some(to);
        self.changes.send_replace(());
    }

    fn object(&self) -> Value {
        self.server.get(OBJECT).unwrap()
    }
}

fn with_a_node() -> ApiServer {
    let server = ApiServer::new();
    server.put(NODE, json!({}));
    server
}

fn entry(pod: &str, state: State) -> Entry {
    Entry {
        volume: volume(),
        persistent_volume: Some("pv-1".into()),
        pod_uid: Some(pod.into()),
        state,
        is_taken: false,
    }
}

/// How many requests of that beginning the server gets from here on.
fn counted(server: &ApiServer, beginning: &'static str) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    server.fates(move |request| {
        counter.fetch_add(
            usize::from(request.starts_with(beginning)),
            Ordering::Relaxed,
        );
        Fate::Answered
    });
    count
}

#[tokio::test(start_paused = true)]
async fn what_is_mounted_is_published_with_the_node_for_an_owner() {
    let published = Published::start(&with_a_node());
    published.change(Mounted {
        shim: vec![
            entry("u-2", State::Detaching),
            Entry {
                is_taken: true,
                ..entry("u-1", State::Mounted)
            },
        ],
        original: vec![OriginalEntry {
            driver: "example.com/driver".into(),
            pv: Some("pv-2".into()),
            pod_uid: None,
        }],
    });
    sleep(Duration::from_secs(2)).await;
    let object = published.object();
    assert_eq!(object["bootID"], BOOT);
    assert_eq!(object["renewSeconds"], 30);
    assert_eq!(
        object["counts"],
        json!({ "shim": 1, "detaching": 1, "original": 1 })
    );
    assert_eq!(
        object["shim"],
        json!([
            { "driver": "csi.example.com", "handle": "vol-1", "pv": "pv-1", "podUID": "u-1", "state": "Mounted", "csi": true },
            { "driver": "csi.example.com", "handle": "vol-1", "pv": "pv-1", "podUID": "u-2", "state": "Detaching" },
        ])
    );
    assert_eq!(
        object["original"],
        json!([{ "driver": "example.com/driver", "pv": "pv-2" }])
    );
    let owner = &object["metadata"]["ownerReferences"][0];
    let node = published.server.get(NODE).unwrap();
    assert_eq!(owner["kind"], "Node");
    assert_eq!(owner["uid"], node["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_few_requests() {
    let server = with_a_node();
    let published = Published::start(&server);
    sleep(Duration::from_secs(2)).await;
    let writes = counted(&server, "PATCH");
    for number in 0..50 {
        published.change(Mounted {
            shim: vec![entry(&format!("u-{number}"), State::Unmounting)],
            original: Vec::new(),
        });
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(published.object()["shim"][0]["podUID"], "u-49");
    assert!(writes.load(Ordering::Relaxed) <= 4, "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_renewed_while_nothing_changes() {
    let server = with_a_node();
    let published = Published::start(&server);
    sleep(Duration::from_secs(2)).await;
    let before = published.object();
    let writes = counted(&server, "PATCH");
    sleep(Duration::from_secs(300)).await;
    assert_eq!(writes.load(Ordering::Relaxed), 10);
    let after = published.object();
    assert_ne!(before["renewTime"], after["renewTime"]);
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(before["shim"], after["shim"]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deleted_or_changed_is_made_good() {
    let server = with_a_node();
    let published = Published::start(&server);
    published.change(Mounted {
        shim: vec![entry("u-1", State::Mounted)],
        original: Vec::new(),
    });
    sleep(Duration::from_secs(2)).await;
    server.edit(OBJECT, |object| object["shim"] = json!([]));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(published.object()["shim"][0]["podUID"], "u-1");
    server.remove(OBJECT);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(published.object()["shim"][0]["podUID"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_made_anew_owns_it_anew() {
    let server = with_a_node();
    let published = Published::start(&server);
    sleep(Duration::from_secs(2)).await;
    // The garbage collector takes it away with the Node of that uid.
    server.put(NODE, json!({}));
    server.remove(OBJECT);
    sleep(Duration::from_secs(31)).await;
    let owner = published.object()["metadata"]["ownerReferences"][0]["uid"].clone();
    assert_eq!(owner, server.get(NODE).unwrap()["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn it_is_not_published_without_a_node() {
    let server = ApiServer::new();
    let published = Published::start(&server);
    sleep(Duration::from_secs(120)).await;
    assert!(server.get(OBJECT).is_none());
    server.put(NODE, json!({}));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(published.object()["bootID"], BOOT);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_outlived_without_a_flood() {
    let server = with_a_node();
    let published = Published::start(&server);
    sleep(Duration::from_secs(2)).await;
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    server.fates(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Fate::Refused(503)
    });
    published.change(Mounted {
        shim: vec![entry("u-1", State::Mounted)],
        original: Vec::new(),
    });
    sleep(Duration::from_secs(600)).await;
    assert!(requests.load(Ordering::Relaxed) < 40, "{requests:?}");
    server.fates(|_| Fate::Answered);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(published.object()["shim"][0]["podUID"], "u-1");
}

#[tokio::test(start_paused = true)]
async fn it_stays_when_the_daemon_ends() {
    let server = with_a_node();
    let published = Published::start(&server);
    sleep(Duration::from_secs(2)).await;
    published.shutdown.cancel();
    sleep(Duration::from_secs(1)).await;
    let before = published.object();
    sleep(Duration::from_secs(120)).await;
    assert_eq!(published.object(), before);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_before_all_is_known() {
    let server = with_a_node();
    let published = Published::start_with(&server, None);
    sleep(Duration::from_secs(120)).await;
    assert!(server.get(OBJECT).is_none());
    published.change(Mounted::default());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(published.object()["shim"], json!([]));
    // Nor once it is not all known any more.
    *published.mounted.lock().unwrap() = None;
    let before = published.object();
    sleep(Duration::from_secs(300)).await;
    assert_eq!(published.object(), before);
}

#[tokio::test(start_paused = true)]
async fn what_is_renewed_is_true_then_even_if_nobody_told_of_the_change() {
    let server = with_a_node();
    let published = Published::start(&server);
    sleep(Duration::from_secs(2)).await;
    *published.mounted.lock().unwrap() = Some(Mounted {
        shim: vec![entry("u-1", State::Mounting)],
        original: Vec::new(),
    });
    sleep(Duration::from_secs(31)).await;
    assert_eq!(published.object()["shim"][0]["podUID"], "u-1");
}
