//! An API server that serves manifests, as far as a plan asks: lists in pages,
//! objects by name, dry runs, reviews of its own rights. What it is to refuse
//! stands in the manifests as well, in a document of kind `TestServer`.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::{Compression, write::GzEncoder};
use flex2csi::manifest::{Piece, Reader, yaml};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::failure;
use super::query::Query;
use super::served::Served;

/// Kinds that every API server has, by where they are listed.
const BUILT_IN: [(&str, &str); 18] = [
    ("/api/v1/namespaces", "Namespace"),
    ("/api/v1/nodes", "Node"),
    ("/api/v1/persistentvolumes", "PersistentVolume"),
    ("/api/v1/persistentvolumeclaims", "PersistentVolumeClaim"),
    ("/api/v1/pods", "Pod"),
    ("/api/v1/secrets", "Secret"),
    ("/api/v1/replicationcontrollers", "ReplicationController"),
    ("/apis/apps/v1/daemonsets", "DaemonSet"),
    ("/apis/apps/v1/deployments", "Deployment"),
    ("/apis/apps/v1/replicasets", "ReplicaSet"),
    ("/apis/apps/v1/statefulsets", "StatefulSet"),
    (
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
    ),
    ("/apis/batch/v1/cronjobs", "CronJob"),
    ("/apis/batch/v1/jobs", "Job"),
    ("/apis/storage.k8s.io/v1/csidrivers", "CSIDriver"),
    ("/apis/storage.k8s.io/v1/csinodes", "CSINode"),
    ("/apis/storage.k8s.io/v1/storageclasses", "StorageClass"),
    (
        "/apis/storage.k8s.io/v1/volumeattachments",
        "VolumeAttachment",
    ),
];

/// Kinds that are there where somebody made objects of them.
const CUSTOM: [(&str, &str); 3] = [
    ("/apis/flex2csi.io/v1alpha1/nodevolumes", "NodeVolumes"),
    (
        "/apis/flex2csi.io/v1alpha1/volumemigrations",
        "VolumeMigration",
    ),
    (
        "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents",
        "VolumeSnapshotContent",
    ),
];

/// What it does beside serving objects.
#[derive(Default)]
pub struct Behaviour {
    /// `verb path`, which nobody may.
    pub forbid: Vec<String>,
    /// What is said to a dry run of an object whose JSON holds the text.
    pub refuse: BTreeMap<String, String>,
    /// Answers to the next requests for a path, by status, before it is served.
    pub fail_first: HashMap<String, Vec<u16>>,
    /// A list that is not to be read past this place without an answer that its
    /// version is gone.
    pub expire: Option<(String, usize)>,
}

struct Cluster {
    objects: HashMap<&'static str, Arc<dyn Objects>>,
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<String>>,
}

/// The objects of a kind, JSON, without `apiVersion` and `kind` as lists have them.
pub trait Objects: Send + Sync {
    fn count(&self) -> usize;
    fn at(&self, index: usize) -> String;
}

impl Objects for Vec<Value> {
    fn count(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> String {
        self[index].to_string()
    }
}

/// A running server.
pub struct Api {
    cluster: Arc<Cluster>,
    served: Served,
}

impl Api {
    /// Serves manifests, YAML.
    pub fn of_manifests(texts: &[String]) -> Self {
        let mut behaviour = Behaviour::default();
        let mut kinds: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
        for mut object in texts.iter().flat_map(|text| documents(text)) {
            // A word from the future is as good as none.
            if object["renewTime"] == "now" {
                object["renewTime"] = Timestamp::now().to_string().into();
            }
            let kind = object["kind"].as_str().unwrap().to_owned();
            if kind == "TestServer" {
                let texts = |value: &Value| -> Vec<String> {
                    serde_json::from_value(value.clone()).unwrap_or_default()
                };
                behaviour.forbid.extend(texts(&object["forbid"]));
                let refuse = serde_json::from_value(object["refuse"].clone());
                behaviour
                    .refuse
                    .extend(refuse.unwrap_or_else(|_| BTreeMap::new()));
                continue;
            }
            let known = BUILT_IN
                .iter()
                .chain(&CUSTOM)
                .find(|(_, name)| *name == kind);
            let (_, kind) = known.unwrap_or_else(|| panic!("no kind {kind}"));
            let objects = kinds.entry(kind).or_default();
            objects.push(completed(object));
        }
        let mut objects: HashMap<&'static str, Arc<dyn Objects>> = HashMap::new();
        for (kind, mut list) in kinds {
            // As etcd keeps them.
            list.sort_by_key(|object| {
                let name = |key: &str| object["metadata"][key].as_str().unwrap_or("").to_owned();
                (name("namespace"), name("name"))
            });
            objects.insert(kind, Arc::new(list));
        }
        Self::start(objects, behaviour)
    }

