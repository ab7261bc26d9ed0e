//! A cluster with a legacy volume, and somebody who follows a guide there.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use flex2csi_testing::applied::applied;
use flex2csi_testing::controller_manager::ApiRate;
use flex2csi_testing::{Cluster, Setup, programs};
use serde_json::{Value, json};

use crate::page::Page;
use crate::played::Kubelet;
use crate::volumes::Legacy;

/// Ends what would not end; nothing is meant to take this long.
const PATIENCE: Duration = Duration::from_secs(300);

pub struct Site {
    pub cluster: Arc<Cluster>,
    page: Page,
    /// A checkout, of which `deploy/` is used.
    checkout: tempfile::TempDir,
    _kubelet: Kubelet,
}

impl Site {
    pub async fn new(legacy: &Legacy) -> Self {
        let setup = Setup::binding(ApiRate::FAST);
        let cluster = Arc::new(Cluster::start_with(&setup).await.unwrap());
        applied(&cluster, legacy.objects()).await.unwrap();
        let client = cluster.client().unwrap();
        let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(client);
        let patch = kube::api::Patch::Merge(ready);
        nodes
            .patch_status("node-1", &kube::api::PatchParams::default(), &patch)
            .await
            .unwrap();
        let checkout = tempfile::tempdir().unwrap();
        let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
        let copied = tokio::process::Command::new("cp")
            .args(["-r", deploy])
            .arg(checkout.path())
            .status()
            .await;
        assert!(copied.unwrap().success());
        let kubelet = Kubelet::play(cluster.clone());
        Self {
            cluster,
            page: Page::of(legacy.overlay),
            checkout,
            _kubelet: kubelet,
        }
    }

    /// A file of the checkout.
    pub fn file(&self, path: &str) -> PathBuf {
        self.checkout.path().join(path)
    }

    /// Does what stands under a title of the guide, and gives what it prints.
    pub async fn follow(&self, title: &str) -> String {
        let commands = self.page.commands(title);
        let programs = [programs::flex2csi(), programs::built("kubectl")];
        let mut path = programs
            .map(|program| {
                program
                    .unwrap()
                    .parent()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .join(":");
        path.push_str(":/usr/bin:/bin");
        let ended = tokio::process::Command::new("bash")
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(self.checkout.path())
            .env("PATH", path)
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("HOME", self.checkout.path())
            .env("IMAGE", "registry.site.example/flex2csi")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ended = tokio::time::timeout(PATIENCE, ended).await;
        let ended = ended
            .unwrap_or_else(|_| panic!("{title} does not end"))
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned()
            + &String::from_utf8_lossy(&ended.stderr);
        let overlay = &self.page.overlay;
        assert!(ended.status.success(), "{overlay}: {title}: {said}");
        said
    }

    /// An object as the API server has it, none where there is none.
    pub async fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let mut arguments = vec!["get", kind, name, "-o", "json", "--ignore-not-found"];
        if kind == "persistentvolumeclaim" {
            arguments.extend(["-n", "shop"]);
        }
        let text = self.cluster.kubectl(arguments).await.unwrap();
        (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    /// The titles of the guide.
    pub fn titles(&self) -> Vec<&str> {
        self.page.titles()
    }
}
