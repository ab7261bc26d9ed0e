//! Backends and endpoints of a configuration.

use tonic::Code;

use crate::rpcs;
use crate::site::{EBS, EBS_ENDPOINT, Site};
use crate::undecided::VSPHERE;

const CONFIG: &str = "\
backends:
- driver: ebs.csi.aws.com
  socket: /SITE/ebs.sock
  controllerSocket: /SITE/ebs-controller.sock
  endpoint: {socket: /SITE/ebs-endpoint.sock, register: false}
- driver: csi.vsphere.vmware.com
  socket: /SITE/vsphere.sock
  endpoint: {name: legacy.example, socket: /SITE/vsphere-endpoint.sock, register: false}
state: /SITE/state
";

#[tokio::test]
async fn each_backend_has_its_endpoint() {
    let site = Site::new();
    site.write("config.yaml", CONFIG);
    let ebs = site.backend("ebs.sock", EBS);
    let vsphere = site.backend("vsphere.sock", VSPHERE);
    let _daemon = site.configured("node");
    assert_eq!(site.name_at("ebs-endpoint.sock").await, EBS_ENDPOINT);
    assert_eq!(
        site.name_at("vsphere-endpoint.sock").await,
        "legacy.example"
    );

    let before = ebs.calls().len();
    let path = "/csi.v1.Node/NodeGetVolumeStats";
    let answer = site.call("vsphere-endpoint.sock", path, b"").await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.said);
    assert_eq!(vsphere.last().path, path);
    assert_eq!(ebs.calls().len(), before);
}

#[tokio::test]
async fn each_service_is_the_node_sockets_or_the_controller_sockets() {
    for verb in ["node", "controller"] {
        let site = Site::new();
        site.write("config.yaml", CONFIG);
        let node = site.backend("ebs.sock", EBS);
        let controller = site.backend("ebs-controller.sock", EBS);
        let _daemon = site.configured(verb);
        site.name_at("ebs-endpoint.sock").await;
        for path in rpcs::of_csi() {
            let (asked_node, asked_controller) = (node.calls().len(), controller.calls().len());
            let answer = site.call("ebs-endpoint.sock", &path, b"").await;
            assert_eq!(answer.code, Code::Ok, "{path}: {}", answer.said);
            let of_node = match path.split(['.', '/']).nth(3).unwrap() {
                "Node" => true,
                // What it says of itself depends on who asks.
                "Identity" => verb == "node",
                "Controller" | "GroupController" | "SnapshotMetadata" => false,
                other => panic!("{other} is a new service"),
            };
            let asked = (
                node.calls().len() - asked_node,
                controller.calls().len() - asked_controller,
            );
            let expected = if of_node { (1, 0) } else { (0, 1) };
            assert_eq!(asked, expected, "flex2csi {verb}: {path}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_place_and_nothing_is_served() {
    let site = Site::new();
    let wrong = CONFIG
        .replace("/SITE/vsphere.sock", "vsphere.sock")
        .replace("legacy.example", "not_a_name");
    let file = site.write("config.yaml", &wrong);
    for verb in ["node", "controller"] {
        let log = site.configured(verb).ended_with(2).await;
        for place in ["7:11", "8:20"] {
            let said = format!("{}:{place}: ", file.display());
            assert!(log.contains(&said), "no {said} in {log}");
        }
    }
    assert!(!site.path("ebs-endpoint.sock").exists());
    assert!(!site.path("vsphere-endpoint.sock").exists());
}

#[tokio::test]
async fn a_configuration_that_is_not_there_or_has_nothing_to_serve_is_named() {
    let site = Site::new();
    let log = site.configured("node").ended_with(2).await;
    assert!(log.contains(&site.text("config.yaml")), "{log}");
    site.write("config.yaml", "backends: [{driver: ebs.csi.aws.com}]\n");
    let log = site.configured("node").ended_with(2).await;
    assert!(log.contains("nothing to serve"), "{log}");
}

/// One socket that cannot be had is a reason to serve none.
#[tokio::test]
async fn a_configuration_is_served_as_a_whole_or_not_at_all() {
    let site = Site::new();
    site.write("config.yaml", CONFIG);
    std::fs::create_dir(site.path("vsphere-endpoint.sock")).unwrap();
    let log = site.configured("node").ended_with(1).await;
    assert!(log.contains("is a directory, not a socket"), "{log}");
    assert!(!log.contains("serving"), "{log}");
}
