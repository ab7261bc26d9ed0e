//! What the pods of flex2csi may do on a node, and no more.

mod tier_2 {
    use serde_json::{Value, json};

    use crate::rendered::{rendered, title};
    use crate::templates::{containers, pod_of};

    #[test]
    #[ignore = "tier 2: needs kubectl; testing/run prepares it"]
    fn only_the_node_daemon_sees_the_host_and_it_is_not_privileged() {
        let objects = rendered("base");
        let pods: Vec<Value> = objects.iter().filter_map(pod_of).collect();
        assert_eq!(pods.len(), 2);
        for pod in &pods {
            let is_node = title(pod) == "Pod flex2csi-node";
            let volumes = pod["spec"]["volumes"].as_array().unwrap();
            let of_host = volumes
                .iter()
                .any(|volume| volume.get("hostPath").is_some());
            assert_eq!(of_host, is_node);
            for host in ["hostNetwork", "hostPID", "hostIPC"] {
                assert_eq!(pod["spec"].get(host), None);
            }
            for container in containers(pod) {
                let context = &container["securityContext"];
                assert_eq!(context.get("privileged"), None);
                assert_eq!(context["allowPrivilegeEscalation"], false);
                assert_eq!(context["readOnlyRootFilesystem"], true);
                assert_eq!(context["capabilities"]["drop"], json!(["ALL"]));
                assert_eq!(context["capabilities"].get("add").is_some(), is_node);
                assert!(container["resources"]["limits"].get("memory").is_some());
            }
        }
    }
}
