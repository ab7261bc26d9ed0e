//! NodeVolumes.

mod tier_2 {
    use std::process::Command;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use flex2csi::node_volumes::{
        Entry, Mounted, NodeVolumes, OriginalEntry, Settings, State, node_volumes, publish,
    };
    use flex2csi_testing::programs;
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use crate::site::*;

    struct Published {
        mounted: Arc<Mutex<Mounted>>,
        changes: watch::Sender<()>,
        shutdown: CancellationToken,
    }

    impl Published {
        fn change(&self, to: Mounted) {
            *self.mounted.lock().unwrap() = to;
            self.changes.send_replace(());
        }
    }

    impl Drop for Published {
        fn drop(&mut self) {
            self.shutdown.cancel();
        }
    }

    async fn published(site: &Site, node: &str) -> Published {
        let mounted = Arc::new(Mutex::new(Mounted::default()));
        let (changes, changed) = watch::channel(());
        let known = mounted.clone();
        let list = move || Some(known.lock().unwrap().clone());
        let shutdown = CancellationToken::new();
        let settings = Settings {
            node: node.into(),
            boot_id: BOOT.into(),
            renewal: Duration::from_secs(1),
        };
        let client = site.node(node).await;
        tokio::spawn(publish(client, settings, list, changed, shutdown.clone()));
        Published {
            mounted,
            changes,
            shutdown,
        }
    }

    fn entry(handle: &str, state: State) -> Entry {
        Entry {
            volume: volume(handle),
            persistent_volume: Some(format!("pv-{handle}")),
            pod_uid: Some("u".into()),
            is_taken: false,
            state,
        }
    }

    async fn read(site: &Site, node: &str) -> Option<NodeVolumes> {
        let found = node_volumes(site.admin.clone())
            .get_opt(node)
            .await
            .unwrap()?;
        Some(serde_json::from_value(found.data).unwrap())
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn what_is_mounted_is_read_as_it_was_written() {
        let site = Site::shared().await;
        let published = published(&site, "reads").await;
        published.change(Mounted {
            shim: vec![
                entry("a", State::Mounting),
                entry("b", State::Mounted),
                entry("c", State::Unmounting),
                entry("d", State::Detaching),
            ],
            original: vec![OriginalEntry {
                driver: "example.com/driver".into(),
                pv: None,
                pod_uid: Some("u".into()),
            }],
        });
        eventually("all is published", async || {
            read(&site, "reads")
                .await
                .is_some_and(|read| read.shim.len() == 4)
        })
        .await;
        let first = read(&site, "reads").await.unwrap();
        assert!(first.is_fresh(k8s_openapi::jiff::Timestamp::now()));
        assert_eq!(
            (
                first.counts.shim,
                first.counts.detaching,
                first.counts.original
            ),
            (3, 1, 1)
        );
        eventually("it is renewed", async || {
            let now = read(&site, "reads").await.unwrap();
            now.shim == first.shim && now.renew_time > first.renew_time
        })
        .await;

        let object = node_volumes(site.admin.clone()).get("reads").await.unwrap();
        let owner = &object.metadata.owner_references.unwrap()[0];
        assert_eq!(
            (owner.kind.as_str(), owner.name.as_str()),
            ("Node", "reads")
        );
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn a_thousand_volumes_fit() {
        let site = Site::shared().await;
        let published = published(&site, "many").await;
        let handle = |number: usize| format!("{number:0>128}");
        published.change(Mounted {
            shim: (0..1000)
                .map(|number| entry(&handle(number), State::Mounted))
                .collect(),
            original: Vec::new(),
        });
        eventually("all is published", async || {
            read(&site, "many")
                .await
                .is_some_and(|read| read.counts.shim == 1000)
        })
        .await;
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn kubectl_shows_how_many_and_since_when() {
        let site = Site::shared().await;
        let published = published(&site, "shown").await;
        published.change(Mounted {
            shim: vec![entry("a", State::Mounted), entry("b", State::Detaching)],
            original: Vec::new(),
        });
        eventually("all is published", async || {
            read(&site, "shown")
                .await
                .is_some_and(|read| read.shim.len() == 2)
        })
        .await;
        let kubectl = Command::new(programs::built("kubectl").unwrap())
            .args(["get", "nodevolumes", "shown", "--kubeconfig"])
            .arg(site.cluster.kubeconfig())
            .output()
            .unwrap();
        let shown = String::from_utf8(kubectl.stdout).unwrap();
        let mut lines = shown
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(
            lines.next().unwrap(),
            [
                "NAME",
                "SHIM",
                "DETACHING",
                "ORIGINAL",
                "VERSION",
                "RENEWED"
            ]
        );
        let line = lines.next().unwrap();
        assert_eq!(&line[..4], ["shown", "1", "1", "0"]);
        assert!(line[5].ends_with('s'), "{line:?}");
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn what_makes_no_sense_is_refused() {
        let site = Site::shared().await;
        let good = serde_json::json!({
            "apiVersion": "flex2csi.io/v1alpha1", "kind": "NodeVolumes",
            "metadata": { "name": "schema" },
            "bootID": "b", "version": "1", "renewTime": "2026-01-01T00:00:00Z", "renewSeconds": 30,
            "counts": { "shim": 0, "detaching": 0, "original": 0 },
            "shim": [{ "driver": "d", "handle": "h", "state": "Mounted" }], "original": [],
        });
        let accepted = async |object: serde_json::Value| {
            flex2csi_testing::dry_run::server_side_dry_run(&site.cluster, object).await
        };
        accepted(good.clone()).await.unwrap();
        for (path, wrong) in [
            ("/renewTime", serde_json::json!("yesterday")),
            ("/renewSeconds", serde_json::json!(0)),
            ("/bootID", serde_json::json!("")),
            ("/shim/0/state", serde_json::json!("Lost")),
            ("/shim/0/handle", serde_json::json!("")),
            ("/shim/0/driver", serde_json::json!("d".repeat(64))),
            ("/counts/shim", serde_json::json!(-1)),
        ] {
            let mut object = good.clone();
            *object.pointer_mut(path).unwrap() = wrong;
            let error = accepted(object).await.unwrap_err();
            let field = path.trim_start_matches('/').split('/').next().unwrap();
            assert!(error.contains(field), "{path}: {error}");
        }
    }
}
