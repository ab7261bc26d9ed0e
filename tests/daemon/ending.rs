//! The end of a daemon.

use bytes::Bytes;
use flex2csi::backend::Connection;
use flex2csi::grpc;
use http::HeaderMap;
use rustix::process::Signal;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::caller::{Answer, call_on};
use crate::daemon::{Daemon, until};
use crate::scripted::{Reply, Scripted};
use crate::site::{EBS, Site};

const PUBLISH: &str = "/csi.v1.Node/NodePublishVolume";

/// A daemon with a call in flight, which ends when the token says so.
struct InFlight {
    site: Site,
    daemon: Daemon,
    call: tokio::task::JoinHandle<Answer>,
    end: CancellationToken,
    _backend: Scripted,
}

impl InFlight {
    async fn start() -> Self {
        let (site, end) = (Site::new(), CancellationToken::new());
        let ends = end.clone();
        let backend = Scripted::serve(&site.path("csi.sock"), EBS, move |call| {
            if call.path == PUBLISH {
                Reply::Once(ends.clone(), Bytes::from_static(b"published"))
            } else {
                Reply::message("")
            }
        });
        let daemon = site.node(&["--operations", &site.text("operations.sock")]);
        site.name_at("endpoint.sock").await;
        let mut connection = Connection::open(&site.path("endpoint.sock")).await.unwrap();
        let call = tokio::spawn(async move {
            let body = grpc::frame(b"\x0a\x05vol-1");
            call_on(&mut connection, PUBLISH, body, HeaderMap::new()).await
        });
        until("the backend is asked to publish", async || {
            (backend.last().path == PUBLISH).then_some(())
        })
        .await;
        Self {
            site,
            daemon,
            call,
            end,
            _backend: backend,
        }
    }
}

#[tokio::test]
async fn a_call_in_flight_ends_before_the_daemon_does_and_no_other_is_taken() {
    let mut rig = InFlight::start().await;
    rig.daemon.signal(Signal::TERM);
    let socket = rig.site.path("endpoint.sock");
    until("new callers are refused", async || {
        UnixStream::connect(&socket).await.err()
    })
    .await;
    assert!(!rig.call.is_finished());
    // It is still this daemon's socket.
    let log = rig.site.node(&[]).ended_with(1).await;
    assert!(log.contains("is already served by process"), "{log}");

    rig.end.cancel();
    let answer = rig.call.await.unwrap();
    assert_eq!(answer.code, Code::Ok, "{}", answer.said);
    assert_eq!(answer.message, "published");
    rig.daemon.ended_with(0).await;
    assert!(socket.exists());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut rig = InFlight::start().await;
        rig.daemon.signal(signal);
        rig.daemon.says("once more ends at once").await;
        rig.daemon.signal(signal);
        rig.daemon.ended_with(code).await;
        let answer = rig.call.await;
        assert!(answer.is_err(), "its connection broke: {answer:?}");
    }
}
