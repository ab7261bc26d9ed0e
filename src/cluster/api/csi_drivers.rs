//! CSIDrivers that were looked up a moment ago.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::CsiDriver;

/// How long an answer counts. A CSIDriver hardly ever changes, and kubelet's own
/// copy of it comes late as well.
const KEPT: Duration = Duration::from_secs(30);

/// What is known of CSIDrivers.
#[derive(Default)]
pub(super) struct CsiDrivers {
    known: Mutex<HashMap<String, (Instant, CsiDriver)>>,
}

impl CsiDrivers {
    pub(super) fn known(&self, driver: &str) -> Option<CsiDriver> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, driver) = known.get(driver)?;
        (since.elapsed() < KEPT).then(|| driver.clone())
    }

    pub(super) fn learn(&self, name: &str, driver: &CsiDriver) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (since, _)| since.elapsed() < KEPT);
        known.insert(name.to_owned(), (Instant::now(), driver.clone()));
    }
}
