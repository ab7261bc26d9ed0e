//! kubelet, as on any node, but for what a container of root lacks.

use std::net::Ipv4Addr;
use std::path::Path;

use serde_json::json;

use crate::kubeconfig;
use crate::users::User;
use crate::{Cluster, StartError, programs};

use super::containerd::{SOCKET, STATE, write};
use super::machine::{Machine, Program};

/// Starts kubelet on a machine.
pub(super) fn start(
    machine: &Machine,
    cluster: &Cluster,
    node: &str,
    address: Ipv4Addr,
    state: &Path,
) -> Result<Program, StartError> {
    let certificate = state.join("apiserver.crt");
    std::fs::copy(&cluster.apiserver.certificate, &certificate).map_err(|source| {
        StartError::File {
            path: certificate.clone(),
            source,
        }
    })?;
    let kubeconfig = kubeconfig::text(
        &cluster.apiserver.url,
        Some(Path::new(&format!("{STATE}/apiserver.crt"))),
        &User::kubelet(node).token(),
    );
    write(&state.join("kubeconfig"), &kubeconfig)?;
    write(&state.join("kubelet.json"), &configuration())?;
    let arguments = [
        format!("--config={STATE}/kubelet.json"),
        format!("--kubeconfig={STATE}/kubeconfig"),
        format!("--hostname-override={node}"),
        format!("--node-ip={address}"),
    ];
    machine.start_program("kubelet", &programs::built("kubelet")?, arguments)
}

fn configuration() -> String {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        // Nobody but the API server of the test reaches it.
        "authentication": { "anonymous": { "enabled": true }, "webhook": { "enabled": false } },
        "authorization": { "mode": "AlwaysAllow" },
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        // All kubelets share the machine's cgroups, so none may order them.
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        // What is left of a disk is not the test's concern.
        "evictionHard": { "memory.available": "1Mi" },
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": false,
    })
    .to_string()
}
