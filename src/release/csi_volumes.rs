//! PersistentVolumes in CSI form, and pods that have claims on them.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::{PersistentVolume, Pod};
use kube::api::{Api, ListParams};

use crate::api_request::{RequestError, find, request};
use crate::attachment::csi_volume;
use crate::cluster::VolumeId;

/// Objects of one page: the API server answers with some MiB at most.
const PAGE: u32 = 500;

/// A claim's namespace and name.
type Claim = (String, String);

/// The claims on PersistentVolumes in CSI form, by volume.
type Claims = HashMap<VolumeId, Vec<Claim>>;

/// PersistentVolumes in CSI form. All are listed at most once in a round, and only
/// before something is deleted.
pub(super) struct CsiVolumes {
    volumes: Api<PersistentVolume>,
    pods: Api<Pod>,
    listed: Option<Claims>,
}

impl CsiVolumes {
    pub fn new(client: kube::Client) -> Self {
        Self {
            volumes: Api::all(client.clone()),
            pods: Api::all(client),
            listed: None,
        }
    }

    /// Whether a PersistentVolume has been rewritten to this volume.
    pub async fn is_rewritten(&self, name: &str, to: &VolumeId) -> Result<bool, RequestError> {
        let found = find(self.volumes.get(name)).await?;
        Ok(found.as_ref().and_then(csi_volume).as_ref() == Some(to))
    }

    /// The claims on any PersistentVolume in CSI form with this handle; `None` if
    /// there is no such PersistentVolume.
    pub async fn claims(&mut self, volume: &VolumeId) -> Result<Option<&[Claim]>, RequestError> {
        let listed = match self.listed.take() {
            Some(listed) => listed,
            None => self.list().await?,
        };
        Ok(self.listed.insert(listed).get(volume).map(Vec::as_slice))
    }

    async fn list(&self) -> Result<Claims, RequestError> {
        let mut claims = Claims::new();
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let list = request(self.volumes.list(&page)).await?;
            for pv in &list.items {
                let Some(volume) = csi_volume(pv) else {
                    continue;
                };
                let claim = pv.spec.as_ref().and_then(|spec| spec.claim_ref.clone());
                let claim = claim.and_then(|claim| claim.namespace.zip(claim.name));
                claims.entry(volume).or_default().extend(claim);
            }
            match list.metadata.continue_ {
                Some(token) if !token.is_empty() => page = page.continue_token(&token),
                _ => return Ok(claims),
            }
        }
    }

    /// Whether a pod of the node has one of the claims. Ended pods count: their phase
    /// is written before their volumes are let go of.
    pub async fn is_awaited(&self, node: &str, claims: &[Claim]) -> Result<bool, RequestError> {
        if claims.is_empty() {
            return Ok(false);
        }
        let on_node = ListParams::default().fields(&format!("spec.nodeName={node}"));
        let mut page = on_node.limit(PAGE);
        loop {
            let list = request(self.pods.list(&page)).await?;
            if list.items.iter().any(|pod| has_claim(pod, claims)) {
                return Ok(true);
            }
            match list.metadata.continue_ {
                Some(token) if !token.is_empty() => page = page.continue_token(&token),
                _ => return Ok(false),
            }
        }
    }
}

fn has_claim(pod: &Pod, claims: &[Claim]) -> bool {
    let namespace = pod.metadata.namespace.as_deref();
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    volumes
        .filter_map(|volume| volume.persistent_volume_claim.as_ref())
        .any(|source| {
            claims.iter().any(|(in_namespace, name)| {
                Some(in_namespace.as_str()) == namespace && *name == source.claim_name
            })
        })
}
