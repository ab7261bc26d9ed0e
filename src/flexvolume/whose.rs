//! Whose a mount is to be: the original driver's, where that has the volume on this
//! node already, or is about to. Else one device had two owners.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::door::{CallError, Door};
use super::pod_target::PodTarget;

/// Kubelet makes a directory and then calls, so for a moment it is not known whose
/// call it will be. An original driver that is at it takes longer, or ends.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSES: u32 = 10;

/// The targets of calls to mount that are here.
#[derive(Debug, Default)]
pub(super) struct Coming(Mutex<BTreeSet<PathBuf>>);

/// One of them, until this is dropped.
#[derive(Debug)]
pub(super) struct Come<'a> {
    coming: &'a Coming,
    target: PathBuf,
    /// Kubelet makes one call at a time for a target; a second one adds nothing.
    is_first: bool,
}

impl Coming {
    fn targets(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        // Each change is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a call is here, before anybody looks whose its directory is.
    pub fn come(&self, target: &Path) -> Come<'_> {
        let is_first = self.targets().insert(target.to_owned());
        Come {
            coming: self,
            target: target.to_owned(),
            is_first,
        }
    }

    fn has(&self, target: &Path) -> bool {
        self.targets().contains(target)
    }
}

impl Drop for Come<'_> {
    fn drop(&mut self) {
        if self.is_first {
            self.coming.targets().remove(&self.target);
        }
    }
}

impl Door {
    /// Whether a mount is the original's. Its call is among those that have come.
    pub(super) async fn is_originals(
        &self,
        driver: &str,
        target: &PodTarget,
    ) -> Result<bool, CallError> {
        let mut pauses = 0;
        loop {
            let Some(originals) = self.originals(driver).await? else {
                return Ok(false);
            };
            if originals.has_volume(&target.volume) {
                return Ok(true);
            }
            let mut others = originals.maybe_mounting(&target.volume, &target.path);
            let Some(other) = others.find(|other| !self.coming.has(other)) else {
                return Ok(false);
            };
            if pauses == PAUSES {
                return Err(CallError::MaybeOriginals {
                    volume: target.volume.clone(),
                    other: other.to_owned(),
                });
            }
            pauses += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_here_until_it_is_answered() {
        let coming = Coming::default();
        let target = Path::new("/a");
        let first = coming.come(target);
        drop(coming.come(target));
        assert!(coming.has(target) && !coming.has(Path::new("/b")));
        drop(first);
        assert!(!coming.has(target));
    }
}
