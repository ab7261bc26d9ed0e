//! Reading manifests again when they change, and only then.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;

use super::super::ClusterError;
use super::snapshot::{Snapshot, unreadable};
use crate::manifest::{Source, expand};

/// The largest snapshot that is kept, in bytes of text; a larger one is read at
/// each call.
const KEPT: usize = 4 << 20;

/// A file that changed within this time may change again without a trace: file
/// systems count time in ticks.
const UNSETTLED: Duration = Duration::from_secs(2);

/// Some manifests.
pub(super) struct Cache {
    paths: Arc<Vec<PathBuf>>,
    kept: Mutex<Option<(Stamp, Arc<Snapshot>)>>,
}

impl Cache {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths: Arc::new(paths),
            kept: Mutex::new(None),
        }
    }

    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// What the manifests say now. Calls that come together wait for each other:
    /// one reading is in memory at a time, and mostly serves them all.
    pub(super) async fn snapshot(&self) -> Result<Arc<Snapshot>, ClusterError> {
        let mut kept = self.kept.lock().await;
        let known = kept.take();
        let paths = self.paths.clone();
        let read = tokio::task::spawn_blocking(move || {
            let stamp = Stamp::of(&paths)?;
            match known {
                Some((of, snapshot)) if of == stamp => Ok((stamp, snapshot)),
                _ => Ok((stamp, Arc::new(Snapshot::read(&paths)?))),
            }
        });
        let (stamp, snapshot) = read
            .await
            .map_err(|broken| unreadable(&self.paths, broken.to_string()))??;
        let is_kept = stamp.is_settled && snapshot.size <= KEPT;
        *kept = is_kept.then(|| (stamp, snapshot.clone()));
        Ok(snapshot)
    }
}

/// What changes when a manifest does.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    files: Vec<(PathBuf, FileStamp)>,
    is_settled: bool,
}

/// Device, inode, size, and when it changed (ctime: nobody can set it back).
type FileStamp = (u64, u64, u64, i64, i64);

impl Stamp {
    fn of(paths: &[PathBuf]) -> Result<Self, ClusterError> {
        let said = |error: &dyn std::error::Error| unreadable(paths, error.to_string());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let settled_before = now.unwrap_or_default().saturating_sub(UNSETTLED);
        let settled_before = i64::try_from(settled_before.as_secs()).unwrap_or(i64::MAX);
        let mut files = Vec::new();
        let mut is_settled = true;
        for source in expand(paths, false).map_err(|error| said(&error))? {
            let Source::File(path) = source else {
                is_settled = false;
                continue;
            };
            let file = fs_err::metadata(&path).map_err(|error| said(&error))?;
            is_settled &= file.ctime() < settled_before;
            let stamp = (
                file.dev(),
                file.ino(),
                file.len(),
                file.ctime(),
                file.ctime_nsec(),
            );
            files.push((path, stamp));
        }
        Ok(Self { files, is_settled })
    }
}
