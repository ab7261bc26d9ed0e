//! The values of the Secrets that a call to the CSI driver needs.

use std::collections::BTreeMap;

use flex2csi_translators::csi_volume::SecretRef;

use super::VolumeError;
use super::translation::{Translated, secret_name};
use crate::cluster::{Cluster, SecretName, SecretValues};

/// Where the values of a mount's Secrets come from.
pub(super) struct Sources<'a> {
    /// What else is known.
    pub cluster: &'a dyn Cluster,
    /// The Secrets of the translation.
    pub translated: &'a Translated,
    /// What came with the call.
    pub called: &'a SecretValues,
    /// What the volume is called if it stands in its pod: such a volume's author is
    /// any user, and gets no Secret but the pod's own.
    pub inline: Option<&'a str>,
}

impl Sources<'_> {
    /// The values of a Secret that the volume names for a call.
    pub async fn values(
        &self,
        secret: Option<&SecretRef>,
    ) -> Result<BTreeMap<String, String>, VolumeError> {
        let Some(secret) = secret else {
            return Ok(BTreeMap::new());
        };
        let secret = secret_name(secret.clone());
        if let Some(made) = self.translated.made.get(&secret)
            && !made.0.is_empty()
        {
            return texts(made, &secret);
        }
        let is_legacy = self.translated.legacy_secret.as_ref() == Some(&secret);
        if is_legacy && !self.called.0.is_empty() {
            return texts(self.called, &secret);
        }
        if let Some(what) = self.inline {
            return Err(VolumeError::InlineSecret {
                what: what.to_owned(),
                secret,
            });
        }
        texts(&self.cluster.secret(&secret).await?, &secret)
    }
}

/// The values of a Secret in the cluster.
pub(super) async fn of_cluster(
    cluster: &dyn Cluster,
    secret: Option<&SecretName>,
) -> Result<BTreeMap<String, String>, VolumeError> {
    match secret {
        Some(secret) => texts(&cluster.secret(secret).await?, secret),
        None => Ok(BTreeMap::new()),
    }
}

/// CSI has texts where Kubernetes has bytes.
fn texts(
    values: &SecretValues,
    secret: &SecretName,
) -> Result<BTreeMap<String, String>, VolumeError> {
    let texts = values.0.iter().map(|(key, value)| {
        let text = String::from_utf8(value.clone()).map_err(|_| VolumeError::SecretText {
            secret: secret.clone(),
            key: key.clone(),
        })?;
        Ok((key.clone(), text))
    });
    texts.collect()
}
