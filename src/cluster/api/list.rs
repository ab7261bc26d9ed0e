//! Lists, page by page.

use std::borrow::Cow;

use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::ClusterError;
use super::fetch;

/// Objects of one page: the API server answers with some MiB at most.
const PAGE: u32 = 500;

/// A list.
pub(super) struct List {
    /// How messages name it.
    what: String,
    path: Cow<'static, str>,
    field_selector: Option<String>,
}

impl List {
    pub(super) fn persistent_volumes() -> Self {
        Self {
            what: "the list of PersistentVolumes".to_owned(),
            path: "/api/v1/persistentvolumes".into(),
            field_selector: None,
        }
    }

    pub(super) fn nodes() -> Self {
        Self {
            what: "the list of Nodes".to_owned(),
            path: "/api/v1/nodes".into(),
            field_selector: None,
        }
    }

    pub(super) fn node_volumes() -> Self {
        Self {
            what: "the list of NodeVolumes".to_owned(),
            path: "/apis/flex2csi.io/v1alpha1/nodevolumes".into(),
            field_selector: None,
        }
    }

    pub(super) fn pods_in(namespace: &str) -> Self {
        Self {
            what: format!("the list of pods in namespace {namespace}"),
            path: format!("/api/v1/namespaces/{namespace}/pods").into(),
            field_selector: None,
        }
    }

    pub(super) fn pods_of(node: &str) -> Self {
        Self {
            what: format!("the list of pods of Node {node}"),
            path: "/api/v1/pods".into(),
            field_selector: Some(format!("spec.nodeName={node}")),
        }
    }

    /// Shows each object of the list, as far as `T` reads it. One page is in
    /// memory at a time.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        client: &Client,
        see: impl FnMut(T),
    ) -> Result<(), ClusterError> {
        let mut see = see;
        let mut token = None;
        loop {
            let params = ListParams {
                limit: Some(PAGE),
                continue_token: token,
                field_selector: self.field_selector.clone(),
                ..ListParams::default()
            };
            let request = || {
                let request = Request::new(&*self.path).list(&params);
                request.map_err(kube::Error::BuildRequest)
            };
            let text = fetch::text(client, &self.what, request).await?;
            let page: Page<T> =
                serde_json::from_str(&text).map_err(|error| ClusterError::Unreadable {
                    object: self.what.clone(),
                    reason: error.to_string(),
                })?;
            page.items.into_iter().for_each(&mut see);
            token = page.metadata.more.filter(|more| !more.is_empty());
            if token.is_none() {
                return Ok(());
            }
        }
    }
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: Metadata,
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    more: Option<String>,
}
