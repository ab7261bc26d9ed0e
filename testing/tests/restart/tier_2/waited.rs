//! `--wait-idle`

use flex2csi_testing::rights;
use kube::api::DeleteParams;

use super::site::{Site, api, comes, ended};

/// Volumes are rewritten as their pods go, and not before.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn volumes_are_rewritten_as_their_pods_go() {
    let site = Site::new().await;
    for claim in ["a", "b"] {
        let volume = site.claim("shop", claim).await;
        site.pod("shop", claim, claim).await;
        site.is_mounted(&volume).await;
    }
    let pods = api(&site.client, "v1", "Pod", Some("shop"));
    let run = site
        .command(&["rewrite", "--yes", "-n", "shop", "--wait-idle"], "")
        .spawn()
        .unwrap();
    let force = DeleteParams::default().grace_period(0);
    pods.delete("a", &force).await.unwrap();
    comes("the first is rewritten", async || {
        site.forms("shop").await.get("shop-a") == Some(&"csi")
    })
    .await;
    assert_eq!(site.forms("shop").await["shop-b"], "legacy");
    pods.delete("b", &force).await.unwrap();
    let (code, said) = ended(&run.wait_with_output().await.unwrap());
    println!("{said}");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("waiting for 1 volume in use: PersistentVolume shop-b: pod shop/b"),
        "{said}"
    );
    site.assert_all("shop", "csi").await;
    site.kubelet.assert_undisturbed();
    rights::prove(&site.cluster, "restart::waited", &["get secrets"]).await;
}

/// It ends when its time is over, and says what is left.
#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
async fn waiting_comes_to_an_end() {
    let site = Site::new().await;
    let volume = site.claim("shop", "a").await;
    site.pod("shop", "a", "a").await;
    site.is_mounted(&volume).await;
    let (code, said) = site
        .run(&["rewrite", "--yes", "-n", "shop", "--wait-idle=2s"])
        .await;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("the time to wait is over; 1 volumes are in use still"),
        "{said}"
    );
    assert!(said.contains("1 left as they are"), "{said}");
    site.assert_all("shop", "legacy").await;
}
