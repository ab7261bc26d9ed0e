//! Metrics, health and logs of a daemon.

use std::net::SocketAddr;

use flex2csi::grpc;
use http::HeaderMap;
use serde_json::Value;
use tonic::Code;

use crate::caller;
use crate::http::{counted, get, get_at, ready, sample};
use crate::scripted::{Reply, Scripted};
use crate::site::{EBS, Site};

const DELETE: &str = "/csi.v1.Controller/DeleteVolume";

#[tokio::test]
async fn operations_are_served_over_tcp_and_over_a_socket() {
    let site = Site::new();
    let _backend = site.backend("csi.sock", EBS);
    let socket = site.text("operations.sock");
    let daemon = site.node(&["--operations", &socket]);
    daemon.says(&format!("listen={socket}")).await;
    assert_eq!(
        get(&site.path("operations.sock"), "/healthz").await.1,
        "ok\n"
    );
    drop(daemon);

    let daemon = site.node(&["--operations", "127.0.0.1:0"]);
    let said = daemon.says("listen=127.0.0.1:").await;
    let (_, address) = said.split_once("listen=").unwrap();
    let address: SocketAddr = address.parse().unwrap();
    assert_eq!(get_at(address, "/healthz").await.1, "ok\n");
    let (status, metrics) = get_at(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("flex2csi_build_info{"), "{metrics}");
}

#[tokio::test]
async fn calls_are_counted_by_rpc_and_code() {
    let site = Site::new();
    let _backend = Scripted::serve(&site.path("csi.sock"), EBS, |call| {
        if call.path == DELETE {
            Reply::Status(tonic::Status::aborted("in use"))
        } else {
            Reply::message("")
        }
    });
    let operations = site.path("operations.sock");
    let _daemon = site.node(&["--operations", operations.to_str().unwrap()]);
    site.name_at("endpoint.sock").await;
    let stats = "/csi.v1.Node/NodeGetVolumeStats";
    for path in [DELETE, stats, stats, "/vendor.v1.Extras/DoThings"] {
        site.call("endpoint.sock", path, b"").await;
    }
    for (rpc, code, count) in [
        ("DeleteVolume", "Aborted", 1),
        ("NodeGetVolumeStats", "OK", 2),
        ("other", "OK", 1),
    ] {
        let calls = format!(
            "flex2csi_calls_total{{door=\"csi\",driver=\"{EBS}\",rpc=\"{rpc}\",code=\"{code}\"}}"
        );
        counted(&operations, &calls, count).await;
    }
    let in_flight = format!("flex2csi_calls_in_flight{{door=\"csi\",driver=\"{EBS}\"}}");
    counted(&operations, &in_flight, 0).await;
}

#[tokio::test]
async fn a_backend_that_goes_and_comes_is_seen_to() {
    let site = Site::new();
    let backend = site.backend("csi.sock", EBS);
    let operations = site.path("operations.sock");
    let daemon = site.node(&["--operations", operations.to_str().unwrap()]);
    daemon.says("serving endpoint=").await;
    let labels = format!("{{driver=\"{EBS}\",socket=\"{}\"}}", site.text("csi.sock"));
    let up = format!("flex2csi_backend_up{labels}");
    let connections = format!("flex2csi_backend_connections_total{labels}");
    counted(&operations, &up, 1).await;
    counted(&operations, &connections, 1).await;
    ready(&operations, 200, &format!("backend {EBS}")).await;

    drop(backend);
    counted(&operations, &up, 0).await;
    ready(&operations, 503, &site.text("csi.sock")).await;
    assert_eq!(
        get(&operations, "/healthz").await.0,
        200,
        "it is not to be restarted"
    );

    let _backend = site.backend("csi.sock", EBS);
    counted(&operations, &up, 1).await;
    counted(&operations, &connections, 2).await;
    ready(&operations, 200, "").await;
    let log = daemon.log();
    assert_eq!(log.matches("the backend is not there").count(), 1, "{log}");
}

/// As when a directory is mounted over for a while.
#[tokio::test]
async fn a_backend_whose_socket_was_out_of_sight_is_up_again() {
    let site = Site::new();
    let _backend = site.backend("csi.sock", EBS);
    let operations = site.path("operations.sock");
    let daemon = site.node(&["--operations", operations.to_str().unwrap()]);
    daemon.says("serving endpoint=").await;
    let labels = format!("{{driver=\"{EBS}\",socket=\"{}\"}}", site.text("csi.sock"));
    let up = format!("flex2csi_backend_up{labels}");
    counted(&operations, &up, 1).await;
    std::fs::rename(site.path("csi.sock"), site.path("away.sock")).unwrap();
    counted(&operations, &up, 0).await;
    std::fs::rename(site.path("away.sock"), site.path("csi.sock")).unwrap();
    counted(&operations, &up, 1).await;
    let connections = format!("flex2csi_backend_connections_total{labels}");
    assert_eq!(
        sample(&operations, &connections).await,
        Some(1),
        "it never went"
    );
}

#[tokio::test]
async fn a_call_has_one_request_id_in_the_log_and_at_the_backend() {
    let site = Site::new();
    let backend = site.backend("csi.sock", EBS);
    let daemon = site.node(&["--log-format", "json", "--log-level", "debug"]);
    site.name_at("endpoint.sock").await;
    // One that could bend a log line is replaced.
    for (given, taken) in [("caller-7", true), ("caller 8", false)] {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", given.parse().unwrap());
        let socket = site.path("endpoint.sock");
        let answer = caller::call(&socket, DELETE, grpc::frame(b""), headers).await;
        assert_eq!(answer.code, Code::Ok, "{}", answer.said);
        let id = backend.last().headers["x-request-id"].clone();
        assert_eq!(id == given, taken, "{id:?}");

        let line = daemon.says(&format!("{id:?}")).await;
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["rpc"], DELETE, "{line}");
        assert_eq!(line["request_id"], id.to_str().unwrap(), "{line}");
    }
    for line in daemon.log().lines() {
        serde_json::from_str::<Value>(line).expect(line);
    }
}
