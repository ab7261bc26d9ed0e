//! Objects of any kind, as JSON.

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::Value;

/// The API of an object's kind and namespace. The kind's plural is a regular one.
#[must_use]
pub fn of(client: &Client, object: &Value) -> Api<DynamicObject> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let api_version = text("/apiVersion").unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = text("/kind").unwrap_or_default();
    let resource = resource(group, version, kind);
    match text("/metadata/namespace") {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// PersistentVolumes.
#[must_use]
pub fn volumes(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &resource("", "v1", "PersistentVolume"))
}

/// The claims of all namespaces.
#[must_use]
pub fn claims(client: &Client) -> Api<DynamicObject> {
    let claim = resource("", "v1", "PersistentVolumeClaim");
    Api::all_with(client.clone(), &claim)
}

/// The claims of a namespace.
#[must_use]
pub fn claims_in(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let claim = resource("", "v1", "PersistentVolumeClaim");
    Api::namespaced_with(client.clone(), namespace, &claim)
}

/// StorageClasses.
#[must_use]
pub fn classes(client: &Client) -> Api<DynamicObject> {
    Api::all_with(
        client.clone(),
        &resource("storage.k8s.io", "v1", "StorageClass"),
    )
}

/// Nodes.
#[must_use]
pub fn nodes(client: &Client) -> Api<DynamicObject> {
    Api::all_with(client.clone(), &resource("", "v1", "Node"))
}

/// The records of rewrites.
#[must_use]
pub fn migrations(client: &Client) -> Api<DynamicObject> {
    let migration = resource("flex2csi.io", "v1alpha1", "VolumeMigration");
    Api::all_with(client.clone(), &migration)
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}
