//! What a handle that says nothing stands for, where nothing was staged.

use flex2csi::endpoint::wire;
use tonic::Code;

use crate::site::Site;
use crate::undecided::{HANDLE, VALUES, VSPHERE, id, persistent_volume, volume_of};

const EXPAND: &str = "/csi.v1.Controller/ControllerExpandVolume";

fn expand() -> Vec<u8> {
    let mut message = Vec::new();
    wire::add_text(&mut message, 1, &id());
    message
}

#[tokio::test]
async fn the_volume_is_looked_up_in_the_files_that_are_given() {
    let site = Site::new();
    let backend = site.backend("csi.sock", VSPHERE);
    site.write("values.yaml", VALUES);
    site.write("pvs.json", "");
    let (values, volumes) = (site.text("values.yaml"), site.text("pvs.json"));
    let more = ["--values", &values, "--persistent-volumes", &volumes];
    let _daemon = site.single("controller", &more);
    site.name_at("endpoint.sock").await;

    let before = backend.calls().len();
    let answer = site.call("endpoint.sock", EXPAND, expand()).await;
    assert_eq!(answer.code, Code::FailedPrecondition);
    assert!(answer.said.contains("is not known here"), "{}", answer.said);
    assert_eq!(backend.calls().len(), before);

    site.write("pvs.json", &persistent_volume());
    site.carried_out(EXPAND, expand()).await;
    assert_eq!(volume_of(&backend.last().message), HANDLE);
}

const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: gone, context: {cluster: gone, user: ''}}]
current-context: gone
";

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_unavailable() {
    let site = Site::new();
    let backend = site.backend("csi.sock", VSPHERE);
    let kubeconfig = site.write("kubeconfig", KUBECONFIG);
    let more = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    let _daemon = site.single("controller", &more);
    site.name_at("endpoint.sock").await;
    let before = backend.calls().len();
    let answer = site.call("endpoint.sock", EXPAND, expand()).await;
    assert_eq!(answer.code, Code::Unavailable);
    assert!(answer.said.contains("PersistentVolumes"), "{}", answer.said);
    assert_eq!(backend.calls().len(), before);
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_named() {
    let site = Site::new();
    let _backend = site.backend("csi.sock", VSPHERE);
    let kubeconfig = site.text("kubeconfig");
    let more = ["--kubeconfig", &kubeconfig, "--context", "other"];
    for text in [None, Some(KUBECONFIG)] {
        if let Some(text) = text {
            site.write("kubeconfig", text);
        }
        let log = site.single("controller", &more).ended_with(2).await;
        assert!(log.contains(&format!("cannot use {kubeconfig}")), "{log}");
    }
}
