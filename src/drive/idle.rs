//! Whether volumes that were in use still are.

pub mod news;

use std::sync::Arc;

use flex2csi_translators::rewrite::{Direction, Use};
use kube::Client;
use tokio::task::JoinSet;

use crate::api_request::ask::{Ask, AskError};
use crate::objects::translator::Translator;
use crate::plan::Fresh;
use crate::plan::evidence::load::LoadError;
use crate::plan::row::Row;
use crate::rewrite::{Place, Resource};

/// Volumes, and who is asked about them.
pub struct Idle {
    client: Client,
    fresh: Fresh,
}

/// What was seen of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nobody uses it.
    Idle,
    /// Somebody does, or it cannot be known.
    Used(String),
    /// It is not there any more.
    Gone,
}

impl Idle {
    /// Asks with what a translator knows.
    pub fn new(client: Client, node_evidence: bool, translator: Arc<Translator>) -> Self {
        Self {
            fresh: Fresh::new(client.clone(), node_evidence, translator),
            client,
        }
    }

    /// Looks at all of them once, in their order.
    ///
    /// # Errors
    /// The cluster cannot be read.
    pub async fn look(self: &Arc<Self>, rows: &[Row]) -> Result<Vec<Seen>, LoadError> {
        let mut looks = JoinSet::new();
        for (place, row) in rows.iter().enumerate() {
            let (itself, row) = (Arc::clone(self), row.clone());
            looks.spawn(async move { (place, itself.look_at(&row).await) });
        }
        // A look that panicked says nothing.
        let nothing = || Seen::Used("it could not be looked at".to_owned());
        let mut seen: Vec<Seen> = rows.iter().map(|_| nothing()).collect();
        while let Some(ended) = looks.join_next().await {
            if let Ok((place, look)) = ended
                && let Some(slot) = seen.get_mut(place)
            {
                *slot = look?;
            }
        }
        Ok(seen)
    }

    async fn look_at(&self, row: &Row) -> Result<Seen, LoadError> {
        let name = row.object.name.as_str();
        let place = Place::of_cluster(Resource::PersistentVolume, name);
        let original = match Ask::get(place.path()).send(&self.client).await {
            Ok(json) => json,
            Err(AskError::NotFound { .. }) => return Ok(Seen::Gone),
            Err(source) => {
                let what = "a PersistentVolume";
                return Err(LoadError::Needed { what, source });
            }
        };
        let Some(to) = &row.to else {
            return Ok(Seen::Used("it has no CSI form".to_owned()));
        };
        let csi = (to.driver.as_str(), to.handle.as_str());
        let claim = row.claim.as_ref();
        let fresh = &self.fresh;
        let (used, _) = fresh
            .volume(&original, &original, csi, Direction::Back, (claim, &[]))
            .await?;
        Ok(match used {
            Use::Idle => Seen::Idle,
            Use::By(who) | Use::Unknown(who) => Seen::Used(who),
            Use::ByCsi { .. } => Seen::Used("its pods use it through flex2csi".to_owned()),
        })
    }
}

/// Whether another try may read the cluster.
pub fn is_passing(error: &LoadError) -> bool {
    let LoadError::Needed { source, .. } = error else {
        return false;
    };
    matches!(
        source,
        AskError::Unavailable { .. } | AskError::Expired { .. }
    )
}
