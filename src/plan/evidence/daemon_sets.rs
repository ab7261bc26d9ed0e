use serde::Deserialize;

use crate::objects::metadata::Metadata;
use crate::objects::pod::PodSpec;

/// DaemonSets that put FlexVolume drivers on nodes.
#[derive(Debug, Default)]
pub struct Installers(Vec<(String, Option<String>)>);

/// A DaemonSet.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DaemonSet {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    spec: PodSpec,
}

const NAME: &str = "app.kubernetes.io/name";

impl Installers {
    /// Takes note of a DaemonSet.
    pub fn add(&mut self, set: &DaemonSet) {
        if set
            .metadata
            .labels
            .get(NAME)
            .is_some_and(|name| name == "flex2csi")
        {
            return;
        }
        for path in set.spec.template.spec.host_paths() {
            if let Some(driver) = installed_in(path) {
                let name = format!("{}/{}", set.metadata.namespace, set.metadata.name);
                self.0.push((name, driver));
                return;
            }
        }
    }

    /// Those that may install a FlexVolume driver, as `vendor/driver`.
    pub fn of(&self, driver: &str) -> Vec<String> {
        let same = |installed: &Option<String>| match installed {
            Some(installed) => installed.eq_ignore_ascii_case(driver),
            None => true,
        };
        let found = self.0.iter().filter(|(_, installed)| same(installed));
        found.map(|(name, _)| name.clone()).collect()
    }
}

/// Whether a host's directory is where kubelet looks for FlexVolume drivers, and
/// if it is one driver's alone, whose. The directory is kubelet's
/// `--volume-plugin-dir`: distributions differ in all but these words.
#[expect(
    clippy::option_option,
    reason = "no directory of drivers, of all, of one"
)]
fn installed_in(path: &str) -> Option<Option<String>> {
    const PLACES: [&str; 5] = [
        "/volume/exec",
        "/volumeplugins",
        "/volume-plugins",
        "/flexvolume",
        "/flexvolumes",
    ];
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    let (before, last) = path.rsplit_once('/')?;
    let is_place = |path: &str| PLACES.iter().any(|place| path.ends_with(place));
    if is_place(&path) {
        return Some(None);
    }
    let driver = last.split_once('~')?;
    is_place(before).then(|| Some(format!("{}/{}", driver.0, driver.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_drivers_are_known() {
        let exec = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";
        assert_eq!(installed_in(exec), Some(None));
        assert_eq!(installed_in("/home/kubernetes/flexvolume/"), Some(None));
        assert_eq!(
            installed_in(&format!("{exec}/nodeagent~uds")),
            Some(Some("nodeagent/uds".to_owned()))
        );
        for other in ["/var/lib/kubelet", "/", "", "/var/lib/kubelet/plugins/a~b"] {
            assert_eq!(installed_in(other), None, "{other}");
        }
    }

    #[test]
    fn one_drivers_directory_is_no_matter_to_others() {
        let mut installers = Installers::default();
        let set = |path: &str| {
            let json = format!(
                r#"{{"metadata":{{"namespace":"n","name":"s"}},"spec":{{"template":{{"spec":{{"volumes":[{{"name":"v","hostPath":{{"path":"{path}"}}}}]}}}}}}}}"#
            );
            serde_json::from_str::<DaemonSet>(&json).unwrap()
        };
        installers.add(&set("/etc/kubernetes/volumeplugins/nodeagent~uds"));
        assert!(installers.of("ceph.rook.io/rook").is_empty());
        assert_eq!(installers.of("nodeagent/uds"), ["n/s"]);
        installers.add(&set("/etc/kubernetes/volumeplugins"));
        assert_eq!(installers.of("ceph.rook.io/rook"), ["n/s"]);
    }
}
