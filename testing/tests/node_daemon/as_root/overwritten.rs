//! A legacy installer that puts its driver over ours.

mod tier_2 {
    use std::os::unix::fs::PermissionsExt as _;

    use flex2csi_testing::rights;
    use serde_json::json;

    use crate::cluster::DRIVER;
    use crate::deployed::eventually;
    use crate::node::Node;

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn who_may_have_overwritten_the_exec_binary_is_named() {
        let node = Node::start("overwrites").await;
        let plugins = &node.kubelet.plugins;
        node.put(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "namespace": "default", "name": "installer" },
            "spec": {
                "nodeName": node.name,
                "containers": [{
                    "name": "c", "image": "i",
                    "volumeMounts": [{ "name": "plugins", "mountPath": "/flexmnt" }],
                }],
                "volumes": [{ "name": "plugins", "hostPath": { "path": plugins } }],
            },
        }))
        .await;
        // As installers do: under another name first.
        let executable = node.kubelet.executable(DRIVER);
        let ours = std::fs::read(&executable).unwrap();
        let partial = executable.with_file_name(".partial");
        std::fs::write(&partial, "#!/bin/sh\necho '{\"status\": \"Success\"}'\n").unwrap();
        std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&partial, &executable).unwrap();
        eventually("it is taken back", async || {
            std::fs::read(&executable).is_ok_and(|now| now == ours)
        })
        .await;
        eventually("its pod is named", async || {
            node.log()
                .contains("it may have been pod default/installer")
        })
        .await;
        // Whether the policy is in force is asked with one of another node.
        let asked = ["create volumeattachments.storage.k8s.io"];
        rights::prove(&node.cluster, "node_daemon::overwritten", &asked).await;
    }
}
