//! An API server in memory: names, uids, resourceVersions, preconditions,
//! finalizers, selectors and pages as the real one has them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use kube::client::Body;
use serde_json::{Value, json};

use super::failure::failure;
use super::merge_patch::merge;
use super::query::Query;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is done and answered.
    Answered,
    /// It is refused, with this code.
    Refused(u16),
    /// It does not arrive, and there is no answer.
    Lost,
    /// It is done, and there is no answer.
    Unanswered,
}

type Fates = Box<dyn FnMut(&str) -> Fate + Send>;

struct State {
    objects: BTreeMap<String, Value>,
    written: u64,
}

/// The API server. Clones are one.
#[derive(Clone)]
pub struct ApiServer {
    state: Arc<Mutex<State>>,
    /// Apart, so that it can look at the objects and change them.
    fates: Arc<Mutex<Fates>>,
}

impl ApiServer {
    pub fn new() -> Self {
        let state = State {
            objects: BTreeMap::new(),
            written: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            fates: Arc::new(Mutex::new(Box::new(|_| Fate::Answered))),
        }
    }

    /// The same objects, reached by another way that can fail by itself.
    pub fn with_fates_of_its_own(&self) -> Self {
        Self {
            state: self.state.clone(),
            ..Self::new()
        }
    }

    pub fn client(&self) -> kube::Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.serve(request).await }
        });
        kube::Client::new(service, "default")
    }

    /// Says what becomes of each request from here on, by its method and path.
    pub fn fates(&self, fates: impl FnMut(&str) -> Fate + Send + 'static) {
        *self.fates.lock().unwrap() = Box::new(fates);
    }

    /// Puts an object there, whatever was there before.
    pub fn put(&self, path: &str, object: Value) {
        let mut state = self.state();
        let object = state.stamped(object, path);
        state.objects.insert(path.to_owned(), object);
    }

    pub fn get(&self, path: &str) -> Option<Value> {
        self.state().objects.get(path).cloned()
    }

    /// Changes an object, as another client would.
    pub fn edit(&self, path: &str, edit: impl FnOnce(&mut Value)) {
        let mut state = self.state();
        let mut object = state.objects[path].clone();
        edit(&mut object);
        state.store(path, object);
    }

    pub fn remove(&self, path: &str) {
        self.state().objects.remove(path);
    }

    /// The paths of all objects of a collection.
    pub fn paths(&self, collection: &str) -> Vec<String> {
        let prefix = format!("{collection}/");
        let state = self.state();
        let paths = state.objects.keys();
        paths
            .filter(|path| path.starts_with(&prefix))
            .cloned()
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn serve(&self, request: Request<Body>) -> Result<Response<Full<Bytes>>, kube::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let said = format!("{} {}", parts.method, parts.uri.path());
        let fate = (self.fates.lock().unwrap())(&said);
        let (code, answer) = match fate {
            Fate::Refused(code) => refusal(code, "this server is told to refuse"),
            Fate::Lost => std::future::pending().await,
            Fate::Answered | Fate::Unanswered => {
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let content_type = parts.headers.get("content-type");
                let kind = content_type.map_or("", |kind| kind.to_str().unwrap());
                self.state().answer(
                    &parts.method,
                    parts.uri.path(),
                    parts.uri.query().unwrap_or_default(),
                    kind,
                    body,
                )
            }
        };
        if fate == Fate::Unanswered {
            std::future::pending().await
        }
        let response = Response::builder().status(code);
        let body = Full::new(Bytes::from(answer.to_string()));
        Ok(response.body(body).unwrap())
    }
}

type Answer = (u16, Value);

fn refusal(code: u16, message: &str) -> Answer {
    let reason = if code == 404 { "NotFound" } else { "" };
    (code, failure(code, reason, message))
}

impl State {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        query: &str,
        content_type: &str,
        body: Value,
    ) -> Answer {
        let missing = || refusal(404, &format!("{path} not found"));
        let conflict = || refusal(409, &format!("{path} has changed"));
        let found = self.objects.get(path).cloned();
        match method.as_str() {
            "GET" if is_collection(path) => (200, self.list(path, query)),
            "GET" => found.map_or_else(missing, |object| (200, object)),
            "POST" => {
                let name = body["metadata"]["name"].as_str().unwrap();
                let path = format!("{path}/{name}");
                if self.objects.contains_key(&path) {
                    return conflict();
                }
                let object = self.stamped(body, &path);
                self.objects.insert(path, object.clone());
                (201, object)
            }
            "PUT" => match found {
                None => missing(),
                Some(found) if is_another(&found, &body["metadata"]) => conflict(),
                Some(_) => (200, self.store(path, body)),
            },
            "PATCH" if content_type.contains("apply-patch") => {
                let object = match found {
                    None => self.stamped(body, path),
                    Some(found) => {
                        let mut object = body;
                        object["metadata"]["uid"] = found["metadata"]["uid"].clone();
                        object
                    }
                };
                (200, self.store(path, object))
            }
            "PATCH" => match found {
                None => missing(),
                Some(found) if is_another(&found, &body["metadata"]) => conflict(),
                Some(mut found) => {
                    merge(&mut found, &body);
                    (200, self.store(path, found))
                }
            },
            "DELETE" => match found {
                None => missing(),
                Some(found) if is_another(&found, &body["preconditions"]) => conflict(),
                Some(mut found) => {
                    found["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
                    (200, self.store(path, found))
                }
            },
            other => panic!("{other} {path}"),
        }
    }

    fn stamped(&mut self, mut object: Value, path: &str) -> Value {
        self.written += 1;
        let name = path.rsplit('/').next().unwrap();
        object["metadata"]["name"] = json!(name);
        object["metadata"]["uid"] = json!(format!("uid-{}", self.written));
        object["metadata"]["resourceVersion"] = json!(self.written.to_string());
        object
    }

    /// What is deleted and has no finalizer left is gone.
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.written += 1;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(self.written.to_string());
        let finalizers = metadata["finalizers"].as_array().map_or(0, Vec::len);
        if !metadata["deletionTimestamp"].is_null() && finalizers == 0 {
            self.objects.remove(path);
        } else {
            self.objects.insert(path.to_owned(), object.clone());
        }
        object
    }

    fn list(&self, path: &str, query: &str) -> Value {
        let query = Query::of(query);
        let prefix = format!("{path}/");
        let selected: Vec<&Value> = self
            .objects
            .iter()
            .filter(|(path, _)| path.starts_with(&prefix))
            .map(|(_, object)| object)
            .filter(|object| query.selects(object))
            .collect();
        // Small pages, so that every list has several.
        let (page, next) = query.page(selected.len(), 2);
        json!({
            "kind": "List", "apiVersion": "v1",
            "metadata": { "resourceVersion": self.written.to_string(), "continue": next },
            "items": selected[page],
        })
    }
}

/// Whether something else was expected than what is there.
fn is_another(found: &Value, expected: &Value) -> bool {
    ["uid", "resourceVersion"].iter().any(|key| {
        let expected = &expected[key];
        !expected.is_null() && *expected != found["metadata"][key]
    })
}

/// Collections have their kind for a last segment, and kinds are few here.
fn is_collection(path: &str) -> bool {
    let kinds = [
        "leases",
        "volumeattachments",
        "persistentvolumes",
        "pods",
        "nodes",
        "nodevolumes",
    ];
    kinds.iter().any(|kind| path.ends_with(&format!("/{kind}")))
}