    /// Serves objects that are made as they are asked for.
    pub fn start(objects: HashMap<&'static str, Arc<dyn Objects>>, behaviour: Behaviour) -> Self {
        let cluster = Arc::new(Cluster {
            objects,
            behaviour: Mutex::new(behaviour),
            asked: Mutex::default(),
        });
        let router = Router::new().fallback(answer);
        Self {
            served: Served::start(router.with_state(Arc::clone(&cluster))),
            cluster,
        }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.served.kubeconfig()
    }

    /// A directory that is gone with the server.
    pub fn directory(&self) -> PathBuf {
        self.served.directory().to_owned()
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.cluster.behaviour.lock().unwrap());
    }

    /// Every request so far: method, path and query.
    pub fn asked(&self) -> Vec<String> {
        self.cluster.asked.lock().unwrap().clone()
    }
}

/// The documents of a manifest.
pub fn documents(text: &str) -> Vec<Value> {
    let mut reader = Reader::new(std::io::Cursor::new(text.to_owned()), 1 << 24).unwrap();
    let mut documents = Vec::new();
    while let Some(piece) = reader.next().unwrap() {
        match piece {
            Piece::Object { text, line, .. } => {
                let json = yaml::to_json(std::str::from_utf8(text).unwrap(), line).unwrap();
                if json != "null" {
                    documents.push(serde_json::from_str(&json).unwrap());
                }
            }
            Piece::Between(_) => {}
            Piece::Broken { error, .. } => panic!("{error:?}"),
        }
    }
    documents
}

/// What an API server adds.
fn completed(mut object: Value) -> Value {
    let kind = object["kind"].as_str().unwrap().to_ascii_lowercase();
    let members = object.as_object_mut().unwrap();
    members.remove("apiVersion");
    members.remove("kind");
    let metadata = object["metadata"].as_object_mut().unwrap();
    let name = metadata["name"].as_str().unwrap().to_owned();
    metadata
        .entry("uid")
        .or_insert_with(|| format!("{kind}-{name}").into());
    metadata
        .entry("resourceVersion")
        .or_insert_with(|| "100".into());
    object
}

