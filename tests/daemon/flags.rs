//! One backend and its endpoint, by flags alone.

use std::time::Duration;

use tonic::Code;

use crate::daemon::Daemon;
use crate::http;
use crate::site::{EBS, EBS_ENDPOINT, Site};

const PROBE: &str = "/csi.v1.Identity/Probe";
const INFO: &str = "/csi.v1.Identity/GetPluginInfo";

#[tokio::test]
async fn the_driver_is_asked_its_name_and_the_endpoint_takes_it() {
    for verb in ["node", "controller"] {
        let site = Site::new();
        let _backend = site.backend("csi.sock", EBS);
        let mut daemon = site.single(verb, &[]);
        assert_eq!(site.name_at("endpoint.sock").await, EBS_ENDPOINT);
        assert_eq!(site.carried_out(PROBE, b"\x0a\x01x").await, "\x0a\x01x");
        daemon.terminated().await;
    }
}

#[tokio::test]
async fn sockets_are_given_as_sidecars_give_them_too() {
    let site = Site::new();
    let _backend = site.backend("csi.sock", EBS);
    let backend = format!("--backend=unix://{}", site.text("csi.sock"));
    let endpoint = format!("--endpoint=unix:{}", site.text("endpoint.sock"));
    let _daemon = Daemon::start(["node", &backend, &endpoint]);
    assert_eq!(site.name_at("endpoint.sock").await, EBS_ENDPOINT);
}

#[tokio::test]
async fn a_backend_that_is_not_there_yet_is_waited_for_and_that_is_said_once() {
    let site = Site::new();
    let daemon = site.node(&[]);
    let said = daemon.says("waiting for the backend").await;
    assert!(said.contains(&site.text("csi.sock")), "{said}");
    // It looks again several times.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let _backend = site.backend("csi.sock", EBS);
    assert_eq!(site.name_at("endpoint.sock").await, EBS_ENDPOINT);
    let log = daemon.log();
    assert_eq!(log.matches("waiting for the backend").count(), 1, "{log}");
}

/// A liveness probe that fails would have it restarted for the driver's sake.
#[tokio::test]
async fn who_waits_for_a_backend_is_healthy_and_not_ready_and_can_be_ended() {
    let site = Site::new();
    let operations = site.path("operations.sock");
    let mut daemon = site.node(&["--operations", operations.to_str().unwrap()]);
    daemon.says("waiting for the backend").await;
    assert_eq!(http::get(&operations, "/healthz").await.0, 200);
    http::ready(&operations, 503, "waiting for the backend").await;
    daemon.terminated().await;

    let daemon = site.node(&["--operations", operations.to_str().unwrap()]);
    daemon.says("waiting for the backend").await;
    let _backend = site.backend("csi.sock", EBS);
    http::ready(&operations, 200, "endpoints").await;
}

#[tokio::test]
async fn a_driver_that_is_named_is_served_at_once_and_no_other_takes_its_place() {
    let site = Site::new();
    let daemon = site.node(&["--driver", EBS, "--name", "legacy.example"]);
    daemon.says("serving endpoint=").await;
    // Not ready.
    assert_eq!(site.carried_out(PROBE, b"").await, "\x0a\x00");
    let answer = site.call("endpoint.sock", INFO, b"").await;
    assert_eq!(answer.code, Code::Unavailable, "{}", answer.said);

    let other = site.backend("csi.sock", "other.csi.example");
    let answer = site.call("endpoint.sock", PROBE, b"").await;
    assert_eq!(answer.code, Code::FailedPrecondition);
    assert!(answer.said.contains("other.csi.example"), "{}", answer.said);
    assert!(other.calls().is_empty());

    let _backend = site.backend("csi.sock", EBS);
    assert_eq!(site.name_at("endpoint.sock").await, "legacy.example");
}

#[tokio::test]
async fn a_name_that_becomes_too_long_is_refused_with_the_flag_that_helps() {
    let site = Site::new();
    let long = format!("{}.csi.example", "x".repeat(48));
    let _backend = site.backend("csi.sock", &long);
    let log = site.node(&[]).ended_with(2).await;
    assert!(log.contains(&format!("{long}.flex2csi.io")), "{log}");
    assert!(log.contains("with --name"), "{log}");
    assert!(!site.path("endpoint.sock").exists());

    let _daemon = site.node(&["--name", "x.flex2csi.io"]);
    assert_eq!(site.name_at("endpoint.sock").await, "x.flex2csi.io");
}

#[tokio::test]
async fn flags_that_say_nothing_together_are_refused() {
    let single = ["--backend", "/csi/csi.sock", "--endpoint", "/csi/e.sock"];
    let cases: &[(&[&str], &str)] = &[
        (&[], "--config"),
        (&single[..2], "--endpoint"),
        (&single[2..], "--backend"),
        (&["--config", "f", "--backend", "/b"], "--backend"),
        (&["--config", "f", "--values", "v"], "--values"),
        (&["--config", "f", "--mappings", "m"], "--mappings"),
        (&["--config", "f", "--log-level", "debug"], "--log-level"),
        (&["--config", "f", "--context", "c"], "--kubeconfig"),
    ];
    for (args, said) in cases {
        let log = Daemon::start([&["node"], *args].concat())
            .ended_with(2)
            .await;
        assert!(log.contains(said), "{args:?}: {log}");
    }
    let values: &[(&[&str], &str)] = &[
        (&["--driver", "a b"], "no CSI driver name"),
        (&["--operations", "9809"], "an address with a port"),
        (&["--values", "/no/such/file"], "/no/such/file"),
        (&["--mappings", "/no/such/dir"], "/no/such/dir"),
        (&["--log-level", "loud"], "is no level"),
    ];
    for (args, said) in values {
        let log = Daemon::start([&["node"], &single[..], *args].concat())
            .ended_with(2)
            .await;
        assert!(log.contains(said), "{args:?}: {log}");
    }
}
