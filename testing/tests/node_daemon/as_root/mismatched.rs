//! Calls that are not about what the cluster has.

mod tier_2 {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use crate::left;
    use crate::node::Node;

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn what_the_cluster_does_not_have_is_not_mounted() {
        let node = Node::start("differs").await;
        let volume = node.volume("a").await;
        let pod = node.pod("web", &volume).await;
        let options = pod.options(&volume);

        let mut of_another = volume.clone();
        of_another
            .options
            .insert("id".into(), "vol-of-another".into());
        let error = pod.mount(&of_another).unwrap_err();
        assert!(error.contains(&volume.name), "{error}");

        let mut unknown = volume.clone();
        unknown.name = "pv-unknown".into();
        let error = pod.mount(&unknown).unwrap_err();
        assert!(error.contains("pv-unknown"), "{error}");

        // A pod of the same name came after it.
        let mut replaced = pod.clone();
        replaced.uid = "11111111-2222-3333-4444-555555555555".into();
        let error = replaced.mount(&volume).unwrap_err();
        assert!(error.contains(&pod.name), "{error}");

        // A pod that has another claim, and one that says it is that pod.
        let stranger = node.pod("stranger", &unknown).await;
        let error = stranger.mount(&volume).unwrap_err();
        assert!(error.contains(&volume.name), "{error}");
        let mut says = options.clone();
        says.insert("kubernetes.io/pod.uid".into(), json!(stranger.uid));
        let error = pod.mount_with(&volume, &Value::Object(says).to_string());
        let error = error.unwrap_err();
        assert!(error.contains(&stranger.uid), "{error}");

        assert_eq!(left::mounts(&node.path("")), Vec::<PathBuf>::new());
        assert!(node.attachment(&volume).await.is_none());
        assert_eq!(node.recorded(), [0; 0]);
        pod.mount(&volume).unwrap();
        node.assert_nothing_denied("flex2csi-node");
    }
}
