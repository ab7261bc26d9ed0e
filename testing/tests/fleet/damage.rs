//! What is done to a volume that must never be done to one is found out.

mod tier_2 {
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::{Expect, Fleet, Member, Size};
    use flex2csi_testing::{Cluster, Setup, api};
    use kube::Client;
    use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
    use serde_json::{Value, json};

    async fn merge(api: &Api<DynamicObject>, name: &str, patch: Value) {
        let parameters = PatchParams::default();
        let patch = Patch::Merge(patch);
        api.patch(name, &parameters, &patch).await.unwrap();
    }

    /// Deletes a volume, with the policy that it has.
    async fn delete(client: &Client, name: &str) {
        let volumes = api::volumes(client);
        let parameters = DeleteParams::default();
        volumes.delete(name, &parameters).await.unwrap();
        let strip = json!({ "metadata": { "finalizers": null } });
        merge(&volumes, name, strip).await;
    }

    async fn create(client: &Client, mut object: Value) {
        for member in ["uid", "resourceVersion", "creationTimestamp"] {
            object["metadata"].as_object_mut().unwrap().remove(member);
        }
        let volumes = api::volumes(client);
        let object = serde_json::from_value(object).unwrap();
        let parameters = PostParams::default();
        volumes.create(&parameters, &object).await.unwrap();
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn by_the_witness_and_by_the_check() {
        let setup = Setup::binding(ApiRate::FAST);
        let cluster = Cluster::start_with(&setup).await.unwrap();
        let client = cluster.client().unwrap();
        let fleet = Fleet::make(&cluster, &Size::pairs(60)).await.unwrap();
        let witness = fleet.watch(&cluster).await.unwrap();
        let with_policy = |policy: &str| {
            let members = fleet.members.values();
            let members = members.filter(|member| member.policy() == policy);
            members.collect::<Vec<&Member>>()
        };
        let (deletes, retains) = (with_policy("Delete"), with_policy("Retain"));

        // Deleted as it was, so that its backend would be asked to delete the data.
        delete(&client, &deletes[0].name).await;
        // Put back, but ready to be deleted before its claim is bound to it.
        let retain = json!({ "spec": { "persistentVolumeReclaimPolicy": "Retain" } });
        merge(&api::volumes(&client), &deletes[1].name, retain).await;
        delete(&client, &deletes[1].name).await;
        create(&client, deletes[1].volume.clone()).await;
        // Put back as something else.
        delete(&client, &retains[0].name).await;
        let mut other = retains[0].volume.clone();
        other["spec"]["capacity"]["storage"] = json!("2Gi");
        create(&client, other).await;
        // A second one for the same claim.
        let mut twin = retains[1].volume.clone();
        twin["metadata"]["name"] = json!("twin");
        create(&client, twin).await;
        // A second one for the same data.
        for name in ["copy-1", "copy-2"] {
            let mut copy = retains[3].translated.clone();
            copy["metadata"]["name"] = json!(name);
            copy["spec"].as_object_mut().unwrap().remove("claimRef");
            create(&client, copy).await;
        }
        // The claim deleted.
        let claims = api::claims_in(&client, retains[2].namespace());
        let parameters = DeleteParams::default();
        claims
            .delete(retains[2].claim_name(), &parameters)
            .await
            .unwrap();

        let seen = witness.so_far().await.unwrap_err().to_string();
        let found = fleet.check(&cluster, Expect::Either).await;
        let found = found.unwrap_err().to_string();
        for (name, finding) in [
            (
                deletes[0].name.as_str(),
                "deleted while its policy was Delete",
            ),
            (&deletes[0].name, "being deleted while its policy is Delete"),
            (&deletes[1].name, "policy Delete before it is bound"),
            (&retains[0].name, "in none of its forms"),
            ("twin", "a second volume for its claim"),
            (retains[2].claim_name(), "/metadata/deletionTimestamp"),
        ] {
            let mut lines = seen.lines();
            let said = lines.any(|line| line.contains(name) && line.contains(finding));
            assert!(said, "{name} {finding}: {seen}");
        }
        for (name, finding) in [
            (deletes[0].name.as_str(), "the volume is gone"),
            (&retains[0].name, "it is Other"),
            ("copy", "have one handle"),
            (&retains[2].name, "the claim"),
        ] {
            let mut lines = found.lines();
            let said = lines.any(|line| line.contains(name) && line.contains(finding));
            assert!(said, "{name} {finding}: {found}");
        }
    }
}
