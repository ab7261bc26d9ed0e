//! A fleet of volumes rewritten and brought back, one by one, on a real cluster that
//! binds claims, with the rights of `deploy/rbac/rewrite.yaml`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use flex2csi::rewrite::{
        Evidence, Failure, Finished, Options, Seen, Server, Stopped, Subject, rewrite_one,
        roll_back_one,
    };
    use flex2csi_testing::account::client_of;
    use flex2csi_testing::applied::applied;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::deployed::deployed;
    use flex2csi_testing::fleet::{Expect, Fleet, Member, Size};
    use flex2csi_testing::{Cluster, Setup, api, programs};
    use flex2csi_translators::rewrite::{ClaimId, InUse, ObjectKind, Task, Use};
    use futures::{StreamExt as _, stream};
    use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
    use serde_json::{Value, json};

    /// No pod runs here.
    #[derive(Clone)]
    struct Idle;

    impl Evidence for Idle {
        async fn used(&self, _: &Subject<'_>) -> Result<Use, Failure> {
            Ok(Use::Idle)
        }
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
                    rewrite_one(server, &task, &Seen::default(), options).await
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
        rewrite_one(&server, &task, &Seen::default(), &Options::new("there"))
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
        let stopped = rewrite_one(&server, &wrong, &Seen::default(), &Options::new("one"))
            .await
            .unwrap_err();
        let Stopped::Refused { status: 422, .. } = stopped else {
            panic!("{stopped}")
        };
        let right = task(&cluster, member).await;
        rewrite_one(&server, &right, &Seen::default(), &Options::new("two"))
            .await
            .unwrap();
        all_back(&server, &fleet.part(|other| other.name == member.name)).await;
        fleet.check(&cluster, Expect::Originals).await.unwrap();
    }

    /// Who deletes storage, as external-provisioner does it: on a copy of the volume that it
    /// was told of before (external-provisioner v5.3 `controller.go`, `syncVolume`).
    struct Provisioner {
        volumes: kube::Api<kube::api::DynamicObject>,
        name: String,
        copy: Value,
        deleted: bool,
    }

    const FINALIZER: &str = "external-provisioner.volume.kubernetes.io/finalizer";

    impl Provisioner {
        async fn live(&self) -> Option<Value> {
            let live = self.volumes.get_opt(&self.name).await.unwrap();
            live.map(|live| serde_json::to_value(live).unwrap())
        }

        /// Is told of the volume as it is now.
        async fn hears(&mut self) {
            self.copy = self.live().await.unwrap_or_default();
        }

        /// Does what its copy asks for.
        async fn acts(&mut self) {
            let spec = &self.copy["spec"];
            let is_to_go = spec["persistentVolumeReclaimPolicy"] == "Delete";
            self.deleted |= is_to_go && self.copy["status"]["phase"] == "Released";
            let metadata = &self.copy["metadata"];
            let mut finalizers = metadata["finalizers"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let has = finalizers.iter().any(|one| one == FINALIZER);
            if has == is_to_go || metadata["deletionTimestamp"].is_string() {
                return;
            }
            match is_to_go {
                true => finalizers.push(FINALIZER.into()),
                false => finalizers.retain(|one| one != FINALIZER),
            }
            let patch = Patch::Merge(json!({"metadata": {
                "resourceVersion": metadata["resourceVersion"], "finalizers": finalizers,
            }}));
            // What has changed since is heard of first.
            let _ = self
                .volumes
                .patch(&self.name, &PatchParams::default(), &patch)
                .await;
        }
    }

    /// Nothing is deleted before who deletes storage has seen that it is to stay, however
    /// long that takes.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn who_deletes_storage_is_waited_for() {
        let (cluster, server) = site().await;
        let fleet = Fleet::make(&cluster, &Size::pairs(72)).await.unwrap();
        let volumes = api::volumes(&cluster.client().unwrap());
        let mut found = None;
        for member in fleet.members.values() {
            let live = volumes.get(&member.name).await.unwrap();
            let is_bound = !member.claim_uid().is_empty();
            if is_bound && live.data["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
                found = Some(member);
                break;
            }
        }
        let member = found.expect("a bound volume with the policy Delete");
        let mut provisioner = Provisioner {
            volumes,
            name: member.name.clone(),
            copy: Value::Null,
            deleted: false,
        };
        provisioner.hears().await;
        provisioner.acts().await;
        let task = task(&cluster, member).await;
        assert!(task.original.contains(FINALIZER));
        let options = Options::new("one");
        let seen = Seen::default();
        let rewriting = rewrite_one(&server, &task, &seen, &options);
        let deleter = async {
            // It is Retain, and the provisioner has not heard of it: it waits.
            let mut looks = 0;
            while looks < 20 {
                let live = provisioner.live().await.expect("not deleted");
                assert!(live["metadata"]["deletionTimestamp"].is_null(), "{live}");
                let retained = live["spec"]["persistentVolumeReclaimPolicy"] == "Retain";
                looks += u32::from(retained);
                provisioner.acts().await;
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            // From now on it hears of each change, a little late.
            loop {
                provisioner.acts().await;
                provisioner.hears().await;
                assert!(!provisioner.deleted);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            done = rewriting => drop(done.unwrap()),
            () = deleter => unreachable!(),
        }
        fleet
            .part(|other| other.name == member.name)
            .check(&cluster, Expect::Translated)
            .await
            .unwrap();
        // What is done is Delete again, so that its provisioner looks after it.
        let live = provisioner.live().await.unwrap();
        assert_eq!(live["spec"]["persistentVolumeReclaimPolicy"], "Delete");
    }

    /// The commands of a paragraph in docs/rewrite-protocol.md.
    fn by_hand(paragraph: &str) -> String {
        let path = format!("{}/../docs/rewrite-protocol.md", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let begin = format!("```sh\n# {paragraph}\n");
        let commands = text.split(&begin).nth(1).expect("the paragraph");
        commands.split("```").next().unwrap().to_owned()
    }

    /// Runs it with kubectl, as an administrator.
    async fn run_by_hand(cluster: &Cluster, member: &Member, backup: &str, paragraph: &str) {
        let kubectl = programs::built("kubectl").unwrap();
        let mut path = kubectl.parent().unwrap().as_os_str().to_owned();
        path.push(":/usr/bin:/bin");
        let ended = tokio::process::Command::new("sh")
            .args(["-eu", "-c", &by_hand(paragraph)])
            .env("PATH", path)
            .env("KUBECONFIG", cluster.kubeconfig())
            .env("PV", &member.name)
            .env("NAMESPACE", member.namespace())
            .env("CLAIM", member.claim_name())
            .env("BACKUP", backup)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{paragraph}: {said}");
    }

    /// Somebody deletes a rewritten volume; record and backup each bring it back.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
    async fn what_is_lost_comes_back_by_hand() {
        let (cluster, server) = site().await;
        let fleet = Fleet::make(&cluster, &Size::pairs(2)).await.unwrap();
        let backup = cluster.directory().join("backup");
        let mut options = Options::new("one");
        options.backup = Some(backup.clone());
        let backup = backup.to_str().unwrap();
        let volumes = api::volumes(&cluster.client().unwrap());
        for (member, from) in fleet.members.values().zip(["restore", "restore-backup"]) {
            let task = task(&cluster, member).await;
            rewrite_one(&server, &task, &Seen::default(), &options)
                .await
                .unwrap();
            run_by_hand(&cluster, member, backup, "look").await;
            // Not to be deleted with its storage, and then gone all the same.
            let retain = json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}});
            let patch = Patch::Merge(retain);
            volumes
                .patch(&member.name, &PatchParams::default(), &patch)
                .await
                .unwrap();
            volumes
                .delete(&member.name, &DeleteParams::default())
                .await
                .unwrap();
            run_by_hand(&cluster, member, backup, "release").await;
            run_by_hand(&cluster, member, backup, from).await;
            run_by_hand(&cluster, member, backup, "settle").await;
        }
        // All is as it was; only the records do not know yet.
        let untrue = fleet.check(&cluster, Expect::Originals).await.unwrap_err();
        let untrue = untrue.to_string();
        let findings = untrue.lines().skip(1);
        assert_eq!(findings.clone().count(), fleet.members.len(), "{untrue}");
        for finding in findings {
            assert!(finding.contains("its record is"), "{untrue}");
            assert!(finding.contains("it is Original"), "{untrue}");
        }
        for member in fleet.members.values() {
            let kind = ObjectKind::PersistentVolume;
            let back = roll_back_one(&server, kind, &member.name, &Options::new("two")).await;
            back.unwrap();
        }
        fleet.check(&cluster, Expect::Originals).await.unwrap();
    }
}
