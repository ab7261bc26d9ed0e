//! Rights that are missing.

use flex2csi_testing::deployed::deployed;
use flex2csi_testing::fleet::Expect;
use serde_json::json;

use super::{check, ended, replace, site, until};

const ROLE: &str = "rbac/rewrite.yaml";

#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
async fn a_right_that_is_missing_is_told_before_anything_is_touched() {
    let site = site(6).await;
    site.cluster.install_definitions().await.unwrap();
    let witness = site.fleet.watch(&site.cluster).await.unwrap();
    let [role] = deployed(ROLE)
        .try_into()
        .unwrap_or_else(|_| panic!("one role"));
    let mut lacking = role.clone();
    for rule in lacking["rules"].as_array_mut().unwrap() {
        if rule["resources"] == json!(["persistentvolumeclaims"]) {
            rule["verbs"] = json!(["get", "watch"]);
        }
    }
    assert_ne!(lacking, role);
    replace(&site.cluster, &lacking).await;
    let says = ["patch persistentvolumeclaims", "deploy/rbac/rewrite.yaml"];
    let refused = until(&site, "rewrite", |ended| ended.stderr.contains(says[0])).await;
    ended(&refused, 2, &says);
    check(&site, Expect::Originals).await;
    assert_eq!(witness.so_far().await.unwrap().replaced, 0);
    replace(&site.cluster, &role).await;
    until(&site, "rewrite", |ended| ended.code == Some(0)).await;
    check(&site, Expect::Translated).await;
    witness.so_far().await.unwrap();
}
