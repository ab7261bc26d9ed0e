//! Rights that are missing.

use flex2csi_testing::deployed::deployed;
use flex2csi_testing::fleet::Expect;
use serde_json::json;

use super::{check, ended, replace, site, until};

const ROLE: &str = "rbac/rewrite.yaml";

#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
async fn a_right_that_is_missing_half_way_loses_nothing() {
    let site = site(12).await;
    site.cluster.install_definitions().await.unwrap();
    let witness = site.fleet.watch_with_journal(&site.cluster).await.unwrap();
    let [role] = deployed(ROLE)
        .try_into()
        .unwrap_or_else(|_| panic!("one role"));
    // Claims may be read, and not be poked: the new volume is there by then.
    let mut lacking = role.clone();
    for rule in lacking["rules"].as_array_mut().unwrap() {
        if rule["resources"] == json!(["persistentvolumeclaims"]) {
            rule["verbs"] = json!(["get", "watch"]);
        }
    }
    assert_ne!(lacking, role);
    replace(&site.cluster, &lacking).await;
    let says = ["patch PersistentVolumeClaim", "deploy/rbac/rewrite.yaml"];
    let refused = until(&site, "rewrite", |ended| ended.stderr.contains(says[0])).await;
    ended(&refused, 1, &says);
    witness.so_far().await.unwrap();
    replace(&site.cluster, &role).await;
    until(&site, "rewrite", |ended| ended.code == Some(0)).await;
    check(&site, Expect::Translated).await;
    witness.so_far().await.unwrap();
}
