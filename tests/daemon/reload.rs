//! A configuration that changes while its daemon runs.

use rustix::process::Signal;
use tonic::Code;

use crate::daemon::{Daemon, until};
use crate::http;
use crate::scripted::Scripted;
use crate::site::Site;
use crate::undecided::{HANDLE, STAGE, VALUES, VSPHERE, stage, volume_of};

const CONFIG: &str = "\
backends:
- driver: csi.vsphere.vmware.com
  socket: /SITE/csi.sock
  endpoint: {socket: /SITE/endpoint.sock, register: false}
valuesFile: /SITE/values.yaml
state: /SITE/state
operations: {listen: /SITE/operations.sock}
log: {level: 'info'}
";

/// A daemon whose site does not say yet what the volume is called.
async fn without_the_value() -> (Site, Scripted, Daemon) {
    let site = Site::new();
    site.write("config.yaml", CONFIG);
    site.write("values.yaml", "{}\n");
    let backend = site.backend("csi.sock", VSPHERE);
    let daemon = site.configured("node");
    site.name_at("endpoint.sock").await;
    let answer = site.call("endpoint.sock", STAGE, stage()).await;
    assert_eq!(answer.code, Code::FailedPrecondition);
    assert!(
        answer.said.contains("vsphereVolume.volumes"),
        "{}",
        answer.said
    );
    (site, backend, daemon)
}

#[tokio::test]
async fn a_value_counts_from_the_next_call_on_once_its_file_has_changed() {
    let (site, backend, _daemon) = without_the_value().await;
    site.write("values.yaml", VALUES);
    until("the volume is staged", async || {
        let answer = site.call("endpoint.sock", STAGE, stage()).await;
        (answer.code == Code::Ok).then_some(())
    })
    .await;
    assert_eq!(volume_of(&backend.last().message), HANDLE);
}

#[tokio::test]
async fn a_hangup_reads_it_again_and_the_log_level_with_it() {
    let (site, _backend, daemon) = without_the_value().await;
    site.write("values.yaml", VALUES);
    site.write(
        "config.yaml",
        &CONFIG.replace("info", "info,flex2csi::endpoint=debug"),
    );
    daemon.signal(Signal::HUP);
    daemon.says("the configuration was reloaded").await;
    site.carried_out(STAGE, stage()).await;
    daemon.says("answered").await;
    let (_, level) = http::get(&site.path("operations.sock"), "/log-level").await;
    assert_eq!(level, "info,flex2csi::endpoint=debug\n");
}

#[tokio::test]
async fn one_that_is_wrong_is_said_and_the_one_before_runs_on() {
    let (site, _backend, daemon) = without_the_value().await;
    site.write("values.yaml", VALUES);
    daemon.signal(Signal::HUP);
    daemon.says("the configuration was reloaded").await;
    let operations = site.path("operations.sock");
    http::ready(&operations, 200, "").await;

    let file = site.write("config.yaml", &CONFIG.replace("valuesFile", "valueFile"));
    daemon.signal(Signal::HUP);
    let wrong = format!("{}:5:1: unknown key `valueFile`", file.display());
    daemon.says(&wrong).await;
    http::ready(&operations, 503, &wrong).await;
    site.carried_out(STAGE, stage()).await;

    site.write("config.yaml", CONFIG);
    daemon.signal(Signal::HUP);
    http::ready(&operations, 200, "").await;
    site.carried_out(STAGE, stage()).await;
}

#[tokio::test]
async fn what_takes_a_restart_is_named_and_stays() {
    let (site, _backend, daemon) = without_the_value().await;
    site.write(
        "config.yaml",
        &CONFIG.replace("endpoint.sock", "other.sock"),
    );
    daemon.signal(Signal::HUP);
    let said = daemon.says("takes a restart").await;
    assert!(
        said.contains("backends[csi.vsphere.vmware.com].endpoint"),
        "{said}"
    );
    assert!(!site.path("other.sock").exists());
    site.name_at("endpoint.sock").await;
}
