//! A cluster in this process: an API server over HTTP, with controllers behind it,
//! and whatever a test wants to happen in between.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::failure::failure;
use super::query::Query;
use super::served::Served;
use super::store::{BINDINGS, FENCES, Key, Outcome, POLICIES, Store};

/// Kinds, by where they are listed.
const KINDS: [(&str, &str); 24] = [
    ("/api/v1/namespaces", "Namespace"),
    ("/api/v1/nodes", "Node"),
    ("/api/v1/persistentvolumes", "PersistentVolume"),
    ("/api/v1/persistentvolumeclaims", "PersistentVolumeClaim"),
    ("/api/v1/pods", "Pod"),
    ("/api/v1/secrets", "Secret"),
    ("/api/v1/events", "Event"),
    ("/api/v1/replicationcontrollers", "ReplicationController"),
    ("/apis/apps/v1/daemonsets", "DaemonSet"),
    ("/apis/apps/v1/deployments", "Deployment"),
    ("/apis/apps/v1/replicasets", "ReplicaSet"),
    ("/apis/apps/v1/statefulsets", "StatefulSet"),
    ("/apis/batch/v1/cronjobs", "CronJob"),
    ("/apis/batch/v1/jobs", "Job"),
    ("/apis/storage.k8s.io/v1/csidrivers", "CSIDriver"),
    ("/apis/storage.k8s.io/v1/csinodes", "CSINode"),
    ("/apis/storage.k8s.io/v1/storageclasses", "StorageClass"),
    (
        "/apis/storage.k8s.io/v1/volumeattachments",
        "VolumeAttachment",
    ),
    ("/apis/flex2csi.io/v1alpha1/nodevolumes", "NodeVolumes"),
    (
        "/apis/flex2csi.io/v1alpha1/volumemigrations",
        "VolumeMigration",
    ),
    (POLICIES, "ValidatingAdmissionPolicy"),
    (BINDINGS, "ValidatingAdmissionPolicyBinding"),
    (FENCES, "ClaimFence"),
    ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", ""),
];

