//! Pods as tests write them.

use serde_json::{Value, json};

use super::images::WORKLOAD;

/// A pod of one container, not yet in any cluster.
#[derive(Debug, Clone)]
pub struct Pod {
    object: Value,
}

impl Pod {
    /// A pod that sleeps, on whatever node the scheduler finds.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let container = json!({
            "name": "main",
            "image": WORKLOAD,
            "imagePullPolicy": "Never",
            "volumeMounts": [],
        });
        Self {
            object: json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "name": name, "labels": { "app": name } },
                "spec": {
                    "containers": [container],
                    "volumes": [],
                    "restartPolicy": "Never",
                    // A shell as the first process hears no SIGTERM.
                    "terminationGracePeriodSeconds": 1,
                },
            }),
        }
    }

    /// On this node, by the scheduler.
    #[must_use]
    pub fn on(self, node: &str) -> Self {
        self.edit(|pod| pod["spec"]["nodeSelector"] = json!({ "kubernetes.io/hostname": node }))
    }

    /// Runs a shell script; the pod has ended with it.
    #[must_use]
    pub fn runs(self, script: &str) -> Self {
        self.edit(|pod| pod["spec"]["containers"][0]["command"] = json!(["sh", "-c", script]))
    }

    /// Has a claim's volume at a path. Mounts of one claim share it.
    #[must_use]
    pub fn claim(self, claim: &str, path: &str) -> Self {
        let source = json!({ "persistentVolumeClaim": { "claimName": claim } });
        self.volume(claim, source, json!({ "mountPath": path }))
    }

    /// Has a volume of this source, mounted as `mount` says: `mountPath`, `subPath`,
    /// `readOnly` and so on. A volume that it has already is mounted once more.
    #[must_use]
    pub fn volume(self, name: &str, source: Value, mut mount: Value) -> Self {
        self.edit(|pod| {
            let mut volume = source;
            volume["name"] = json!(name);
            mount["name"] = json!(name);
            let mounts = &mut pod["spec"]["containers"][0]["volumeMounts"];
            push(mounts, mount);
            let volumes = &mut pod["spec"]["volumes"];
            let has = |volumes: &Value| {
                let volumes = volumes.as_array().into_iter().flatten();
                volumes.into_iter().any(|volume| volume["name"] == name)
            };
            if !has(volumes) {
                push(volumes, volume);
            }
        })
    }

    /// Belongs to this group, which kubelet or the driver gives the volumes' files to.
    #[must_use]
    pub fn fs_group(self, group: u32) -> Self {
        self.edit(|pod| pod["spec"]["securityContext"] = json!({ "fsGroup": group }))
    }

    /// Changes the object in whatever way.
    #[must_use]
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.object);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// The object, as it is sent to the API server.
    #[must_use]
    pub fn object(&self) -> &Value {
        &self.object
    }
}

fn push(list: &mut Value, item: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Pod;

    #[test]
    fn two_mounts_of_a_claim_are_of_one_volume() {
        let pod = Pod::new("a").claim("data", "/one").claim("data", "/two");
        let spec = &pod.object()["spec"];
        let mounts = json!([
            { "name": "data", "mountPath": "/one" },
            { "name": "data", "mountPath": "/two" },
        ]);
        assert_eq!(spec["containers"][0]["volumeMounts"], mounts);
        assert_eq!(spec["volumes"].as_array().unwrap().len(), 1);
    }
}
