//! Where PersistentVolumes are looked up whose handle says nothing by itself.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use crate::manifest::{self, Seen};

/// Volumes of one page: the API server answers with some MiB at most.
const PAGE: usize = 500;

/// Where the PersistentVolumes are.
#[derive(Clone, Default)]
pub enum LegacyVolumes {
    /// Nowhere: only this node's records count.
    #[default]
    None,
    /// In manifests, where there is no cluster.
    Files(Vec<PathBuf>),
    /// In the cluster.
    Cluster(Box<kube::Client>),
}

impl fmt::Debug for LegacyVolumes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Files(files) => f.debug_tuple("Files").field(files).finish(),
            Self::Cluster(_) => f.write_str("Cluster"),
        }
    }
}

/// Why PersistentVolumes could not be looked up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The API server did not answer, or refused.
    #[error("the API server does not list PersistentVolumes: {0}")]
    Cluster(#[source] Box<kube::Error>),
    /// The API server's answer is no list.
    #[error("the API server's list of PersistentVolumes cannot be read: {0}")]
    List(#[source] serde_json::Error),
    /// A manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// What is in a manifest cannot be read, and may be the volume.
    #[error("{0}")]
    Broken(String),
    /// Reading manifests itself failed.
    #[error("reading PersistentVolumes broke off: {0}")]
    BrokeOff(String),
    /// Two volumes have the handle.
    #[error("the PersistentVolumes {0} and {1} both have it, and may be of two sources")]
    Two(String, String),
}

/// The attributes of a PersistentVolume.
pub type Attributes = Vec<(String, String)>;

impl LegacyVolumes {
    /// The attributes of the volume with a handle of an endpoint; `None` if there
    /// is none.
    ///
    /// # Errors
    /// They cannot be looked up, or two differ.
    pub async fn attributes(
        &self,
        driver: &str,
        handle: &str,
    ) -> Result<Option<Attributes>, LookupError> {
        let found = Found::new(driver, handle);
        let found = match self {
            Self::None => found,
            Self::Files(files) => {
                let files = files.clone();
                let read = tokio::task::spawn_blocking(move || in_files(&files, found));
                read.await
                    .map_err(|broken| LookupError::BrokeOff(broken.to_string()))??
            }
            Self::Cluster(client) => in_cluster(client, found).await?,
        };
        Ok(found.volume.map(|(_, attributes)| attributes))
    }
}

/// The volume that is looked for.
struct Found {
    driver: String,
    handle: String,
    /// Its name and attributes.
    volume: Option<(String, Attributes)>,
}

impl Found {
    fn new(driver: &str, handle: &str) -> Self {
        Self {
            driver: driver.to_owned(),
            handle: handle.to_owned(),
            volume: None,
        }
    }

    fn look_at(&mut self, pv: &Value) -> Result<(), LookupError> {
        let csi = &pv["spec"]["csi"];
        if csi["driver"] != self.driver || csi["volumeHandle"] != self.handle {
            return Ok(());
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&pv["metadata"]["name"]);
        let attributes = csi["volumeAttributes"].as_object().into_iter().flatten();
        let attributes: Attributes = attributes
            .map(|(key, value)| (key.clone(), text(value)))
            .collect();
        match &self.volume {
            // One source has one digest; what was read beside it may differ.
            Some((other, known)) if *known != attributes => {
                Err(LookupError::Two(other.clone(), name))
            }
            _ => {
                self.volume = Some((name, attributes));
                Ok(())
            }
        }
    }
}

fn in_files(files: &[PathBuf], mut found: Found) -> Result<Found, LookupError> {
    manifest::each_object(files, |seen| match seen {
        // What is no object is no volume either.
        Seen::Object(object) => match serde_json::from_slice::<Value>(object.json) {
            Ok(pv) => found.look_at(&pv),
            Err(_) => Ok(()),
        },
        Seen::Broken(problem) => Err(LookupError::Broken(problem)),
    })?;
    Ok(found)
}

async fn in_cluster(client: &kube::Client, mut found: Found) -> Result<Found, LookupError> {
    let mut token = String::new();
    loop {
        let page = page(client, &token).await?;
        for pv in page["items"].as_array().into_iter().flatten() {
            found.look_at(pv)?;
        }
        match page["metadata"]["continue"].as_str() {
            Some(more) if !more.is_empty() => token = more.to_owned(),
            _ => return Ok(found),
        }
    }
}

async fn page(client: &kube::Client, token: &str) -> Result<Value, LookupError> {
    let params = kube::api::ListParams {
        limit: Some(PAGE as u32),
        continue_token: (!token.is_empty()).then(|| token.to_owned()),
        ..Default::default()
    };
    let failed = |error| LookupError::Cluster(Box::new(error));
    let request = kube::core::Request::new("/api/v1/persistentvolumes");
    let request = request
        .list(&params)
        .map_err(|error| failed(kube::Error::BuildRequest(error)))?;
    let text = client.request_text(request).await.map_err(failed)?;
    serde_json::from_str(&text).map_err(LookupError::List)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUMES: &str = "\
apiVersion: v1
kind: PersistentVolume
metadata: {name: a}
spec: {csi: {driver: d.flex2csi.io, volumeHandle: flex2csi-1, volumeAttributes: {k: v}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: b}
spec: {nfs: {server: s, path: /}}
";

    async fn look_up(text: &str, handle: &str) -> Result<Option<Attributes>, LookupError> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("pvs.yaml"), text).unwrap();
        let volumes = LegacyVolumes::Files(vec![directory.path().to_owned()]);
        volumes.attributes("d.flex2csi.io", handle).await
    }

    #[tokio::test]
    async fn a_volume_is_found_by_driver_and_handle() {
        let found = look_up(VOLUMES, "flex2csi-1").await.unwrap();
        assert_eq!(found, Some(vec![("k".to_owned(), "v".to_owned())]));
        assert_eq!(look_up(VOLUMES, "flex2csi-2").await.unwrap(), None);
        let other = VOLUMES.replace("driver: d.", "driver: e.");
        assert_eq!(look_up(&other, "flex2csi-1").await.unwrap(), None);
    }

    #[tokio::test]
    async fn two_volumes_that_differ_are_not_chosen_from() {
        let two = format!("{VOLUMES}---\n{}", VOLUMES.replace("{k: v}", "{k: w}"));
        let error = look_up(&two, "flex2csi-1").await.unwrap_err();
        assert!(matches!(error, LookupError::Two(..)), "{error}");
    }
}
