//! `flex2csi plan` against a real API server, with the rights of `deploy/rbac/plan.yaml`
//! and no others.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use std::path::PathBuf;
    use std::process::{Command, Output, Stdio};

    use flex2csi::plan::file::PlanFile;
    use flex2csi_testing::deployed::deployed;
    use flex2csi_testing::{Cluster, Setup, programs, rights};
    use flex2csi_translators::plan::VerdictKind;
    use http::{Method, Request};
    use kube::Client;
    use kube::config::Kubeconfig;
    use serde_json::{Value, json};

    const NAMESPACE: &str = "shop";

    async fn ask(client: &Client, method: Method, path: &str, body: &Value) -> Value {
        let content = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", content)
            .body(match body {
                Value::Null => Vec::new(),
                body => body.to_string().into_bytes(),
            })
            .unwrap();
        client
            .request(request)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A cluster with volumes whose phases somebody set, and a person who may plan.
    struct Site {
        cluster: Cluster,
        client: Client,
        directory: tempfile::TempDir,
    }

    impl Site {
        async fn new() -> Self {
            let cluster = Cluster::start_with(&Setup::recording()).await.unwrap();
            let site = Self {
                client: cluster.client().unwrap(),
                cluster,
                directory: tempfile::tempdir().unwrap(),
            };
            for crd in ["crds/nodevolumes.yaml", "crds/volumemigrations.yaml"] {
                let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
                site.create(path, deployed(crd).remove(0)).await;
            }
            for role in deployed("rbac/plan.yaml") {
                site.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
                    .await;
            }
            let namespace = json!({ "metadata": { "name": NAMESPACE } });
            site.create("/api/v1/namespaces", namespace).await;
            site.nodes().await;
            site
        }

        /// Creates an object, and gives it its status.
        async fn create(&self, path: &str, object: Value) -> Value {
            let created = ask(&self.client, Method::POST, path, &object).await;
            if object["status"].is_null() {
                return created;
            }
            let name = created["metadata"]["name"].as_str().unwrap();
            let path = format!("{path}/{name}/status");
            let status = json!({ "status": object["status"] });
            ask(&self.client, Method::PATCH, &path, &status).await
        }

        async fn nodes(&self) {
            let attaches = "volumes.kubernetes.io/controller-managed-attach-detach";
            let node = json!({
                "metadata": { "name": "node-a", "annotations": { attaches: "true" } },
                "status": {
                    "conditions": [{ "type": "Ready", "status": "True", "reason": "r", "message": "m",
                        "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z" }],
                    "nodeInfo": { "bootID": "boot", "kubeletVersion": "v1.36.3", "machineID": "", "systemUUID": "",
                        "kernelVersion": "", "osImage": "", "containerRuntimeVersion": "", "kubeProxyVersion": "",
                        "operatingSystem": "linux", "architecture": "amd64" },
                },
            });
            self.create("/api/v1/nodes", node).await;
            let drivers = ["ebs.csi.aws.com", "blockvolume.csi.oraclecloud.com"];
            let drivers = drivers.map(|driver| json!({ "name": driver, "nodeID": "node-a" }));
            let csi_node =
                json!({ "metadata": { "name": "node-a" }, "spec": { "drivers": drivers } });
            self.create("/apis/storage.k8s.io/v1/csinodes", csi_node)
                .await;
            let node_volumes = json!({
                "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
                "metadata": { "name": "node-a" }, "bootID": "boot", "version": "0.1.0",
                "renewTime": k8s_openapi::jiff::Timestamp::now().to_string(), "renewSeconds": 600,
                "counts": { "shim": 0, "detaching": 0, "original": 0 }, "shim": [], "original": [],
            });
            let path = "/apis/flex2csi.io/v1alpha1/nodevolumes";
            // The server takes a moment to serve a kind that was just defined.
            for attempt in 0.. {
                let request = Request::get(path).body(Vec::new()).unwrap();
                match self.client.request_text(request).await {
                    Ok(_) => break,
                    Err(error) => assert!(attempt < 300, "{error}"),
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            self.create(path, node_volumes).await;
        }

        async fn volume(&self, name: &str, source: Value, annotations: Value) {
            let mut spec = json!({
                "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
            });
            for (key, value) in source.as_object().unwrap() {
                spec[key] = value.clone();
            }
            let volume = json!({
                "metadata": { "name": name, "annotations": annotations },
                "spec": spec, "status": { "phase": "Available" },
            });
            self.create("/api/v1/persistentvolumes", volume).await;
        }

        /// Gives the planner one of the roles.
        async fn bind(&self, role: &str) {
            let binding = json!({
                "metadata": { "name": role },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
                "subjects": [{ "kind": "ServiceAccount", "namespace": NAMESPACE, "name": "planner" }],
            });
            self.create(
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                binding,
            )
            .await;
        }

        /// A kubeconfig with the rights of the planner.
        fn kubeconfig(&self) -> PathBuf {
            let mut config = Kubeconfig::read_from(self.cluster.kubeconfig()).unwrap();
            for user in &mut config.auth_infos {
                let user = user.auth_info.as_mut().unwrap();
                user.impersonate = Some(format!("system:serviceaccount:{NAMESPACE}:planner"));
            }
            let path = self.directory.path().join("kubeconfig");
            std::fs::write(&path, serde_json::to_string(&config).unwrap()).unwrap();
            path
        }

        fn out(&self) -> PathBuf {
            self.directory.path().join("plan.yaml")
        }

        async fn plan(&self) -> Output {
            let mut command = Command::new(programs::flex2csi().unwrap());
            command
                .arg("plan")
                .arg("--kubeconfig")
                .arg(self.kubeconfig())
                .arg("--out")
                .arg(self.out())
                .stdin(Stdio::null());
            tokio::task::spawn_blocking(move || command.output().unwrap())
                .await
                .unwrap()
        }

        /// What the plan says: each object, with its verdict and first code.
        fn rows(&self) -> Vec<(String, VerdictKind, String)> {
            let mut file = PlanFile::open(&self.out()).unwrap();
            let mut rows = Vec::new();
            while let Some(row) = file.next().unwrap() {
                let code = row.findings.first().map_or("", |finding| &finding.code);
                rows.push((row.object.name.clone(), row.verdict, code.to_owned()));
            }
            rows
        }

        async fn versions(&self) -> Vec<Value> {
            let list = ask(
                &self.client,
                Method::GET,
                "/api/v1/persistentvolumes",
                &Value::Null,
            )
            .await;
            let items = list["items"].as_array().unwrap().iter();
            items
                .map(|item| {
                    json!([
                        item["metadata"]["name"],
                        item["metadata"]["resourceVersion"]
                    ])
                })
                .collect()
        }
    }

    fn ebs(id: &str) -> Value {
        json!({ "awsElasticBlockStore": { "volumeID": id, "fsType": "ext4" } })
    }

    fn said(output: &Output) -> String {
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_plan_is_made_with_the_rights_that_it_prints_and_changes_nothing() {
        let site = Site::new().await;
        site.volume("pv-ebs", ebs("vol-1"), Value::Null).await;
        site.volume("pv-refused", ebs("vol-refused"), Value::Null)
            .await;
        let oci = json!({
            "ociVolumeID": "ocid1.volume.oc1.phx.one", "ociAvailabilityDomain": "PHX-AD-1",
            "pv.kubernetes.io/provisioned-by": "oracle.com/oci",
        });
        let flex = json!({ "flexVolume": { "driver": "oracle/oci", "fsType": "ext4" } });
        site.volume("pv-oci", flex, oci).await;
        let class =
            json!({ "metadata": { "name": "gp2" }, "provisioner": "kubernetes.io/aws-ebs" });
        site.create("/apis/storage.k8s.io/v1/storageclasses", class)
            .await;
        refuse(&site, "vol-refused").await;
        let before = site.versions().await;

        // No rights: no plan, and what to do.
        let output = site.plan().await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(
            said(&output).contains("flex2csi plan --rbac"),
            "{}",
            said(&output)
        );
        assert!(!site.out().exists());

        // Rights to read: a plan, without what the server would say.
        site.bind("flex2csi-plan").await;
        let output = site.plan().await;
        assert!(output.status.success(), "{}", said(&output));
        assert!(
            said(&output).contains("permission-missing"),
            "{}",
            said(&output)
        );
        let ready = |rows: &[(String, VerdictKind, String)], name: &str| {
            rows.iter()
                .any(|(found, verdict, _)| found == name && *verdict == VerdictKind::Ready)
        };
        let rows = site.rows();
        for name in ["gp2", "pv-ebs", "pv-oci", "pv-refused"] {
            assert!(ready(&rows, name), "{name}: {rows:#?}\n{}", said(&output));
        }

        // And with it.
        site.bind("flex2csi-plan-dry-run").await;
        let output = site.plan().await;
        assert!(output.status.success(), "{}", said(&output));
        let rows = site.rows();
        for name in ["gp2", "pv-ebs", "pv-oci"] {
            assert!(ready(&rows, name), "{name}: {rows:#?}\n{}", said(&output));
        }
        let refused = (
            "pv-refused".to_owned(),
            VerdictKind::Blocked,
            "dry-run-refused".to_owned(),
        );
        assert!(rows.contains(&refused), "{rows:#?}");
        assert!(
            said(&output).contains("not on my watch"),
            "{}",
            said(&output)
        );

        assert_eq!(site.versions().await, before);
        rights::prove(&site.cluster, "plan", &[]).await;
    }

    /// Has the server refuse CSI volumes with a handle.
    async fn refuse(site: &Site, handle: &str) {
        let rules = json!([{
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["persistentvolumes"],
        }]);
        let expression =
            format!("!has(object.spec.csi) || object.spec.csi.volumeHandle != '{handle}'");
        let policy = json!({
            "metadata": { "name": "no" },
            "spec": {
                "matchConstraints": { "resourceRules": rules },
                "validations": [{ "expression": expression, "message": "not on my watch" }],
            },
        });
        let group = "/apis/admissionregistration.k8s.io/v1";
        site.create(&format!("{group}/validatingadmissionpolicies"), policy)
            .await;
        let binding = json!({
            "metadata": { "name": "no" }, "spec": { "policyName": "no", "validationActions": ["Deny"] },
        });
        site.create(
            &format!("{group}/validatingadmissionpolicybindings"),
            binding,
        )
        .await;
        // It is in force once the server has seen it.
        let volume = json!({
            "metadata": { "generateName": "probe-" },
            "spec": {
                "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"],
                "csi": { "driver": "d", "volumeHandle": handle },
            },
        });
        for attempt in 0.. {
            let request = Request::post("/api/v1/persistentvolumes?dryRun=All")
                .header("Content-Type", "application/json")
                .body(volume.to_string().into_bytes())
                .unwrap();
            if site.client.request_text(request).await.is_err() {
                return;
            }
            assert!(attempt < 300, "the policy is not in force");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn secrets_are_looked_for_where_that_is_allowed() {
        let site = Site::new().await;
        let source = json!({ "azureFile": { "secretName": "account", "secretNamespace": NAMESPACE, "shareName": "share" } });
        site.volume("pv-file", source, Value::Null).await;
        site.bind("flex2csi-plan").await;
        let codes = |site: &Site| {
            let mut file = PlanFile::open(&site.out()).unwrap();
            let row = file.next().unwrap().unwrap();
            row.findings
                .into_iter()
                .map(|finding| finding.code)
                .collect::<Vec<_>>()
        };
        site.plan().await;
        assert!(
            codes(&site).contains(&"secret-unchecked".to_owned()),
            "{:?}",
            codes(&site)
        );
        site.bind("flex2csi-plan-secrets").await;
        site.plan().await;
        assert!(
            codes(&site).contains(&"secret-missing".to_owned()),
            "{:?}",
            codes(&site)
        );
        let secret = json!({ "metadata": { "name": "account" }, "stringData": { "azurestorageaccountkey": "k" } });
        site.create(&format!("/api/v1/namespaces/{NAMESPACE}/secrets"), secret)
            .await;
        site.plan().await;
        let codes = codes(&site);
        assert!(
            !codes.iter().any(|code| code.starts_with("secret-")),
            "{codes:?}"
        );
        // Without the role for it, no dry run is made.
        let without = [
            "create persistentvolumes",
            "create storageclasses.storage.k8s.io",
        ];
        rights::prove(&site.cluster, "plan::secrets", &without).await;
    }
}
