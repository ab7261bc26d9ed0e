//! Service accounts, whose rights are tried.

use http::Request;
use kube::Client;
use serde_json::{Value, json};

use crate::applied::applied;
use crate::{Cluster, StartError};

/// A new client with the rights of a service account. The account itself does
/// not have to be there: rights are bound to its name.
///
/// # Errors
/// The cluster's certificate is not usable.
pub fn client_of(cluster: &Cluster, namespace: &str, account: &str) -> Result<Client, StartError> {
    let mut config = cluster.apiserver.admin.clone();
    let user = format!("system:serviceaccount:{namespace}:{account}");
    config.auth_info.impersonate = Some(user);
    Ok(Client::try_from(config)?)
}

/// A new client with a token as kubelet gets it for a pod of the node: bound to that
/// pod, so that the server knows the node. The account has to be there; the pod is
/// made.
///
/// # Errors
/// The server's message, when it refuses the pod or the token.
pub async fn client_of_pod(
    cluster: &Cluster,
    namespace: &str,
    account: &str,
    node: &str,
) -> Result<Client, String> {
    let mut config = cluster.apiserver.admin.clone();
    let token = token_of_pod(cluster, namespace, account, node).await?;
    config.auth_info.token = Some(token.into());
    Client::try_from(config).map_err(|error| error.to_string())
}

/// A kubeconfig, as a program is given one, with such a token.
///
/// # Errors
/// As [`client_of_pod`].
pub async fn kubeconfig_of_pod(
    cluster: &Cluster,
    namespace: &str,
    account: &str,
    node: &str,
) -> Result<String, String> {
    let token = token_of_pod(cluster, namespace, account, node).await?;
    let text = std::fs::read(cluster.kubeconfig()).map_err(|error| error.to_string())?;
    let mut kubeconfig: Value = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    kubeconfig["users"][0]["user"] = json!({ "token": token });
    Ok(kubeconfig.to_string())
}

async fn token_of_pod(
    cluster: &Cluster,
    namespace: &str,
    account: &str,
    node: &str,
) -> Result<String, String> {
    let said = |error: &dyn std::error::Error| error.to_string();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "namespace": namespace, "name": format!("{account}-{node}") },
        "spec": {
            "nodeName": node,
            "serviceAccountName": account,
            "containers": [{ "name": "c", "image": "i" }],
        },
    });
    let pods = applied(cluster, [pod]).await?;
    let pod = pods.first().map(|pod| &pod["metadata"]);
    let bound = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {
            "audiences": ["https://kubernetes.default.svc"],
            "boundObjectRef": {
                "apiVersion": "v1", "kind": "Pod",
                "name": pod.map(|pod| &pod["name"]), "uid": pod.map(|pod| &pod["uid"]),
            },
        },
    });
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(bound.to_string().into_bytes())
        .map_err(|error| said(&error))?;
    let admin = cluster.client().map_err(|error| said(&error))?;
    let token: Value = admin.request(request).await.map_err(|error| said(&error))?;
    let token = token["status"]["token"].as_str();
    token.map(str::to_owned).ok_or("no token".to_owned())
}