fn status(code: StatusCode, reason: &str, message: &str) -> Response {
    let body = failure(code.as_u16(), reason, message);
    (
        code,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn json_answer(code: StatusCode, body: String, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT_ENCODING);
    let gzip = accepts.is_some_and(|accepts| accepts.to_str().unwrap().contains("gzip"));
    // As the real one: only what is worth it.
    if gzip && body.len() > 128 * 1024 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body.as_bytes()).unwrap();
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CONTENT_ENCODING, "gzip"),
        ];
        return (code, headers, encoder.finish().unwrap()).into_response();
    }
    (code, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn answer(
    State(served): State<Arc<Cluster>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let query = Query::of(uri.query().unwrap_or_default());
    let is_list = query.get("limit").is_some();
    served.asked.lock().unwrap().push(format!("{method} {uri}"));
    {
        let mut behaviour = served.behaviour.lock().unwrap();
        if let Some(failures) = behaviour.fail_first.get_mut(&path)
            && let Some(code) = failures.pop()
        {
            let code = StatusCode::from_u16(code).unwrap();
            return status(code, "Injected", "as the test wants it");
        }
        let verb = match (&method, is_list) {
            (&Method::GET, true) => "list",
            (&Method::GET, false) => "get",
            _ => "create",
        };
        if behaviour.forbid.contains(&format!("{verb} {path}")) {
            let message = format!("User \"t\" cannot {verb} {path}");
            return status(StatusCode::FORBIDDEN, "Forbidden", &message);
        }
    }
    match method {
        Method::GET if is_list => list(&served, &path, &query, &headers),
        Method::GET => get(&served, &path, &headers),
        Method::POST => post(&served, &path, &query, &body, &headers),
        _ => status(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "a plan changes nothing",
        ),
    }
}

fn list(served: &Cluster, path: &str, query: &Query, headers: &HeaderMap) -> Response {
    let kind = BUILT_IN.iter().chain(&CUSTOM).find(|(at, _)| *at == path);
    let objects = kind.and_then(|(_, kind)| served.objects.get(kind));
    if objects.is_none() && !BUILT_IN.iter().any(|(at, _)| *at == path) {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    }
    let count = objects.map_or(0, |objects| objects.count());
    let (page, go_on) = query.page(count, usize::MAX);
    let from = page.start;
    let mut behaviour = served.behaviour.lock().unwrap();
    if let Some((expiring, at)) = &behaviour.expire
        && expiring == path
        && from >= *at
    {
        behaviour.expire = None;
        let mut body = failure(410, "Expired", "The provided continue parameter is too old");
        body["metadata"]["continue"] = from.to_string().into();
        return json_answer(StatusCode::GONE, body.to_string(), headers);
    }
    let mut body = String::from(r#"{"apiVersion":"v1","items":["#);
    let mut first = true;
    for index in page {
        let object = objects.unwrap().at(index);
        let is_selected = || query.selects(&serde_json::from_str(&object).unwrap());
        if query.get("labelSelector").is_some() && !is_selected() {
            continue;
        }
        if !std::mem::take(&mut first) {
            body.push(',');
        }
        body += &object;
    }
    body += &format!(r#"],"metadata":{{"resourceVersion":"1000","continue":"{go_on}"}}}}"#);
    json_answer(StatusCode::OK, body, headers)
}

fn get(served: &Cluster, path: &str, headers: &HeaderMap) -> Response {
    let parts: Vec<&str> = path.split('/').collect();
    let (kind, namespace, name) = match parts.as_slice() {
        ["", "api", "v1", "namespaces", name] => ("Namespace", "", *name),
        ["", "api", "v1", "namespaces", namespace, "secrets", name] => {
            ("Secret", *namespace, *name)
        }
        _ => return status(StatusCode::NOT_FOUND, "NotFound", "no such path"),
    };
    if kind == "Namespace" {
        let body =
            json!({ "metadata": { "name": name, "uid": "11111111-2222-3333-4444-555555555555" } });
        return json_answer(StatusCode::OK, body.to_string(), headers);
    }
    let accepts = headers[header::ACCEPT].to_str().unwrap();
    // What Secrets hold is never asked for.
    assert!(accepts.contains("as=PartialObjectMetadata"), "{accepts}");
    let objects = served.objects.get(kind);
    let found = objects.is_some_and(|objects| {
        (0..objects.count()).any(|index| {
            let object: Value = serde_json::from_str(&objects.at(index)).unwrap();
            object["metadata"]["namespace"] == *namespace && object["metadata"]["name"] == *name
        })
    });
    if !found {
        return status(StatusCode::NOT_FOUND, "NotFound", "not found");
    }
    let body = json!({ "kind": "PartialObjectMetadata", "metadata": { "name": name } });
    json_answer(StatusCode::OK, body.to_string(), headers)
}

fn post(
    served: &Cluster,
    path: &str,
    query: &Query,
    body: &Bytes,
    headers: &HeaderMap,
) -> Response {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let mut object: Value = serde_json::from_str(&text).unwrap();
    let behaviour = served.behaviour.lock().unwrap();
    if path.ends_with("/selfsubjectaccessreviews") {
        let asked = &object["spec"]["resourceAttributes"];
        let of = |key: &str| asked[key].as_str().unwrap().to_owned();
        let prefix = match of("group").as_str() {
            "" => "/api/v1".to_owned(),
            "flex2csi.io" => "/apis/flex2csi.io/v1alpha1".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        let text = |key: &str| asked[key].as_str().unwrap_or_default();
        let namespace = match text("namespace") {
            "" => String::new(),
            namespace => format!("/namespaces/{namespace}"),
        };
        let name = match text("name") {
            "" => String::new(),
            name => format!("/{name}"),
        };
        let right = format!(
            "{} {prefix}{namespace}/{}{name}",
            of("verb"),
            of("resource")
        );
        object["status"] = json!({ "allowed": !behaviour.forbid.contains(&right) });
        return json_answer(StatusCode::CREATED, object.to_string(), headers);
    }
    // Nothing that could stay.
    assert_eq!(query.get("dryRun"), Some("All"));
    assert_eq!(query.get("fieldManager"), Some("flex2csi"));
    let metadata = object["metadata"].as_object().unwrap();
    assert!(
        !metadata.contains_key("name") && !metadata.contains_key("uid"),
        "{metadata:?}"
    );
    for (part, message) in &behaviour.refuse {
        if text.contains(part) {
            return status(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        }
    }
    json_answer(StatusCode::CREATED, text, headers)
}
