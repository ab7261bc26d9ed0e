//! Somebody who follows a guide in a cluster.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use flex2csi_testing::{Cluster, programs};
use serde_json::Value;

use crate::page::Page;

/// Ends what would not end; nothing is meant to take this long.
const PATIENCE: Duration = Duration::from_secs(300);

/// A guide, and a checkout of which `deploy/` is used.
pub struct Site {
    pub page: Page,
    checkout: tempfile::TempDir,
    kubeconfig: PathBuf,
    image: String,
}

impl Site {
    /// The guide of an overlay, followed in a cluster, whose nodes have the image.
    pub fn new(overlay: &str, cluster: &Cluster, image: &str) -> Self {
        let checkout = tempfile::tempdir().unwrap();
        let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
        let copied = std::process::Command::new("cp")
            .args(["-r", deploy])
            .arg(checkout.path())
            .status();
        assert!(copied.unwrap().success());
        Self {
            page: Page::of(overlay),
            checkout,
            kubeconfig: cluster.kubeconfig(),
            image: image.to_owned(),
        }
    }

    /// A file of the checkout.
    pub fn file(&self, path: &str) -> PathBuf {
        self.checkout.path().join(path)
    }

    /// Changes the overlay.
    pub fn edit(&self, from: &str, to: &str) {
        let overlay = &self.page.overlay;
        let file = self.file(&format!("deploy/overlays/{overlay}/kustomization.yaml"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{overlay} has no {from}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }

    /// Does what stands under a title of the guide, and gives what it prints.
    pub async fn follow(&self, title: &str) -> String {
        self.run(title, self.page.commands(title)).await
    }

    /// Does what `docs/install.md` says of updating.
    pub async fn update(&self) -> String {
        let page = Page::of_installing(&self.page.overlay);
        self.run("update", page.commands("update")).await
    }

    async fn run(&self, title: &str, commands: &str) -> String {
        let programs = [programs::flex2csi(), programs::built("kubectl")];
        let mut path = programs
            .map(|program| {
                let program = program.unwrap();
                program.parent().unwrap().to_str().unwrap().to_owned()
            })
            .join(":");
        path.push_str(":/usr/bin:/bin");
        let ended = tokio::process::Command::new("bash")
            .args(["-euo", "pipefail", "-c", commands])
            .current_dir(self.checkout.path())
            .env("PATH", path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.checkout.path())
            .env("IMAGE", &self.image)
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
}

/// An object as the API server has it, none where there is none.
pub async fn object(cluster: &Cluster, kind: &str, place: &[&str]) -> Option<Value> {
    let arguments = ["get", kind, "-o", "json", "--ignore-not-found"];
    let arguments = arguments.iter().chain(place);
    let text = cluster.kubectl(arguments).await.unwrap();
    (!text.trim().is_empty()).then(|| serde_json::from_str(&text).unwrap())
}

/// Nothing of flex2csi is left in the API.
pub async fn nothing_left(cluster: &Cluster) {
    let kinds = "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,\
                 validatingadmissionpolicies,validatingadmissionpolicybindings,volumeattachments,leases";
    let arguments = ["get", kinds, "-A", "-o", "name"];
    let left = cluster.kubectl(arguments).await.unwrap();
    assert!(left.contains("clusterrole"), "{left}");
    let is_ours = |line: &&str| line.contains("flex2csi") && !line.contains("flex2csi-hostpath");
    let ours: Vec<&str> = left.lines().filter(is_ours).collect();
    assert!(ours.is_empty(), "{ours:?}");
}
