//! The endpoint as kubelet comes to know it.

use std::fs;

use flex2csi::csi::v1::NodeGetInfoResponse;
use prost::Message as _;

use crate::daemon::Daemon;
use crate::http::{counted, ready};
use crate::kubelet::{Kubelet, plugins};
use crate::scripted::NODE_ID;
use crate::site::{EBS, EBS_ENDPOINT, Site};

const CONFIG: &str = "\
backends:
- driver: ebs.csi.aws.com
  socket: /SITE/csi.sock
  endpoint: {socket: /SITE/endpoint.sock}
kubelet: {root: /SITE/kubelet}
state: /SITE/state
operations: {listen: /SITE/operations.sock}
";

fn site() -> Site {
    let site = Site::new();
    site.write("config.yaml", CONFIG);
    fs::create_dir_all(site.path("kubelet/plugins_registry")).unwrap();
    site
}

const REGISTERED: &str = "flex2csi_registered{driver=\"ebs.csi.aws.com.flex2csi.io\"}";

#[tokio::test]
async fn kubelet_finds_an_endpoint_once_its_backend_answers_and_its_word_is_what_counts() {
    let site = site();
    let registry = site.path("kubelet/plugins_registry");
    let operations = site.path("operations.sock");
    let daemon = site.configured("node");
    daemon.says("the backend is not there").await;
    ready(&operations, 503, "its backend has not answered yet").await;
    assert!(plugins(&registry).is_empty());

    let _backend = site.backend("csi.sock", EBS);
    let mut kubelet = Kubelet::finds(&registry).await;
    assert_eq!(kubelet.info.r#type, "CSIPlugin");
    assert_eq!(kubelet.info.name, EBS_ENDPOINT);
    assert_eq!(kubelet.info.endpoint, site.text("endpoint.sock"));
    // It asks the driver before it says that it is registered.
    let node = site.carried_out("/csi.v1.Node/NodeGetInfo", b"").await;
    assert_eq!(NodeGetInfoResponse::decode(node).unwrap().node_id, NODE_ID);
    ready(&operations, 503, "kubelet has not answered yet").await;
    counted(&operations, REGISTERED, 0).await;

    kubelet.says(None).await;
    ready(&operations, 200, "").await;
    counted(&operations, REGISTERED, 1).await;

    kubelet.says(Some("the node is tired")).await;
    ready(&operations, 503, "kubelet refused: the node is tired").await;
    counted(&operations, REGISTERED, 0).await;
}

/// A registration socket that goes is a driver that goes: its volumes could not
/// be unmounted.
#[tokio::test]
async fn a_registration_outlives_its_daemon_and_the_next_one_takes_it_over() {
    let site = site();
    let registry = site.path("kubelet/plugins_registry");
    let _backend = site.backend("csi.sock", EBS);
    let mut daemon = site.configured("node");
    Kubelet::finds(&registry).await.says(None).await;
    daemon.says("kubelet registered the driver").await;
    daemon.terminated().await;
    let socket = plugins(&registry);
    assert!(socket[0].exists() && site.path("endpoint.sock").exists());

    let daemon = site.configured("node");
    Kubelet::finds(&registry).await.says(None).await;
    daemon.says("kubelet registered the driver").await;
    assert_eq!(plugins(&registry), socket);
}

#[tokio::test]
async fn a_controller_and_one_that_is_told_not_to_do_not_register() {
    for (verb, config) in [
        ("controller", CONFIG),
        (
            "node",
            &CONFIG.replace("endpoint.sock}", "endpoint.sock, register: false}"),
        ),
    ] {
        let site = site();
        site.write("config.yaml", config);
        let _backend = site.backend("csi.sock", EBS);
        let _daemon = site.configured(verb);
        site.name_at("endpoint.sock").await;
        ready(&site.path("operations.sock"), 200, "").await;
        assert!(plugins(&site.path("kubelet/plugins_registry")).is_empty());
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_named_and_calls_go_on() {
    let site = site();
    fs::remove_dir_all(site.path("kubelet")).unwrap();
    let _backend = site.backend("csi.sock", EBS);
    let daemon = site.configured("node");
    daemon.says("not registered with kubelet").await;
    ready(
        &site.path("operations.sock"),
        503,
        &site.text("kubelet/plugins_registry"),
    )
    .await;
    site.carried_out("/csi.v1.Identity/Probe", b"").await;
}

#[tokio::test]
async fn the_embedded_backend_registers_itself() {
    let site = site();
    let registry = site.text("kubelet/plugins_registry");
    let (socket, state) = (site.text("own/csi.sock"), site.text("hostpath"));
    let flags = ["hostpath", "--node-id=a", "--driver-name", EBS];
    let places = ["--endpoint", &socket, "--state-dir", &state];
    let registered = ["--kubelet-registry", &registry];
    let mut args: Vec<&str> = flags.into_iter().chain(places).chain(registered).collect();
    let mut driver = Daemon::start(&args);
    let mut kubelet = Kubelet::finds(&site.path("kubelet/plugins_registry")).await;
    assert_eq!(kubelet.info.name, EBS);
    assert_eq!(kubelet.info.endpoint, socket);
    // It is served already.
    let answer = site
        .call("own/csi.sock", "/csi.v1.Node/NodeGetInfo", b"")
        .await;
    assert_eq!(
        NodeGetInfoResponse::decode(answer.message).unwrap().node_id,
        "a"
    );
    kubelet.says(None).await;
    driver.says("kubelet registered the driver").await;
    driver.terminated().await;

    args.push("--services=controller");
    let said = Daemon::start(&args).ended_with(2).await;
    assert!(said.contains("leave --kubelet-registry out"), "{said}");
}
