//! The daemons read the configurations, and find what is in them.

use flex2csi::config::Loaded;
use serde_json::Value;

use crate::rendered::kind;

/// The configuration that the node daemons of an overlay have, read as they read it.
pub fn configuration(objects: &[Value]) -> Option<Loaded> {
    let is_theirs = |object: &&Value| object["metadata"]["name"] == "flex2csi";
    let mut maps = objects.iter().filter(|object| kind(object) == "ConfigMap");
    maps.find(is_theirs).map(read)
}

/// What a daemon reads that has this ConfigMap.
pub fn read(map: &Value) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in map["data"].as_object().unwrap() {
        let text = text.as_str().unwrap();
        // Where the daemons' containers have the ConfigMap.
        let here = text.replace("/etc/flex2csi", directory.path().to_str().unwrap());
        std::fs::write(directory.path().join(name), here).unwrap();
    }
    let file = directory.path().join("config.yaml");
    Loaded::read(&file).unwrap()
}

mod tier_2 {
    use serde_json::Value;

    use super::{configuration, read};
    use crate::rendered::{kind, overlays, rendered, title};
    use crate::templates::{containers, host_path, pod_of};

    /// The node daemon's pod and container.
    fn node_daemon(objects: &[Value]) -> (Value, Value) {
        let daemon = objects
            .iter()
            .find(|object| title(object) == "DaemonSet flex2csi-node");
        let pod = pod_of(daemon.unwrap()).unwrap();
        let container = containers(&pod).next().unwrap().clone();
        (pod, container)
    }

    #[test]
    #[ignore = "tier 2: needs kubectl; testing/run prepares it"]
    fn configurations_are_read_and_their_paths_are_those_of_the_host() {
        let mut configured = 0;
        for overlay in overlays() {
            let objects = rendered(&format!("overlays/{overlay}"));
            let Some(loaded) = configuration(&objects) else {
                let daemons = objects.iter().any(|object| kind(object) == "DaemonSet");
                assert!(!daemons, "{overlay} has daemons and no configuration");
                continue;
            };
            configured += 1;
            // The controller's own, where it has one.
            let own = objects.iter().filter(|object| {
                object["data"].get("config.yaml").is_some()
                    && object["metadata"]["name"] != "flex2csi"
            });
            for map in own {
                assert_eq!(title(map), "ConfigMap flex2csi-controller");
                assert!(!read(map).config.backends.is_empty());
            }
            let config = loaded.config;
            let (pod, container) = node_daemon(&objects);
            let mounts = container["volumeMounts"].as_array().unwrap();
            let at = |mount: &&Value| mount["mountPath"] == "/etc/flex2csi";
            assert_eq!(mounts.iter().find(at).unwrap()["name"], "config");
            let mut paths = vec![
                config.kubelet.root.clone(),
                config.kubelet.plugin_directory,
                config.kubelet.registry,
                config.state,
            ];
            paths.extend(config.flex_volume.map(|flex_volume| flex_volume.socket));
            for path in paths {
                let path = path.to_str().unwrap();
                let host = host_path(&pod, &container, path);
                let host = host.unwrap_or_else(|| panic!("{overlay}: {path} is not the host's"));
                assert!(
                    path.starts_with(host),
                    "{overlay}: {path} is {host} on the host"
                );
            }
            let port = config.operations.unwrap().to_string();
            let metrics = container["ports"][0]["containerPort"].to_string();
            assert!(port.ends_with(&format!(":{metrics}")), "{overlay}: {port}");
            // kubelet asks from outside of the pod.
            assert!(!port.starts_with("127."), "{overlay}: {port}");
        }
        assert!(configured > 0);
    }
}
