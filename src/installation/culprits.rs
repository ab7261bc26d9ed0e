//! Who may have put a driver over ours: pods that can write there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::FlexDriver;
use crate::cluster::PodName;

/// A pod that can write where a driver is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    /// The pod.
    pub pod: PodName,
    /// Who made it, as `DaemonSet/rook-agent`.
    pub owner: Option<String>,
    /// The directory of the host that it has.
    pub host_path: PathBuf,
    /// How near that is.
    pub distance: Distance,
}

/// How near a directory is to a driver's own, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distance {
    /// It is the driver's directory, or in it.
    Driver,
    /// It is the plugin directory.
    Plugins,
    /// It is so many directories above that: the more, the less it says.
    Above(usize),
}

/// The pods that can write where a driver is installed, the likeliest first: those
/// with a `hostPath` volume at, in or above its directory that is mounted
/// writable. `pods` are this node's, JSON; those of ours are left out.
pub fn culprits<'p>(
    pods: impl IntoIterator<Item = &'p str>,
    plugin_directory: &Path,
    driver: &FlexDriver,
    is_ours: impl Fn(&PodName) -> bool,
) -> Vec<Culprit> {
    let pods = pods.into_iter().filter_map(|json| {
        // Whatever it is, it names nobody.
        serde_json::from_str::<Pod>(json).ok()
    });
    let mut found: Vec<Culprit> = pods
        .filter_map(|pod| pod.culprit(plugin_directory, driver))
        .filter(|culprit| !is_ours(&culprit.pod))
        .collect();
    found.sort_by(|one, other| {
        let key = |it: &Culprit| (it.distance, it.pod.clone());
        key(one).cmp(&key(other))
    });
    found
}

impl std::fmt::Display for Culprit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let PodName {
            namespace, name, ..
        } = &self.pod;
        write!(f, "pod {namespace}/{name}")?;
        if let Some(owner) = &self.owner {
            write!(f, " of {owner}")?;
        }
        write!(f, ", which can write {}", self.host_path.display())
    }
}

#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    owner_references: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    volumes: Option<Vec<Volume>>,
    #[serde(default)]
    init_containers: Option<Vec<Container>>,
    #[serde(default)]
    containers: Option<Vec<Container>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    name: String,
    #[serde(default)]
    host_path: Option<HostPath>,
}

#[derive(Deserialize)]
struct HostPath {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    volume_mounts: Option<Vec<VolumeMount>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    name: String,
    #[serde(default)]
    read_only: Option<bool>,
}

impl Pod {
    fn culprit(self, plugin_directory: &Path, driver: &FlexDriver) -> Option<Culprit> {
        let volumes = self.spec.volumes.as_deref().unwrap_or_default();
        let paths: BTreeMap<&str, &Path> = volumes
            .iter()
            .filter_map(|volume| Some((volume.name.as_str(), &*volume.host_path.as_ref()?.path)))
            .collect();
        let containers = [&self.spec.init_containers, &self.spec.containers];
        let mounts = containers
            .into_iter()
            .flatten()
            .flatten()
            .flat_map(|container| container.volume_mounts.as_deref().unwrap_or_default());
        let (distance, path) = mounts
            .filter(|mount| mount.read_only != Some(true))
            .filter_map(|mount| {
                let path = *paths.get(mount.name.as_str())?;
                Some((distance(path, plugin_directory, driver)?, path))
            })
            .min()?;
        let Metadata {
            name,
            namespace,
            uid,
            owner_references,
        } = self.metadata;
        Some(Culprit {
            pod: PodName {
                namespace,
                name,
                uid,
            },
            owner: owner_references
                .unwrap_or_default()
                .first()
                .map(|owner| format!("{}/{}", owner.kind, owner.name)),
            host_path: path.to_owned(),
            distance,
        })
    }
}

fn distance(path: &Path, plugin_directory: &Path, driver: &FlexDriver) -> Option<Distance> {
    if path.starts_with(plugin_directory.join(driver.directory())) {
        return Some(Distance::Driver);
    }
    let below = plugin_directory.strip_prefix(path).ok()?;
    Some(match below.components().count() {
        0 => Distance::Plugins,
        count => Distance::Above(count),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLUGINS: &str = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";

    fn pod(name: &str, path: &str, read_only: bool) -> String {
        json!({
            "metadata": {"name": name, "namespace": "ns", "uid": name,
                "ownerReferences": [{"kind": "DaemonSet", "name": "agent", "apiVersion": "apps/v1"}]},
            "spec": {
                "volumes": [{"name": "none", "emptyDir": {}}, {"name": "v", "hostPath": {"path": path}}],
                "initContainers": [{"name": "i", "volumeMounts": [{"name": "none", "mountPath": "/x"}]}],
                "containers": [{"name": "c", "volumeMounts":
                    [{"name": "v", "mountPath": "/flexmnt", "readOnly": read_only}]}],
            },
        })
        .to_string()
    }

    fn found(pods: &[String]) -> Vec<(String, Distance)> {
        let driver = "a.io/b".parse().unwrap();
        culprits(
            pods.iter().map(String::as_str),
            Path::new(PLUGINS),
            &driver,
            |pod| pod.name == "ours",
        )
        .into_iter()
        .map(|culprit| (culprit.pod.name, culprit.distance))
        .collect()
    }

    #[test]
    fn the_likeliest_comes_first() {
        let pods = [
            pod("exporter", "/", false),
            pod("installer", &format!("{PLUGINS}/"), false),
            pod("near", "/usr/libexec/kubernetes", false),
            pod("own", &format!("{PLUGINS}/a.io~b"), false),
        ];
        let expected = [
            ("own", Distance::Driver),
            ("installer", Distance::Plugins),
            ("near", Distance::Above(3)),
            ("exporter", Distance::Above(6)),
        ];
        assert_eq!(
            found(&pods),
            expected.map(|(name, distance)| (name.to_owned(), distance))
        );
    }

    #[test]
    fn who_cannot_have_done_it_is_left_out() {
        let pods = [
            pod("reader", PLUGINS, true),
            pod("ours", PLUGINS, false),
            pod("other-driver", &format!("{PLUGINS}/a.io~c"), false),
            pod(
                "elsewhere",
                "/usr/libexec/kubernetes/kubelet-plugins/volume/exec2",
                false,
            ),
            "{".to_owned(),
            "{}".to_owned(),
            json!({"metadata": {"name": "bare"}, "spec": {"volumes": null, "containers": null}})
                .to_string(),
        ];
        assert_eq!(found(&pods), []);
    }

    #[test]
    fn a_culprit_is_named() {
        let pods = [pod("installer", PLUGINS, false)];
        let driver = "a.io/b".parse().unwrap();
        let found = culprits(
            pods.iter().map(String::as_str),
            Path::new(PLUGINS),
            &driver,
            |_| false,
        );
        assert_eq!(
            found[0].to_string(),
            format!("pod ns/installer of DaemonSet/agent, which can write {PLUGINS}")
        );
    }
}
