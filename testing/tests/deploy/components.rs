//! The components that an overlay may add.

mod tier_2 {
    use std::path::Path;

    use flex2csi_testing::Cluster;
    use flex2csi_testing::applied::applied;
    use flex2csi_testing::dry_run::accepted;
    use serde_json::{Value, json};

    use crate::configured::configuration;
    use crate::rendered::{deploy, kind, overlays, rendered, title, with};
    use crate::templates::{containers, host_path, pod_of};

    fn named<'a>(objects: &'a [Value], name: &str) -> &'a Value {
        let found = objects.iter().find(|object| title(object) == name);
        found.unwrap_or_else(|| panic!("there is no {name}"))
    }

    #[test]
    #[ignore = "tier 2: needs kubectl; testing/run prepares it"]
    fn the_plugin_directory_is_one_setting() {
        let text =
            std::fs::read_to_string(deploy().join("components/plugin-directory/directory.yaml"));
        let setting = "/var/lib/kubelet/volumeplugins";
        assert_eq!(text.unwrap().matches(setting).count(), 1);
        let objects = with("huawei-fuxi", &["plugin-directory"]);
        let pod = pod_of(named(&objects, "DaemonSet flex2csi-node")).unwrap();
        for container in containers(&pod) {
            assert_eq!(host_path(&pod, container, setting), Some(setting));
        }
        let config = configuration(&objects).unwrap().config;
        assert_eq!(config.kubelet.plugin_directory, Path::new(setting));
        let elsewhere = config.flex_volume.unwrap().drivers;
        assert_eq!(elsewhere.len(), 4, "nothing else is touched");
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kubectl; testing/run prepares them"]
    async fn monitoring_finds_the_daemons() {
        let objects = with("huawei-fuxi", &["service-monitor"]);
        let monitor = named(&objects, "ServiceMonitor flex2csi");
        let service = named(&objects, "Service flex2csi-metrics");
        let holds = |selector: &Value, labels: &Value| {
            let mut wanted = selector.as_object().unwrap().iter();
            wanted.all(|(key, value)| labels.get(key) == Some(value))
        };
        let selector = &monitor["spec"]["selector"]["matchLabels"];
        assert!(holds(selector, &service["metadata"]["labels"]));
        let port = &service["spec"]["ports"][0];
        assert_eq!(monitor["spec"]["endpoints"][0]["port"], port["name"]);
        for pod in objects.iter().filter_map(pod_of) {
            if pod["metadata"]["namespace"] != "flex2csi-system" {
                continue;
            }
            assert!(holds(
                &service["spec"]["selector"],
                &pod["metadata"]["labels"]
            ));
            let container = containers(&pod).next().unwrap();
            assert_eq!(container["ports"][0]["name"], port["targetPort"]);
        }
        let cluster = Cluster::start().await.unwrap();
        let service = service.clone();
        assert_eq!(accepted(&cluster, [service]).await, Ok(()));
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kubectl; testing/run prepares them"]
    async fn an_indexed_job_has_a_share_for_each_pod() {
        let objects = with("huawei-fuxi", &["indexed-rewrite"]);
        let job = named(&objects, "Job flex2csi-rewrite");
        let count = job["spec"]["completions"].as_u64().unwrap();
        assert_eq!(job["spec"]["parallelism"], count);
        let pod = pod_of(job).unwrap();
        let args = pod["spec"]["containers"][0]["args"].as_array().unwrap();
        let share = format!("--shards={count}");
        assert!(args.contains(&json!(share)), "{args:?}");
        let cluster = Cluster::start().await.unwrap();
        let namespaces = objects.iter().filter(|object| kind(object) == "Namespace");
        applied(&cluster, namespaces.cloned()).await.unwrap();
        assert_eq!(accepted(&cluster, [job.clone(), pod]).await, Ok(()));
    }

    /// The arguments of the rewrite's Job.
    fn arguments(objects: &[Value]) -> Vec<&str> {
        let job = named(objects, "Job flex2csi-rewrite");
        let arguments = &job["spec"]["template"]["spec"]["containers"][0]["args"];
        let arguments = arguments.as_array().unwrap().iter();
        arguments
            .map(|argument| argument.as_str().unwrap())
            .collect()
    }

    #[test]
    #[ignore = "tier 2: needs kubectl; testing/run prepares it"]
    fn what_the_rewrite_may_do_beside_comes_with_its_flag_alone() {
        for (component, flag, role) in [
            ("restart", "--restart", "flex2csi-rewrite-restart"),
            ("fence", "--fence", "flex2csi-rewrite-fence"),
        ] {
            let bound = |objects: &[Value]| {
                let mut bindings = objects
                    .iter()
                    .filter(|object| kind(object) == "ClusterRoleBinding");
                bindings.any(|binding| binding["roleRef"]["name"] == role)
            };
            let (without, with) = (with("huawei-fuxi", &[]), with("huawei-fuxi", &[component]));
            assert!(!arguments(&without).contains(&flag) && !bound(&without));
            assert!(arguments(&with).contains(&flag) && bound(&with));
        }
    }

    #[test]
    #[ignore = "tier 2: needs kubectl; testing/run prepares it"]
    fn pin_pods_run_the_image_of_the_overlay() {
        for overlay in overlays() {
            let objects = rendered(&format!("overlays/{overlay}"));
            let daemons = objects.iter().any(|object| kind(object) == "DaemonSet");
            let jobs = objects.iter().any(|object| kind(object) == "Job");
            if !daemons || !jobs {
                continue;
            }
            let pod = pod_of(named(&objects, "Job flex2csi-rewrite")).unwrap();
            let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
            let wanted = format!("--pin-image={image}");
            let arguments = arguments(&objects);
            assert!(arguments.contains(&&*wanted), "{overlay}: {arguments:?}");
        }
    }

    #[test]
    #[ignore = "tier 2: needs kubectl; testing/run prepares it"]
    fn without_daemons_there_is_the_rewrite_alone() {
        let objects = rendered("overlays/in-tree-rbd");
        for object in &objects {
            let namespace = object["metadata"]["namespace"].as_str();
            let namespace = namespace.unwrap_or("flex2csi-rewrite");
            assert_eq!(namespace, "flex2csi-rewrite", "{}", title(object));
            assert!(
                !title(object).contains("flex2csi-node"),
                "{}",
                title(object)
            );
        }
    }
}
