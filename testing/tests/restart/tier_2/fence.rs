//! `--fence`

use flex2csi_testing::rights;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;

use super::site::{Site, api};

/// Of what its driver does not attach nothing tells what kubelet has mounted.
const UNATTACHED: &str = "--without-node-evidence";

/// It is in force before anything is touched; a run that was killed leaves it, and the
/// next one takes it down.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn new_pods_are_turned_away_while_a_volume_is_rewritten() {
    let site = Site::new().await;
    for claim in ["a", "b"] {
        site.claim("shop", claim).await;
    }
    let pods = api(&site.client, "v1", "Pod", Some("shop"));
    let pod = |name: &str, claim: &str| {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": name},
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{"name": "c", "image": "i"}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
            },
        });
        serde_json::from_value(object).unwrap()
    };
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let args = ["rewrite", "--yes", "--fence", "--claim", "shop/a"];
    site.killed(&args, "mark.before").await;
    site.assert_all("shop", "legacy").await;

    let refused = pods
        .create(&dry_run, &pod("one", "a"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("the volume of claim a is being rewritten by flex2csi"),
        "{refused}"
    );
    let without = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "a"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    });
    let without = serde_json::from_value(without).unwrap();
    pods.create(&dry_run, &without).await.unwrap();
    pods.create(&dry_run, &pod("two", "b")).await.unwrap();
    let claims = api(&site.client, "v1", "PersistentVolumeClaim", Some("shop"));
    let delete = DeleteParams {
        dry_run: true,
        ..DeleteParams::default()
    };
    let refused = claims.delete("a", &delete).await.unwrap_err().to_string();
    assert!(refused.contains("claim a is being rewritten"), "{refused}");
    claims.delete("b", &delete).await.unwrap();

    let said = site.done(&["rewrite", "--yes", "--claim", "shop/a"]).await;
    assert!(
        said.contains("a fence that a run before has left is removed"),
        "{said}"
    );
    no_fence(&site).await;
    pods.create(&dry_run, &pod("one", "a")).await.unwrap();
    assert_eq!(site.forms("shop").await["shop-a"], "csi");
}

/// One that ends takes down what it has put up; one that was killed by hand, too.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn nothing_is_left_of_a_fence() {
    let site = Site::new().await;
    for (namespace, claim) in [("shop", "a"), ("shop", "b"), ("web", "c")] {
        site.claim(namespace, claim).await;
    }
    let said = site.done(&["rewrite", "--yes", "--all", "--fence"]).await;
    println!("{said}");
    for namespace in ["shop", "web"] {
        site.assert_all(namespace, "csi").await;
    }
    no_fence(&site).await;
    site.killed(
        &["rollback", "--yes", "-n", "shop", "--fence", UNATTACHED],
        "delete.after",
    )
    .await;
    let said = site.done(&["rewrite", "--remove-fence"]).await;
    assert!(said.contains("the fence is removed"), "{said}");
    no_fence(&site).await;
    // Two share it, and the last one takes it down.
    let back = |namespace| ["rollback", "--yes", "-n", namespace, "--fence", UNATTACHED];
    let (shop, web) = (back("shop"), back("web"));
    let (shop, web) = tokio::join!(site.run(&shop), site.run(&web));
    for (code, said) in [shop, web] {
        assert_eq!(code, Some(0), "{said}");
    }
    no_fence(&site).await;
    for namespace in ["shop", "web"] {
        site.assert_all(namespace, "legacy").await;
    }
    let again = site.done(&["rewrite", "--remove-fence"]).await;
    assert!(again.contains("there is no fence"), "{again}");
    rights::prove(&site.cluster, "restart::fence", &["get secrets"]).await;
}

async fn no_fence(site: &Site) {
    let group = "admissionregistration.k8s.io/v1";
    let all = ListParams::default();
    for (version, kind) in [
        (group, "ValidatingAdmissionPolicy"),
        (group, "ValidatingAdmissionPolicyBinding"),
        ("flex2csi.io/v1alpha1", "ClaimFence"),
    ] {
        let listed = api(&site.client, version, kind, None)
            .list(&all)
            .await
            .unwrap();
        let names = listed
            .items
            .into_iter()
            .filter_map(|item| item.metadata.name);
        let ours: Vec<String> = names.filter(|name| name.contains("flex2csi")).collect();
        assert!(ours.is_empty(), "{kind}: {ours:?}");
    }
}
