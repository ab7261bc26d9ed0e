//! Who uses objects as of now, by what a plan goes by.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flex2csi_translators::Kind;
use flex2csi_translators::rewrite::{ClaimId, Direction, Use};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tokio::time::Instant;

use super::evidence::load::{self, CLAIMS, LoadError};
use super::evidence::{Affinities, Evidence};
use super::volume::Teller;
use crate::objects::claim::Claim;
use crate::objects::translator::Translator;

/// Looking takes one part of so many of the time at most, so that more who ask share a look.
const SHARE: u32 = 4;

/// But nobody waits longer than this for the next.
const APART: Duration = Duration::from_millis(300);

/// The cluster, looked at anew for whoever asks. Those who ask while somebody is
/// answered get the next answer together: it was begun after all of them asked.
pub struct Fresh {
    client: Client,
    node_evidence: bool,
    translator: Arc<Translator>,
    /// Claims whose pods are of interest.
    claims: Mutex<BTreeSet<(String, String)>>,
    /// When the last look began, how long it took, and what it showed.
    last: tokio::sync::Mutex<Option<(Instant, Duration, Arc<Evidence>)>>,
}

impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fresh").finish_non_exhaustive()
    }
}

impl Fresh {
    /// `node_evidence`: whether nodes have to say what they have mounted.
    pub fn new(client: Client, node_evidence: bool, translator: Arc<Translator>) -> Self {
        Self {
            client,
            node_evidence,
            translator,
            claims: Mutex::default(),
            last: tokio::sync::Mutex::default(),
        }
    }

    /// Who uses a volume, by its original, what stands in its place, and that one's
    /// driver and handle, and the form that it is in now; and whether the cluster serves
    /// it through CSI by that very specification already. What is only there because it is
    /// pinned to nodes does not count.
    ///
    /// # Errors
    /// The cluster cannot be read.
    pub async fn volume(
        &self,
        original: &str,
        stored: &str,
        csi: (&str, &str),
        form: Direction,
        (claim, pinned): (Option<&ClaimId>, &[String]),
    ) -> Result<(Use, bool), LoadError> {
        if let Some(claim) = claim {
            let key = (claim.namespace.clone(), claim.name.clone());
            self.claims().insert(key);
        }
        let evidence = self.evidence().await?;
        // A record's form has the policy Retain; what the cluster has in memory has not.
        let translated = self
            .translator
            .stored(Kind::PersistentVolume, original)
            .json;
        let mut teller = Teller {
            evidence: &evidence,
            translator: &self.translator,
            affinities: &mut Affinities::default(),
            node_evidence: self.node_evidence,
        };
        Ok(teller.used(
            original,
            translated.as_deref().unwrap_or(stored),
            csi,
            form,
            (claim, pinned),
        ))
    }

    /// Nobody asks any more who uses a claim.
    pub fn forget(&self, claim: &ClaimId) {
        let key = (claim.namespace.clone(), claim.name.clone());
        self.claims().remove(&key);
    }

    /// Who waits for volumes of a class.
    ///
    /// # Errors
    /// Claims cannot be listed.
    pub async fn class(&self, name: &str) -> Result<Use, LoadError> {
        let mut evidence = Evidence::default();
        load::each(&self.client, CLAIMS, |json| {
            let claim: Claim = CLAIMS.read(json)?;
            evidence.claims.add(&claim);
            Ok(())
        })
        .await?;
        Ok(match evidence.claims.pending(name) {
            None => Use::Idle,
            Some((count, example)) => Use::By(format!(
                "{count} claims that wait for volumes, as {example}"
            )),
        })
    }

    async fn evidence(&self) -> Result<Arc<Evidence>, LoadError> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some((began, _, evidence)) = &*last
            && *began > asked
        {
            return Ok(Arc::clone(evidence));
        }
        // Whoever asks while this waits gets the same answer.
        if let Some((began, took, _)) = &*last {
            // The more there are under way, the more there will be who ask.
            let claims = u32::try_from(self.claims().len()).unwrap_or(u32::MAX);
            let apart = took.saturating_mul(claims.max(SHARE)).min(APART);
            tokio::time::sleep_until(*began + apart).await;
        }
        let mut evidence = Evidence::default();
        let began = Instant::now();
        for (namespace, name) in self.claims().iter() {
            evidence.claims.want(namespace, name);
        }
        evidence
            .load_use(&self.client, self.node_evidence, Timestamp::now())
            .await?;
        let evidence = Arc::new(evidence);
        *last = Some((began, began.elapsed(), Arc::clone(&evidence)));
        Ok(evidence)
    }

    fn claims(&self) -> std::sync::MutexGuard<'_, BTreeSet<(String, String)>> {
        // Whole entries, whoever panicked.
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
