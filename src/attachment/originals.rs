//! What original drivers have on other nodes.

use super::{AttachError, Attaching};
use crate::cluster::{Api, OriginalOn, VolumeId};

/// Knows what original drivers have mounted on other nodes.
pub trait Originals: Send + Sync {
    /// The other node on which the original driver has a volume, or may have it, if
    /// there is one. No answer is an error, never `None`.
    fn original_elsewhere<'a>(
        &'a self,
        volume: &'a VolumeId,
        persistent_volume: &'a str,
    ) -> Attaching<'a, Option<OriginalOn>>;
}

impl Originals for Api {
    fn original_elsewhere<'a>(
        &'a self,
        volume: &'a VolumeId,
        persistent_volume: &'a str,
    ) -> Attaching<'a, Option<OriginalOn>> {
        Box::pin(async move {
            let found = Api::original_elsewhere(self, persistent_volume).await;
            found.map_err(|error| AttachError::unasked(volume, &error))
        })
    }
}
