//! A fleet of volumes rewritten and brought back, one by one, on a real cluster that
//! binds claims, with the rights of `deploy/rbac/rewrite.yaml`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use flex2csi::manifest::{self, Seen, each_object};
    use flex2csi::rewrite::{
        Evidence, Failure, Finished, Options, Server, Stopped, Subject, rewrite_one, roll_back_one,
    };
    use flex2csi_testing::account::client_of;
    use flex2csi_testing::applied::applied;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::{Expect, Fleet, Member, Size};
    use flex2csi_testing::{Cluster, Setup, api};
    use flex2csi_translators::rewrite::{ClaimId, InUse, ObjectKind, Task, Use};
    use futures::{StreamExt as _, stream};
    use kube::api::{ListParams, Patch, PatchParams};
    use serde_json::{Value, json};

    /// No pod runs here.
    #[derive(Clone)]
    struct Idle;

    impl Evidence for Idle {
        async fn used(&self, _: &Subject<'_>) -> Result<Use, Failure> {
            Ok(Use::Idle)
        }
    }

    fn deployed(file: &str) -> Vec<Value> {
        let path = format!("{}/../deploy/{file}", env!("CARGO_MANIFEST_DIR"));
        let mut objects = Vec::new();
        each_object::<manifest::Error>(&[path], |seen| {
            match seen {
                Seen::Object(object) => objects.push(serde_json::from_slice(object.json).unwrap()),
                Seen::Broken(problem) => panic!("{problem}"),
            }
            Ok(())
        })
        .unwrap();
        assert!(!objects.is_empty());
        objects
    }

    /// A cluster that knows the journal, and a worker with no more rights than it
    /// needs.
    async fn site() -> (Cluster, Server<Idle>) {
        let cluster = Cluster::start_with(&Setup::binding(ApiRate::FAST))
            .await
            .unwrap();
        applied(&cluster, deployed("crds/volumemigrations.yaml"))
            .await
            .unwrap();
        applied(&cluster, deployed("rbac/rewrite.yaml"))
            .await
            .unwrap();
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "flex2csi-rewrite"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                "name": "flex2csi-rewrite",
            },
            "subjects": [
                {"kind": "ServiceAccount", "namespace": "flex2csi-system", "name": "rewrite"},
            ],
        });
        applied(&cluster, [binding]).await.unwrap();
        let client = client_of(&cluster, "flex2csi-system", "rewrite").unwrap();
        (cluster, Server::new(client, Idle))
    }

    async fn task(cluster: &Cluster, member: &Member) -> Task {
        let volumes = api::volumes(&cluster.client().unwrap());
        let live = volumes.get(&member.name).await.unwrap();
        let live = serde_json::to_value(&live).unwrap();
        Task {
            kind: ObjectKind::PersistentVolume,
            original: live.to_string(),
            translated: member.translated.to_string(),
            claim: Some(ClaimId {
                namespace: member.namespace().to_owned(),
                name: member.claim_name().to_owned(),
                uid: member.claim_uid().to_owned(),
            }),
            claim_annotations: Default::default(),
            in_use: InUse::No,
            keep_delete: true,
        }
    }

    async fn all_forward(cluster: &Cluster, server: &Server<Idle>, fleet: &Fleet) {
        let options = Options::new("there");
        let results: Vec<Result<Finished, Stopped>> = stream::iter(fleet.members.values())
            .map(|member| {
                let options = &options;
                async move {
                    let task = task(cluster, member).await;
                    rewrite_one(server, &task, options).await
                }
            })
            .buffer_unordered(24)
            .collect()
            .await;
        for result in results {
            result.unwrap();
        }
    }

    async fn all_back(server: &Server<Idle>, fleet: &Fleet) {
        let options = Options::new("back");
        let results: Vec<Result<Finished, Stopped>> = stream::iter(fleet.members.values())
            .map(|member| {
                let kind = ObjectKind::PersistentVolume;
                roll_back_one(server, kind, &member.name, &options)
            })
            .buffer_unordered(24)
            .collect()
            .await;
        for result in results {
            result.unwrap();
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn a_fleet_goes_there_and_back() {
        let (cluster, server) = site().await;
        let fleet = Fleet::make(&cluster, &Size::pairs(120)).await.unwrap();
        let witness = fleet.watch(&cluster).await.unwrap();
        let began = std::time::Instant::now();
        all_forward(&cluster, &server, &fleet).await;
        let there = began.elapsed();
        fleet.check(&cluster, Expect::Translated).await.unwrap();
        let lost = witness.so_far().await.unwrap();
        println!("{there:?} there, lost at p99 for {:?}", lost.percentile(99));
        assert_eq!(lost.replaced, 120);
        all_back(&server, &fleet).await;
        fleet.check(&cluster, Expect::Originals).await.unwrap();
        let migrations = api::migrations(&cluster.client().unwrap());
        let listed = migrations.list(&ListParams::default()).await.unwrap();
        let phases = listed
            .items
            .iter()
            .map(|item| item.data["status"]["phase"].clone());
        assert_eq!(phases.filter(|phase| phase == "RolledBack").count(), 120);
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn a_class_goes_there_and_back() {
        let (cluster, server) = site().await;
        let class = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": {
                "name": "fast",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "example.com/legacy",
            "parameters": {"kind": "fast"},
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": true,
        });
        let original = applied(&cluster, [class.clone()]).await.unwrap().remove(0);
        let mut translated = original.clone();
        translated["provisioner"] = "csi.example.com".into();
        translated["parameters"] = json!({"type": "fast"});
        let task = Task {
            kind: ObjectKind::StorageClass,
            original: original.to_string(),
            translated: translated.to_string(),
            claim: None,
            claim_annotations: Default::default(),
            in_use: InUse::No,
            keep_delete: false,
        };
        let classes = api::of(&cluster.client().unwrap(), &class);
        rewrite_one(&server, &task, &Options::new("there"))
            .await
            .unwrap();
        let live = classes.get("fast").await.unwrap();
        assert_eq!(live.data["provisioner"], "csi.example.com");
        assert_eq!(live.data["volumeBindingMode"], "WaitForFirstConsumer");
        let patch = Patch::Merge(json!({"allowVolumeExpansion": false}));
        classes
            .patch("fast", &PatchParams::default(), &patch)
            .await
            .unwrap();
        let kind = ObjectKind::StorageClass;
        roll_back_one(&server, kind, "fast", &Options::new("back"))
            .await
            .unwrap();
        let live = serde_json::to_value(classes.get("fast").await.unwrap()).unwrap();
        assert_eq!(live["provisioner"], "example.com/legacy");
        assert_eq!(live["parameters"], json!({"kind": "fast"}));
        assert_eq!(live["allowVolumeExpansion"], false);
        let default = "storageclass.kubernetes.io/is-default-class";
        assert_eq!(live["metadata"]["annotations"][default], "true");
    }

    /// What the server would not take, and what it lets nobody do, is found before
    /// anything is deleted.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn what_the_server_would_refuse_is_found_before() {
        let (cluster, server) = site().await;
        let fleet = Fleet::make(&cluster, &Size::pairs(3)).await.unwrap();
        let member = fleet.members.values().next().unwrap();
        let mut wrong = task(&cluster, member).await;
        let mut translated: Value = serde_json::from_str(&wrong.translated).unwrap();
        translated["spec"]["csi"]["driver"] = "no such name!".into();
        wrong.translated = translated.to_string();
        let stopped = rewrite_one(&server, &wrong, &Options::new("one"))
            .await
            .unwrap_err();
        let Stopped::Refused { status: 422, .. } = stopped else {
            panic!("{stopped}")
        };
        let right = task(&cluster, member).await;
        rewrite_one(&server, &right, &Options::new("two"))
            .await
            .unwrap();
        all_back(&server, &fleet.part(|other| other.name == member.name)).await;
        fleet.check(&cluster, Expect::Originals).await.unwrap();
    }
}
