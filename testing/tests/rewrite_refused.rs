//! A real API server that does not let the rewriter, or not all the way.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use std::time::Duration;

    use flex2csi_testing::applied::applied;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::deployed::deployed;
    use flex2csi_testing::fleet::Expect;
    use flex2csi_testing::rewriter::Rewriter;
    use flex2csi_testing::tool::Ended;
    use flex2csi_testing::{Cluster, api};
    use k8s_openapi::api::core::v1::PersistentVolumeClaim;
    use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
    use serde_json::{Value, json};

    const JOURNAL: &str = "crds/volumemigrations.yaml";
    const ROLE: &str = "rbac/rewrite.yaml";

    async fn site(pairs: usize) -> Rewriter {
        Rewriter::start(ApiRate::FAST, pairs).await.unwrap()
    }

    async fn run(site: &Rewriter, verb: &str) -> Ended {
        let tool = site.tool(verb, None).unwrap();
        let all = ["--all", "--yes", "--without-node-evidence"];
        tool.arguments(all).run().await.unwrap()
    }

    #[track_caller]
    fn ended(ended: &Ended, code: i32, says: &[&str]) {
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, Some(code), "{said}");
        for text in says {
            assert!(said.contains(text), "{text:?} is not in {said}");
        }
    }

    /// Puts an object there as it is to be, whatever it was.
    async fn replace(cluster: &Cluster, object: &Value) {
        let objects = api::of(&cluster.client().unwrap(), object);
        let name = object["metadata"]["name"].as_str().unwrap();
        let mut object = object.clone();
        let there = objects.get(name).await.unwrap();
        object["metadata"]["resourceVersion"] = there.metadata.resource_version.into();
        let object = serde_json::from_value(object).unwrap();
        let parameters = PostParams::default();
        objects.replace(name, &parameters, &object).await.unwrap();
    }

    /// Tries again, for as long as a server needs to take note of what was changed.
    async fn until(site: &Rewriter, verb: &str, is: impl Fn(&Ended) -> bool) -> Ended {
        for _ in 0..60 {
            let ended = run(site, verb).await;
            if is(&ended) {
                return ended;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("{verb} never ends so");
    }

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
        site.fleet
            .check(&site.cluster, Expect::Originals)
            .await
            .unwrap();
        assert_eq!(witness.so_far().await.unwrap().replaced, 0);
        replace(&site.cluster, &role).await;
        until(&site, "rewrite", |ended| ended.code == Some(0)).await;
        site.fleet
            .check(&site.cluster, Expect::Translated)
            .await
            .unwrap();
    }

    /// A policy of the cluster's, which no right tells of: claims are not poked. The new
    /// volume is there by then.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
    async fn a_policy_that_is_found_half_way_loses_nothing() {
        let site = site(12).await;
        site.cluster.install_definitions().await.unwrap();
        let witness = site.fleet.watch_with_journal(&site.cluster).await.unwrap();
        let of_policy = |kind: &str, spec: Value| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
                "metadata": {"name": "no-pokes"}, "spec": spec,
            })
        };
        let policy = of_policy(
            "ValidatingAdmissionPolicy",
            json!({
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"],
                    "resources": ["persistentvolumeclaims"],
                }]},
                "validations": [{
                    "expression": "!has(object.metadata.annotations) || \
                                   !('flex2csi.io/volume-uid' in object.metadata.annotations)",
                    "message": "claims are left alone", "reason": "Forbidden",
                }],
            }),
        );
        let binding = of_policy(
            "ValidatingAdmissionPolicyBinding",
            json!({"policyName": "no-pokes", "validationActions": ["Deny"]}),
        );
        applied(&site.cluster, [policy, binding.clone()])
            .await
            .unwrap();
        until_in_force(&site.cluster).await;
        let says = [
            "patch PersistentVolumeClaim",
            "claims are left alone",
            "deploy/rbac/rewrite.yaml",
        ];
        ended(&run(&site, "rewrite").await, 1, &says);
        witness.so_far().await.unwrap();
        let bindings = api::of(&site.cluster.client().unwrap(), &binding);
        bindings
            .delete("no-pokes", &DeleteParams::default())
            .await
            .unwrap();
        until(&site, "rewrite", |ended| ended.code == Some(0)).await;
        site.fleet
            .check(&site.cluster, Expect::Translated)
            .await
            .unwrap();
        witness.so_far().await.unwrap();
    }

    /// Waits until the API server knows of the policy.
    async fn until_in_force(cluster: &Cluster) {
        let claims = Api::<PersistentVolumeClaim>::all(cluster.client().unwrap());
        let claims = claims.list(&ListParams::default()).await.unwrap();
        let metadata = &claims.items[0].metadata;
        let (namespace, name) = (metadata.namespace.clone(), metadata.name.clone());
        let of_namespace = Api::<PersistentVolumeClaim>::namespaced(
            cluster.client().unwrap(),
            &namespace.unwrap(),
        );
        let poke = json!({"metadata": {"annotations": {"flex2csi.io/volume-uid": "probe"}}});
        let parameters = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        let name = name.unwrap();
        for _ in 0..240 {
            let poked = of_namespace.patch(&name, &parameters, &Patch::Merge(&poke));
            if poked.await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        panic!("the policy does not come into force");
    }

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
        applied(&site.cluster, [other]).await.unwrap();
        let witness = site.fleet.watch(&site.cluster).await.unwrap();
        let says = ["unknown field \"spec.restore\"", JOURNAL];
        // Before it is served, it is as if there were none.
        let refused = until(&site, "rewrite", |ended| ended.code == Some(1)).await;
        ended(&refused, 1, &says);
        site.fleet
            .check(&site.cluster, Expect::Originals)
            .await
            .unwrap();
        assert_eq!(witness.so_far().await.unwrap().replaced, 0);
        let definitions = api::of(&site.cluster.client().unwrap(), &journal);
        let name = journal["metadata"]["name"].as_str().unwrap();
        let patch = Patch::Merge(json!({"spec": journal["spec"]}));
        let parameters = PatchParams::default();
        definitions.patch(name, &parameters, &patch).await.unwrap();
        until(&site, "rewrite", |ended| ended.code == Some(0)).await;
        site.fleet
            .check(&site.cluster, Expect::Translated)
            .await
            .unwrap();
    }
}