/// What happens to a call instead of, or after, what it asks for.
pub enum Act {
    /// It is refused so.
    Refuse(u16, &'static str),
    /// It is done, and then this.
    Then(Box<dyn FnMut(&mut Store) + Send>),
    /// It is done once the test lets it.
    Hold(Arc<Semaphore>),
}

/// A rule for calls whose line, as `PATCH /api/v1/persistentvolumes/a?…`, has all of
/// these texts in it.
pub struct Rule {
    pub has: Vec<&'static str>,
    /// Texts that it does not have.
    pub lacks: Vec<&'static str>,
    /// How often; then the rule is gone.
    pub times: usize,
    pub act: Act,
}

impl Rule {
    pub fn always(has: &[&'static str], act: Act) -> Self {
        Self {
            has: has.to_vec(),
            lacks: Vec::new(),
            times: usize::MAX,
            act,
        }
    }

    pub fn once(has: &[&'static str], act: Act) -> Self {
        Self {
            times: 1,
            ..Self::always(has, act)
        }
    }

    pub fn but(self, lacks: &[&'static str]) -> Self {
        Self {
            lacks: lacks.to_vec(),
            ..self
        }
    }
}

/// One call that was made.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `METHOD path?query`
    pub line: String,
    pub agent: String,
}

#[derive(Default)]
struct State {
    store: Mutex<Store>,
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<Asked>>,
    news: tokio::sync::Notify,
}

/// A running cluster.
pub struct Cluster {
    state: Arc<State>,
    served: Served,
}

impl Cluster {
    /// With these objects, which have their kinds.
    pub fn of(objects: impl IntoIterator<Item = Value>) -> Self {
        let state = Arc::new(State::default());
        {
            let mut store = state.store.lock().unwrap();
            let identity = json!({"kind": "Namespace", "metadata": {"name": "kube-system"}});
            for object in objects.into_iter().chain([identity]) {
                let kind = object["kind"].as_str().unwrap();
                let known = KINDS.iter().find(|(_, name)| *name == kind);
                let (collection, _) = known.unwrap_or_else(|| panic!("no kind {kind}"));
                store.put(collection, object);
            }
        }
        let router = Router::new().fallback(answer);
        Self {
            served: Served::start(router.with_state(Arc::clone(&state))),
            state,
        }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.served.kubeconfig()
    }

    /// A directory that is gone with the cluster.
    pub fn directory(&self) -> &Path {
        self.served.directory()
    }

    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.state.store.lock().unwrap()
    }

    pub fn rule(&self, rule: Rule) {
        self.state.rules.lock().unwrap().push(rule);
    }

    pub fn no_rules(&self) {
        self.state.rules.lock().unwrap().clear();
    }

    /// Every call so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Waits until a call was made whose line has all of these in it.
    pub fn until_asked(&self, has: &[&str]) {
        self.until(&format!("a call {has:?}"), || {
            let asked = self.state.asked.lock().unwrap();
            asked
                .iter()
                .any(|asked| has.iter().all(|has| asked.line.contains(has)))
        });
    }

    /// Waits for something.
    pub fn until(&self, what: &str, mut is: impl FnMut() -> bool) {
        for _ in 0..6000 {
            if is() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{what} does not come");
    }

    /// Calls that write, dry runs and reviews aside.
    pub fn writes(&self) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|asked| {
            !asked.line.starts_with("GET ")
                && !asked.line.contains("dryRun=All")
                && !asked.line.contains("selfsubjectaccessreviews")
        });
        asked
    }
}

fn status(code: u16, message: &str) -> Response {
    json_answer(code, &failure(code, "", message))
}

fn json_answer(code: u16, body: &Value) -> Response {
    let code = StatusCode::from_u16(code).unwrap();
    (
        code,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// A path's collection, namespace, name and subresource.
fn place(path: &str) -> Option<(&'static str, Key, bool)> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let group = if parts[0] == "api" { 2 } else { 3 };
    let prefix = parts.get(..group)?.join("/");
    let mut rest = &parts[group..];
    let mut namespace = "";
    if let ["namespaces", of, plural, ..] = rest
        && *plural != "status"
    {
        namespace = of;
        rest = &rest[2..];
    }
    let collection = format!("/{prefix}/{}", rest.first()?);
    let (at, _) = KINDS.iter().find(|(at, _)| *at == collection)?;
    let name = rest.get(1).copied().unwrap_or_default();
    let is_status = rest.get(2) == Some(&"status");
    Some((at, Key::new(&collection, namespace, name), is_status))
}

async fn answer(
    extract::State(served): extract::State<Arc<State>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let line = format!("{method} {uri}");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    served.asked.lock().unwrap().push(Asked {
        line: line.clone(),
        agent: agent.to_owned(),
    });
    let query = Query::of(uri.query().unwrap_or_default());
    let act = taken(&served, &line);
    let mut then = None;
    match act {
        Some(Act::Refuse(code, message)) => return status(code, message),
        Some(Act::Hold(gate)) => drop(gate.acquire().await.unwrap()),
        Some(Act::Then(what)) => then = Some(what),
        None => {}
    }
    if uri.path() == "/readyz" {
        return "ok".into_response();
    }
    let Some((collection, key, is_status)) = place(uri.path()) else {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    };
    if method == Method::GET && query.get("watch").is_some() {
        let since = query.get("resourceVersion").unwrap().parse().unwrap();
        return watch(served, collection, since);
    }
    let outcome = {
        let mut store = served.store.lock().unwrap();
        let outcome = call(
            &mut store, &method, collection, &key, is_status, &query, body,
        );
        if let Some(mut then) = then {
            then(&mut store);
            store.work();
        }
        outcome
    };
    served.news.notify_waiters();
    match outcome {
        Ok((code, object)) => json_answer(code, &object),
        Err((code, message)) => status(code, &message),
    }
}

/// What the first rule that fits says, which is used up by it.
fn taken(served: &State, line: &str) -> Option<Act> {
    let mut rules = served.rules.lock().unwrap();
    let at = rules.iter().position(|rule| {
        rule.has.iter().all(|has| line.contains(has))
            && !rule.lacks.iter().any(|lacks| line.contains(lacks))
    })?;
    if rules[at].times == 1 {
        return Some(rules.remove(at).act);
    }
    rules[at].times -= 1;
    Some(match &rules[at].act {
        Act::Refuse(code, message) => Act::Refuse(*code, message),
        Act::Hold(gate) => Act::Hold(Arc::clone(gate)),
        Act::Then(_) => panic!("happens once"),
    })
}

fn call(
    store: &mut Store,
    method: &Method,
    collection: &str,
    key: &Key,
    is_status: bool,
    query: &Query,
    body: Value,
) -> Outcome {
    let missing = || Err((404, format!("{collection} {:?} not found", key.name)));
    if key.collection.ends_with("volumemigrations") && !store.has_journal {
        return missing();
    }
    match *method {
        Method::GET if key.name.is_empty() => Ok((200, list(store, collection, query))),
        Method::GET => match store.objects.get(key) {
            Some(object) => Ok((200, object.clone())),
            None => missing(),
        },
        Method::POST if collection.ends_with("selfsubjectaccessreviews") => {
            let of = &body["spec"]["resourceAttributes"];
            let text = |at: &str| of[at].as_str().unwrap_or_default();
            let right = format!("{} {}", text("verb"), text("resource"));
            let allowed = !store.denied.contains(&&*right);
            Ok((201, json!({"status": {"allowed": allowed}})))
        }
        Method::POST => {
            let name = body["metadata"]["name"].as_str().unwrap_or("generated");
            let key = Key::new(collection, &key.namespace, name);
            store.create(&key, body, query.get("dryRun").is_some())
        }
        Method::PATCH => store.patch(key, is_status, body),
        Method::DELETE => store.delete(key, &body),
        _ => Err((405, "no such verb".to_owned())),
    }
}

fn list(store: &Store, collection: &str, query: &Query) -> Value {
    let mut items = store.list(collection);
    items.retain(|object| query.selects(object));
    let (page, go_on) = query.page(items.len(), 500);
    json!({
        "kind": "List", "apiVersion": "v1", "items": items[page],
        "metadata": {"resourceVersion": store.version().to_string(), "continue": go_on},
    })
}

/// Tells of all that happens since a version; since 0, of all that is there first.
fn watch(served: Arc<State>, collection: &'static str, since: u64) -> Response {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(16);
    // The type comes first, as in Go.
    let event = |kind: &str, object: &Value| format!(r#"{{"type":"{kind}","object":{object}}}"#);
    tokio::spawn(async move {
        let (mut since, there) = match since {
            1.. => (since, Vec::new()),
            0 => {
                let store = served.store.lock().unwrap();
                let there = store.list(collection).into_iter();
                let there = there.map(|object| event("ADDED", object) + "\n").collect();
                (store.version(), there)
            }
        };
        for line in there {
            if sender.send(Ok(line.into())).await.is_err() {
                return;
            }
        }
        loop {
            let waiting = served.news.notified();
            tokio::pin!(waiting);
            waiting.as_mut().enable();
            let lines: Vec<String> = {
                let store = served.store.lock().unwrap();
                let from = store.news.partition_point(|news| news.version <= since);
                let news = store.news.range(from..);
                let lines = news
                    .filter(|news| news.collection == collection)
                    .map(|news| event(news.kind, &news.object) + "\n")
                    .collect();
                since = store.version();
                lines
            };
            for line in lines {
                if sender.send(Ok(line.into())).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = waiting => {}
                () = sender.closed() => return,
            }
        }
    });
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
