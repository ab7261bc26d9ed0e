//! What the controller releases, as its service account.

mod tier_2 {
    use std::time::Duration;

    use flex2csi::release::{self, Releases};
    use flex2csi_testing::rights;
    use k8s_openapi::api::coordination::v1::Lease;
    use k8s_openapi::api::core::v1::Node;
    use k8s_openapi::jiff::Timestamp;
    use kube::api::{Api, DeleteParams, Patch, PatchParams};
    use serde_json::{Value, json};
    use tokio_util::sync::CancellationToken;

    use crate::site::*;

    fn releases(site: &Site, node_gone: Duration) -> Releases {
        let mut settings = release::Settings::new(NAMESPACE, "controller-0");
        settings.node_gone = node_gone;
        Releases::new(site.controller(), settings)
    }

    async fn says(site: &Site, node: &str, shim: Value) {
        site.put(json!({
            "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
            "metadata": { "name": node },
            "bootID": BOOT, "version": "0.1.0", "renewTime": Timestamp::now(), "renewSeconds": 30,
            "counts": { "shim": 0, "detaching": 0, "original": 0 },
            "shim": shim, "original": [],
        }))
        .await;
    }

    fn entry(handle: &str, state: &str) -> Value {
        json!([{ "driver": DRIVER, "handle": handle, "state": state }])
    }

    async fn is_kept(site: &Site, handle: &str, node: &str) -> bool {
        let found = site.attachment(handle, node).await;
        found.is_some_and(|found| !found.is_being_deleted)
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn what_may_go_goes_and_nothing_else() {
        let site = Site::own().await;
        let nodes: Api<Node> = Api::all(site.admin.clone());
        for (handle, node) in [
            ("let-go", "lets-go"),
            ("in-use", "uses"),
            ("gone", "gone"),
            ("down", "down"),
            ("silent", "silent"),
            ("swapped", "swapped"),
            ("taken", "taken"),
        ] {
            site.attached(handle, node).await;
        }
        says(&site, "lets-go", entry("let-go", "Detaching")).await;
        says(&site, "uses", entry("in-use", "Mounted")).await;
        nodes
            .delete("gone", &DeleteParams::default())
            .await
            .unwrap();
        let taint = json!({ "spec": { "taints": [
            { "key": "node.kubernetes.io/out-of-service", "value": "x", "effect": "NoExecute" },
        ] } });
        let merge = PatchParams::default();
        nodes
            .patch("down", &merge, &Patch::Merge(taint))
            .await
            .unwrap();
        for node in ["swapped", "taken"] {
            says(&site, node, json!([])).await;
            site.put(csi_volume(&format!("pv-{node}"), node)).await;
        }
        let name = format!("kubernetes.io/csi/{DRIVER}^taken");
        let status =
            json!({ "status": { "volumesAttached": [{ "name": name, "devicePath": "" }] } });
        nodes
            .patch_status("taken", &merge, &Patch::Merge(status))
            .await
            .unwrap();

        let mut releases = releases(&site, Duration::ZERO);
        eventually("the rights count", async || {
            releases.look().await.failed == 0
        })
        .await;
        site.while_driven(async {
            for _ in 0..4 {
                assert_eq!(releases.look().await.failed, 0);
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        })
        .await;
        for (handle, node, kept) in [
            ("let-go", "lets-go", false),
            ("in-use", "uses", true),
            ("gone", "gone", false),
            ("down", "down", false),
            ("silent", "silent", true),
            ("swapped", "swapped", false),
            ("taken", "taken", true),
        ] {
            assert_eq!(is_kept(&site, handle, node).await, kept, "{handle}");
            assert_eq!(site.lease_holder(handle).await.is_some(), kept, "{handle}");
        }
        // Another node gets what a dead one had.
        site.attached("gone", "next").await;
        rights::prove(&site.cluster, "node_attachments::releasing", &[]).await;
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_gone_node_is_waited_for() {
        let site = Site::own().await;
        site.attached("gone", "gone").await;
        let nodes: Api<Node> = Api::all(site.admin.clone());
        nodes
            .delete("gone", &DeleteParams::default())
            .await
            .unwrap();
        let mut releases = releases(&site, release::Settings::NODE_GONE);
        eventually("the rights count", async || {
            releases.look().await.failed == 0
        })
        .await;
        assert_eq!(releases.look().await.kept, 1);
        assert!(is_kept(&site, "gone", "gone").await);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn of_two_controllers_one_leads_and_the_other_goes_on() {
        let site = Site::own().await;
        let leases: Api<Lease> = Api::namespaced(site.admin.clone(), NAMESPACE);
        let leader = async || {
            let found = leases.get_opt(release::leader::LEASE).await.unwrap();
            found
                .and_then(|lease| lease.spec?.holder_identity)
                .unwrap_or_default()
        };
        let run = |name: &str| {
            let mut settings = release::Settings::new(NAMESPACE, name);
            settings.every = Duration::from_millis(200);
            let shutdown = CancellationToken::new();
            let running = release::run(site.controller(), settings, shutdown.clone());
            (tokio::spawn(running), shutdown)
        };
        let (first, first_ends) = run("controller-a");
        eventually("it leads", async || leader().await == "controller-a").await;
        let (second, second_ends) = run("controller-b");

        site.attached("one", "n").await;
        says(&site, "n", entry("one", "Detaching")).await;
        site.while_driven(eventually("it is released", async || {
            site.lease_holder("one").await.is_none()
        }))
        .await;
        assert_eq!(leader().await, "controller-a");

        first_ends.cancel();
        first.await.unwrap();
        eventually("the other one leads", async || {
            leader().await == "controller-b"
        })
        .await;
        site.attached("two", "n").await;
        says(&site, "n", entry("two", "Detaching")).await;
        site.while_driven(eventually("it is released", async || {
            site.lease_holder("two").await.is_none()
        }))
        .await;
        second_ends.cancel();
        second.await.unwrap();
    }
}
