//! The pods that objects of `deploy/` make.

use serde_json::{Value, json};

use crate::rendered::{kind, title};

/// The pod of a workload, as its controller would create it; none of another object.
pub fn pod_of(object: &Value) -> Option<Value> {
    if !["DaemonSet", "Deployment", "Job"].contains(&kind(object)) {
        return None;
    }
    let template = &object["spec"]["template"];
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": template["metadata"], "spec": template["spec"],
    });
    pod["metadata"]["name"] = object["metadata"]["name"].clone();
    pod["metadata"]["namespace"] = object["metadata"]["namespace"].clone();
    Some(pod)
}

/// Every container of a pod, those that come first included.
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let of = |list: &str| pod["spec"][list].as_array().into_iter().flatten();
    of("initContainers").chain(of("containers"))
}

/// The host's directory that a container sees at a path, with the path below it left out.
pub fn host_path<'a>(pod: &'a Value, container: &Value, path: &str) -> Option<&'a str> {
    let mounts = container["volumeMounts"].as_array()?;
    let mount = mounts
        .iter()
        .filter(|mount| {
            let at = mount["mountPath"].as_str().unwrap();
            path == at
                || path
                    .strip_prefix(at)
                    .is_some_and(|rest| rest.starts_with('/'))
        })
        .max_by_key(|mount| mount["mountPath"].as_str().unwrap().len())?;
    let volumes = pod["spec"]["volumes"].as_array()?;
    let volume = volumes
        .iter()
        .find(|volume| volume["name"] == mount["name"])
        .unwrap_or_else(|| panic!("{} has no volume {}", title(pod), mount["name"]));
    volume["hostPath"]["path"].as_str()
}
