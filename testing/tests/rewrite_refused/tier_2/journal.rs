//! A journal that is not this version's.

use flex2csi_testing::api;
use flex2csi_testing::deployed::deployed;
use flex2csi_testing::fleet::Expect;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{check, ended, put, site, until};

const JOURNAL: &str = "crds/volumemigrations.yaml";

#[tokio::test]
#[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
async fn a_journal_of_another_version_stops_it_before_anything_is_touched() {
    let site = site(6).await;
    let [journal] = deployed(JOURNAL)
        .try_into()
        .unwrap_or_else(|_| panic!("one kind"));
    let mut other = journal.clone();
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let schema = other.pointer_mut(spec).unwrap();
    schema["properties"]
        .as_object_mut()
        .unwrap()
        .remove("restore");
    schema["required"]
        .as_array_mut()
        .unwrap()
        .retain(|name| name != "restore");
    put(&site.cluster, &[other]).await;
    let witness = site.fleet.watch(&site.cluster).await.unwrap();
    let says = ["unknown field \"spec.restore\"", JOURNAL];
    // Before it is served, it is as if there were none.
    let refused = until(&site, "rewrite", |ended| ended.code == Some(1)).await;
    ended(&refused, 1, &says);
    check(&site, Expect::Originals).await;
    assert_eq!(witness.so_far().await.unwrap().replaced, 0);
    let definitions = api::of(&site.cluster.client().unwrap(), &journal);
    let name = journal["metadata"]["name"].as_str().unwrap();
    let patch = Patch::Merge(json!({"spec": journal["spec"]}));
    let parameters = PatchParams::default();
    definitions.patch(name, &parameters, &patch).await.unwrap();
    until(&site, "rewrite", |ended| ended.code == Some(0)).await;
    check(&site, Expect::Translated).await;
}
