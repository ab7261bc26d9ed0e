//! Manifests in files, where there is no cluster.

mod cache;
mod snapshot;

use std::path::PathBuf;

use self::cache::Cache;
use super::object::{Kind, Object, Objects as _};
use super::{
    Asked, CalledVolume, Cluster, ClusterError, CsiDriver, FoundVolume, PodName, SecretName,
    SecretValues, VolumeId, csi_driver, pod_volume, secret,
};

/// Manifests in files and directories. They are read again when they change.
///
/// What somebody wrote has no uids, and they do not have to match. Without the
/// Pod of a call, the PersistentVolume of the call's name counts if its driver
/// and options are the call's; an inline volume needs its Pod.
pub struct Files {
    cache: Cache,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Files").field(&self.cache.paths()).finish()
    }
}

impl Files {
    /// Files, and directories of files that end in `.json`, `.yaml` or `.yml`.
    /// Nothing is read yet.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            cache: Cache::new(paths),
        }
    }

    async fn find(&self, called: &CalledVolume) -> Result<FoundVolume, ClusterError> {
        let snapshot = self.cache.snapshot().await?;
        let pod = Object::pod(&called.pod);
        match snapshot.get(&pod).await {
            Ok(_) => pod_volume::find(&*snapshot, called).await,
            Err(ClusterError::NotFound { .. }) => {
                match pod_volume::find_by_name(&*snapshot, called).await {
                    Err(ClusterError::NotFound { object }) => Err(ClusterError::NotFound {
                        object: format!(
                            "{object} among the manifests, nor {pod}, \
                             without which its inline volumes are not known"
                        ),
                    }),
                    found => found,
                }
            }
            Err(error) => Err(error),
        }
    }
}

impl Cluster for Files {
    fn volume<'a>(&'a self, called: &'a CalledVolume) -> Asked<'a, FoundVolume> {
        Box::pin(self.find(called))
    }

    fn secret<'a>(&'a self, name: &'a SecretName) -> Asked<'a, SecretValues> {
        Box::pin(async {
            let object = Object::secret(name);
            let json = self.cache.snapshot().await?.get(&object).await?;
            secret::values(&object, &json)
        })
    }

    fn csi_driver<'a>(&'a self, driver: &'a str) -> Asked<'a, CsiDriver> {
        Box::pin(async {
            let object = Object::of_cluster(Kind::CsiDriver, driver);
            match self.cache.snapshot().await?.get(&object).await {
                Ok(json) => csi_driver::read(&object, &json),
                Err(ClusterError::NotFound { .. }) => Ok(CsiDriver::default()),
                Err(error) => Err(error),
            }
        })
    }

    /// Where there is no cluster, kubelet has no volumes of one.
    fn holds<'a>(&'a self, _: &'a VolumeId, _: &'a [PodName]) -> Asked<'a, bool> {
        Box::pin(std::future::ready(Ok(false)))
    }

    /// Nor is there a controller.
    fn attached(&self) -> Asked<'_, Vec<String>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

#[cfg(test)]
mod tests;
