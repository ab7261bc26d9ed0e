//! What the daemons' tokens can be used for.

mod tier_2 {
    use flex2csi_testing::dry_run::accepted;
    use http::{Method, Request};
    use kube::Client;
    use serde_json::{Value, json};

    use crate::site::*;

    const ATTACHMENTS: &str = "/apis/storage.k8s.io/v1/volumeattachments";
    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/flex2csi-system/leases";
    const NODE_VOLUMES: &str = "/apis/flex2csi.io/v1alpha1/nodevolumes";

    async fn send(
        client: &Client,
        method: Method,
        path: &str,
        object: &Value,
    ) -> Result<Value, String> {
        let kind = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(object.to_string().into_bytes());
        let answer = client.request(request.unwrap()).await;
        answer.map_err(|error: kube::Error| error.to_string())
    }

    fn attachment(name: &str, node: &str) -> Value {
        let spec: Value = serde_json::from_str(&wanted(name).inline_volume_spec).unwrap();
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
            "metadata": { "name": name, "labels": { "app.kubernetes.io/managed-by": "flex2csi" } },
            "spec": { "attacher": DRIVER, "nodeName": node, "source": { "inlineVolumeSpec": spec } },
        })
    }

    fn lease(name: &str, node: &str) -> Value {
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": name, "labels": { "app.kubernetes.io/managed-by": "flex2csi" } },
            "spec": { "holderIdentity": node },
        })
    }

    fn is_denied(answer: Result<Value, String>, why: &str) {
        let message = answer.unwrap_err();
        assert!(message.contains(why), "{message}");
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn the_server_accepts_the_files() {
        let site = Site::shared().await;
        for file in [
            "crds/nodevolumes.yaml",
            "rbac/node-attach.yaml",
            "rbac/controller.yaml",
            "admission/node-writes.yaml",
        ] {
            assert_eq!(
                accepted(&site.cluster, deployed(file)).await,
                Ok(()),
                "{file}"
            );
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_node_attaches_and_detaches_only_there() {
        let site = Site::shared().await;
        let a = site.node("own-a").await;
        send(&a, Method::POST, ATTACHMENTS, &attachment("own-1", "own-a"))
            .await
            .unwrap();
        let other = attachment("own-2", "own-b");
        let only = "the node daemon of own-a attaches and detaches only there";
        is_denied(send(&a, Method::POST, ATTACHMENTS, &other).await, only);
        site.put(other).await;
        let path = format!("{ATTACHMENTS}/own-2");
        is_denied(send(&a, Method::DELETE, &path, &json!({})).await, only);

        let mut unmarked = attachment("own-3", "own-a");
        unmarked["metadata"]["labels"] = json!({});
        let label = "app.kubernetes.io/managed-by=flex2csi";
        is_denied(send(&a, Method::POST, ATTACHMENTS, &unmarked).await, label);
        let mut by_name = attachment("own-4", "own-a");
        by_name["spec"]["source"] = json!({ "persistentVolumeName": "pv" });
        is_denied(send(&a, Method::POST, ATTACHMENTS, &by_name).await, only);
        // What the attach/detach controller attached there is not its either.
        by_name["metadata"]["labels"] = json!({});
        site.put(by_name).await;
        let path = format!("{ATTACHMENTS}/own-4");
        is_denied(send(&a, Method::DELETE, &path, &json!({})).await, label);

        let path = format!("{ATTACHMENTS}/own-1");
        send(&a, Method::DELETE, &path, &json!({})).await.unwrap();
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_node_takes_only_free_leases_and_for_itself() {
        let site = Site::shared().await;
        let a = site.node("lease-a").await;
        let others = "takes Leases for no other node";
        is_denied(
            send(&a, Method::POST, LEASES, &lease("lease-1", "lease-b")).await,
            others,
        );
        let mut stored = send(&a, Method::POST, LEASES, &lease("lease-1", "lease-a"))
            .await
            .unwrap();
        stored["spec"]["holderIdentity"] = json!("lease-b");
        let path = format!("{LEASES}/lease-1");
        is_denied(send(&a, Method::PUT, &path, &stored).await, others);

        let mut held = lease("lease-2", "lease-b");
        held["metadata"]["namespace"] = json!(NAMESPACE);
        let mut stored = site.put(held.clone()).await;
        let path = format!("{LEASES}/lease-2");
        let let_go = "only what they have let go of";
        stored["spec"]["holderIdentity"] = json!("lease-a");
        is_denied(send(&a, Method::PUT, &path, &stored).await, let_go);
        is_denied(send(&a, Method::DELETE, &path, &json!({})).await, let_go);
        // Nor can it say so itself.
        stored["metadata"]["annotations"] = json!({ "flex2csi.io/released": "true" });
        is_denied(send(&a, Method::PUT, &path, &stored).await, let_go);
        held["metadata"]["annotations"] = json!({ "flex2csi.io/released": "true" });
        let mut stored = site.put(held).await;
        stored["spec"]["holderIdentity"] = json!("lease-a");
        send(&a, Method::PUT, &path, &stored).await.unwrap();

        // The one by which a controller leads is none of a node's.
        let mut leader = lease("flex2csi-controller", "lease-a");
        leader["metadata"]["labels"] = json!({});
        let label = "app.kubernetes.io/managed-by=flex2csi";
        is_denied(send(&a, Method::POST, LEASES, &leader).await, label);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_node_speaks_for_itself_alone() {
        let site = Site::shared().await;
        let a = site.node("speaks-a").await;
        let other = json!({
            "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
            "metadata": { "name": "speaks-b", "labels": { "app.kubernetes.io/managed-by": "flex2csi" } },
            "bootID": "b", "version": "1", "renewTime": "2026-01-01T00:00:00Z", "renewSeconds": 30,
            "counts": { "shim": 0, "detaching": 0, "original": 0 }, "shim": [], "original": [],
        });
        let only = "publishes only what is mounted there";
        is_denied(send(&a, Method::POST, NODE_VOLUMES, &other).await, only);
        site.put(other).await;
        let path = format!("{NODE_VOLUMES}/speaks-b");
        is_denied(
            send(&a, Method::PATCH, &path, &json!({ "bootID": "c" })).await,
            only,
        );
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_token_without_a_node_does_nothing() {
        let site = Site::shared().await;
        let loose = flex2csi_testing::account::client_of(&site.cluster, NAMESPACE, "flex2csi-node");
        let new = attachment("loose", "loose");
        let answer = send(&loose.unwrap(), Method::POST, ATTACHMENTS, &new).await;
        is_denied(answer, "has to be bound to its pod");
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn the_controller_detaches_only_what_flex2csi_attached() {
        let site = Site::shared().await;
        let controller = site.controller();
        let mut others = attachment("others", "others");
        others["metadata"]["labels"] = json!({});
        for object in [others, attachment("ours", "others")] {
            site.put(object).await;
        }
        let path = format!("{ATTACHMENTS}/others");
        let answer = send(&controller, Method::DELETE, &path, &json!({})).await;
        is_denied(
            answer,
            "the controller detaches only what a node daemon attached",
        );
        let path = format!("{ATTACHMENTS}/ours");
        send(&controller, Method::DELETE, &path, &json!({}))
            .await
            .unwrap();
        let answer = send(
            &controller,
            Method::POST,
            ATTACHMENTS,
            &attachment("new", "x"),
        )
        .await;
        is_denied(answer, "forbidden");
    }
}
