//! What a real API server says of an object, without keeping it.

use std::collections::BTreeSet;
use std::fmt;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams, ValidationDirective};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::discovery::{Discovery, Scope};
use serde_json::Value;

use crate::Cluster;

/// Requests under way at a time, when many objects are asked about.
const CONCURRENCY: usize = 16;

/// Members of a dumped object that the server owns: whoever applies a dump
/// leaves them out, or the server refuses it.
const SERVER_OWNED_METADATA: [&str; 6] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Applies one object of any kind that the server knows, as a server-side dry
/// run with strict field validation. Gives the object as it would be stored.
/// A namespace that is missing is created, really.
///
/// # Errors
/// The server's message, when it refuses the object.
pub async fn server_side_dry_run(cluster: &Cluster, object: Value) -> Result<Value, String> {
    Server::connect(cluster).await?.apply(object, true).await
}

/// Whether the server accepts every object, each by itself. The items of a
/// `List` are objects.
///
/// # Errors
/// Every object that it refuses, with its message.
pub async fn accepted(
    cluster: &Cluster,
    objects: impl IntoIterator<Item = Value>,
) -> Result<(), Refusals> {
    let server = &Server::connect(cluster).await.map_err(Refusals::of_all)?;
    let requests = objects
        .into_iter()
        .flat_map(items)
        .map(async |object: Value| {
            let title = title(&object);
            let message = server.apply(object, true).await.err()?;
            Some(Refusal {
                object: title,
                message,
            })
        });
    let refused: Vec<Refusal> = stream::iter(requests)
        .buffered(CONCURRENCY)
        .filter_map(async |refusal| refusal)
        .collect()
        .await;
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Refusals(refused))
    }
}

/// An object that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Kind, namespace and name of the object.
    pub object: String,
    /// What the server said.
    pub message: String,
}

/// Every object that the server refused, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl Refusals {
    fn of_all(message: String) -> Self {
        let object = "every object".to_owned();
        Self(vec![Refusal { object, message }])
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused", self.0.len())?;
        for Refusal { object, message } in &self.0 {
            write!(f, "\n  {object}: {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusals {}

/// A server with the kinds that it knows.
pub(crate) struct Server {
    client: Client,
    kinds: Discovery,
    namespaces: tokio::sync::Mutex<BTreeSet<String>>,
}

impl Server {
    pub(crate) async fn connect(cluster: &Cluster) -> Result<Self, String> {
        let client = cluster.client().map_err(|error| error.to_string())?;
        let kinds = Discovery::new(client.clone())
            .run_aggregated()
            .await
            .map_err(message)?;
        Ok(Self {
            client,
            kinds,
            namespaces: tokio::sync::Mutex::default(),
        })
    }

    pub(crate) async fn apply(&self, mut object: Value, dry_run: bool) -> Result<Value, String> {
        remove_server_owned(&mut object);
        let api_version = text(&object, "/apiVersion").ok_or("no apiVersion")?;
        let kind = text(&object, "/kind").ok_or("no kind")?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let (resource, capabilities) = self
            .kinds
            .resolve_gvk(&GroupVersionKind::gvk(group, version, kind))
            .ok_or_else(|| format!("the server has no kind {kind} in {api_version}"))?;
        let name = text(&object, "/metadata/name").ok_or("no name")?.to_owned();
        let api: Api<DynamicObject> = if capabilities.scope == Scope::Namespaced {
            let namespace = text(&object, "/metadata/namespace").unwrap_or("default");
            self.create_namespace(namespace).await?;
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        };
        let parameters = PatchParams {
            dry_run,
            force: true,
            field_manager: Some("flex2csi-test".to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let stored = api
            .patch(&name, &parameters, &Patch::Apply(&object))
            .await
            .map_err(message)?;
        serde_json::to_value(stored).map_err(|error| error.to_string())
    }

    async fn create_namespace(&self, name: &str) -> Result<(), String> {
        let mut created = self.namespaces.lock().await;
        if created.contains(name) {
            return Ok(());
        }
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        let result = Api::all(self.client.clone())
            .create(&PostParams::default(), &namespace)
            .await;
        match result {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            Err(error) => return Err(format!("namespace {name}: {}", message(error))),
        }
        created.insert(name.to_owned());
        Ok(())
    }
}

fn message(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        other => other.to_string(),
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}

fn title(object: &Value) -> String {
    let part = |pointer| text(object, pointer).unwrap_or("?").to_owned();
    let name = part("/metadata/name");
    match text(object, "/metadata/namespace") {
        Some(namespace) => format!("{} {namespace}/{name}", part("/kind")),
        None => format!("{} {name}", part("/kind")),
    }
}

fn items(mut object: Value) -> Vec<Value> {
    if text(&object, "/kind") == Some("List")
        && let Some(Value::Array(items)) = object.get_mut("items").map(Value::take)
    {
        return items;
    }
    vec![object]
}

fn remove_server_owned(object: &mut Value) {
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
    }
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for member in SERVER_OWNED_METADATA {
            metadata.remove(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_owns_is_removed_and_nothing_else() {
        let mut object = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": "a", "uid": "u", "resourceVersion": "1", "generation": 2, "selfLink": "/a",
                "creationTimestamp": null, "managedFields": [], "finalizers": ["f"],
            },
            "spec": { "status": "kept", "claimRef": { "uid": "kept" } },
            "status": { "phase": "Bound" },
        });
        remove_server_owned(&mut object);
        assert_eq!(
            object,
            json!({
                "apiVersion": "v1", "kind": "PersistentVolume",
                "metadata": { "name": "a", "finalizers": ["f"] },
                "spec": { "status": "kept", "claimRef": { "uid": "kept" } },
            })
        );
    }

    #[test]
    fn a_list_is_its_items() {
        let list = json!({ "kind": "List", "items": [{ "kind": "Pod" }, { "kind": "Secret" }] });
        assert_eq!(
            items(list),
            [json!({ "kind": "Pod" }), json!({ "kind": "Secret" })]
        );
        assert_eq!(items(json!({ "kind": "Pod" })), [json!({ "kind": "Pod" })]);
    }

    #[test]
    fn refusals_name_the_objects() {
        let object = json!({ "kind": "Pod", "metadata": { "name": "a", "namespace": "b" } });
        let refusals = Refusals(vec![Refusal {
            object: title(&object),
            message: "no".to_owned(),
        }]);
        assert_eq!(refusals.to_string(), "1 refused\n  Pod b/a: no");
    }
}
