//! A real API server takes all of it, with no field that it does not know.

mod tier_2 {
    use flex2csi_testing::Cluster;
    use flex2csi_testing::applied::applied;
    use flex2csi_testing::dry_run::accepted;
    use serde_json::Value;

    use crate::rendered::{kind, overlays, rendered};
    use crate::templates::pod_of;

    /// Whether the server takes objects, and the pods that they make: a namespace's
    /// Pod Security says of these alone whether they may be.
    async fn is_accepted(cluster: &Cluster, name: &str, objects: Vec<Value>) {
        let is_namespace = |object: &&Value| kind(object) == "Namespace";
        let namespaces = objects.iter().filter(is_namespace).cloned();
        applied(cluster, namespaces).await.unwrap();
        let pods: Vec<Value> = objects.iter().filter_map(pod_of).collect();
        let all = objects.into_iter().chain(pods);
        assert_eq!(accepted(cluster, all).await, Ok(()), "{name}");
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kubectl; testing/run prepares them"]
    async fn the_server_accepts_the_base_and_every_overlay() {
        let cluster = Cluster::start().await.unwrap();
        cluster.install_definitions().await.unwrap();
        is_accepted(&cluster, "base", rendered("base")).await;
        for overlay in overlays() {
            is_accepted(&cluster, &overlay, rendered(&format!("overlays/{overlay}"))).await;
        }
    }
}
