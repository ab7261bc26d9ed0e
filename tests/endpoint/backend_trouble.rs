//! A backend that is gone, hangs, dies or is another: the right code, no hang,
//! and all is well as soon as it is back.

use std::time::Duration;

use bytes::Bytes;
use flex2csi::backend::Connection;
use flex2csi::grpc;
use http::{HeaderMap, HeaderValue, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;

use crate::caller::call_on;
use crate::rig::{EBS, Rig, Setup};
use crate::scripted::Reply;

const PLUGIN_INFO: &str = "/csi.v1.Identity/GetPluginInfo";
const PROBE: &str = "/csi.v1.Identity/Probe";
const DELETE: &str = "/csi.v1.Controller/DeleteVolume";

fn within(timeout: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-timeout", HeaderValue::from_static(timeout));
    headers
}

#[tokio::test]
async fn a_backend_that_comes_back_is_found_again() {
    let mut rig = Rig::echo();
    for _ in 0..3 {
        assert_eq!(rig.call(PROBE, b"").await.code, Code::Ok);
        let socket = rig.backend_socket();
        rig.replace_backend(EBS, |call| Reply::message(call.message.clone()));
        std::fs::rename(&socket, socket.with_extension("away")).unwrap();
        let answer = rig.call(DELETE, b"\x0a\x05vol-1").await;
        assert_eq!(answer.code, Code::Unavailable);
        assert!(
            answer.said.contains("csi.sock") && answer.said.contains(EBS),
            "{}",
            answer.said
        );
        std::fs::rename(socket.with_extension("away"), &socket).unwrap();
    }
    assert_eq!(rig.call(PROBE, b"").await.code, Code::Ok);
}

/// Sidecars end over an error, and wait for what is not ready.
#[tokio::test]
async fn a_probe_says_of_a_backend_that_is_starting_that_it_is_not_ready() {
    const READY: &[u8] = b"\x0a\x02\x08\x01";
    let rig = Rig::with(Setup::default(), |_| Reply::message(READY));
    let socket = rig.backend_socket();
    let away = socket.with_extension("away");
    // Of a backend that has ended the socket may be left.
    for is_left in [false, true] {
        std::fs::rename(&socket, &away).unwrap();
        if is_left {
            drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        }
        let answer = rig.call(PROBE, b"").await;
        assert_eq!(answer.code, Code::Ok, "{}", answer.said);
        assert_eq!(answer.message.as_ref(), b"\x0a\x00");
        std::fs::rename(&away, &socket).unwrap();
        assert_eq!(rig.call(PROBE, b"").await.message, READY);
    }
}

#[tokio::test]
async fn another_driver_at_the_socket_is_asked_nothing() {
    let mut rig = Rig::echo();
    assert_eq!(rig.call(PROBE, b"").await.code, Code::Ok);
    rig.replace_backend("other.csi.example", |_| Reply::message(""));
    let answer = rig.call(DELETE, b"\x0a\x05vol-1").await;
    assert_eq!(answer.code, Code::FailedPrecondition);
    assert!(
        answer.said.contains("other.csi.example") && answer.said.contains(EBS),
        "{}",
        answer.said
    );
    assert!(rig.backend.calls().is_empty());
    rig.replace_backend(EBS, |_| Reply::message(""));
    assert_eq!(rig.call(DELETE, b"\x0a\x05vol-1").await.code, Code::Ok);
}

#[tokio::test]
async fn a_backend_that_dies_within_a_call_is_unavailable() {
    let begun = || Reply::Begun(Bytes::from_static(b"\0\0\0\0\x09\x0a\x07"));
    for (path, reply) in [
        (PROBE, Reply::Hang),
        (DELETE, Reply::Hang),
        (PROBE, begun()),
        // Its answer is looked into.
        (PLUGIN_INFO, begun()),
    ] {
        let mut rig = Rig::with(Setup::default(), move |_| reply.clone());
        let socket = rig.socket();
        let pending = tokio::spawn(async move {
            let mut connection = Connection::open(&socket).await.unwrap();
            call_on(
                &mut connection,
                path,
                grpc::frame(b"\x0a\x01v"),
                HeaderMap::new(),
            )
            .await
        });
        while rig.backend.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // What of an answer has been sent arrives.
        tokio::time::sleep(Duration::from_millis(20)).await;
        rig.replace_backend(EBS, |call| Reply::message(call.message.clone()));
        let answer = pending.await.unwrap();
        assert_eq!(answer.code, Code::Unavailable, "{}", answer.said);
        assert_eq!(rig.call(path, b"\x0a\x01v").await.code, Code::Ok);
    }
}

#[tokio::test]
async fn a_backend_that_hangs_ends_at_the_callers_deadline() {
    let rig = Rig::with(Setup::default(), |_| Reply::Hang);
    for path in [PROBE, DELETE] {
        let answer = rig.call_with(path, b"\x0a\x01v", within("200m")).await;
        assert_eq!(answer.code, Code::DeadlineExceeded, "{}", answer.said);
    }
    // The backend was told that nobody waits any more.
    for _ in 0..1000 {
        if rig.backend.open() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} calls are still open", rig.backend.open());
}

#[tokio::test]
async fn a_socket_that_accepts_and_says_nothing_is_unavailable() {
    let rig = Rig::echo();
    let socket = rig.backend_socket();
    std::fs::remove_file(&socket).unwrap();
    let silent = tokio::net::UnixListener::bind(&socket).unwrap();
    let answer = rig.call_with(PROBE, b"", within("300m")).await;
    assert_eq!(answer.code, Code::DeadlineExceeded, "{}", answer.said);
    let answer = rig.call(PROBE, b"").await;
    assert_eq!(answer.code, Code::Unavailable, "{}", answer.said);
    drop(silent);
}

#[tokio::test]
async fn a_call_that_is_given_up_is_given_up_at_the_backend() {
    let rig = Rig::with(Setup::default(), |call| {
        let every_third = call.message.last().is_some_and(|byte| byte % 3 == 0);
        if every_third {
            Reply::Hang
        } else {
            Reply::Late(Duration::from_millis(1), call.message.clone())
        }
    });
    let mut connection = Connection::open(&rig.socket()).await.unwrap();
    for round in 0..40_u8 {
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..250_u8 {
            let mut connection = connection.clone();
            calls.spawn(async move {
                let path = if number % 2 == 0 { PROBE } else { DELETE };
                let request = Request::post(grpc::uri(&path.parse().unwrap()))
                    .header("content-type", "application/grpc")
                    .body(grpc::Body::message(grpc::frame(&[0x0a, 1, number % 100])))
                    .unwrap();
                // Between at once and long after an answer.
                let patience = Duration::from_micros(u64::from(number) * 37 % 5000);
                let _ = tokio::time::timeout(patience, connection.send(request)).await;
            });
        }
        while calls.join_next().await.is_some() {}
        let body = grpc::frame(&[0x0a, 1, 1]);
        let answer = call_on(&mut connection, PROBE, body, HeaderMap::new()).await;
        assert_eq!(answer.code, Code::Ok, "round {round}: {}", answer.said);
    }
    for _ in 0..1000 {
        if rig.backend.open() == 0 {
            let text = rig.metrics.text().unwrap();
            assert!(
                text.contains(
                    "flex2csi_calls_in_flight{door=\"csi\",driver=\"ebs.csi.aws.com\"} 0"
                ),
                "{text}"
            );
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} calls are still open", rig.backend.open());
}

/// grpc-go takes a ping within five minutes of another for an attack, and closes
/// the connection under the calls on it (v1.79.3, internal/transport/http2_server.go).
#[tokio::test(start_paused = true)]
async fn a_backend_is_not_pinged_under_a_long_call() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("csi.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let backend = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let settings_and_their_acknowledgement = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
        let said = stream.write_all(settings_and_their_acknowledgement).await;
        said.unwrap();
        let mut got = Vec::new();
        let calls = stream.read_to_end(&mut got);
        let ended = tokio::time::timeout(Duration::from_secs(600), calls).await;
        assert!(ended.is_err(), "the call was given up");
        got
    };
    // The caller of the rig gives up after a minute; this one has no deadline.
    let call = async {
        let mut connection = Connection::open(&socket).await.unwrap();
        let request = Request::post(grpc::uri(&PROBE.parse().unwrap()));
        let request = request.body(grpc::Body::message(grpc::frame(b"")));
        connection.send(request.unwrap()).await.map(drop)
    };
    let got = tokio::select! {
        got = backend => got,
        answer = call => panic!("{answer:?}"),
    };
    let mut frames = &got[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len()..];
    let mut kinds = Vec::new();
    while let [a, b, c, kind, ..] = *frames {
        kinds.push(kind);
        frames = &frames[9 + u32::from_be_bytes([0, a, b, c]) as usize..];
    }
    let (headers, ping) = (1, 6);
    assert!(
        kinds.contains(&headers) && !kinds.contains(&ping),
        "{kinds:?}"
    );
}
