//! Calls that a backend does not take, and ones that it may have taken.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flex2csi::backend::Connection;
use flex2csi::grpc::{self, Body};
use h2::Reason;
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{UnixListener, UnixStream};
use tonic::Code;

use crate::rig::{Rig, Setup};
use crate::scripted::Reply;

const PROBE: &str = "/csi.v1.Identity/Probe";
const DELETE: &str = "/csi.v1.Controller/DeleteVolume";
const VOLUME: &[u8] = b"\x0a\x05vol-1";

const PREFACE: usize = 24;
const HEAD: usize = 9;
const HEADERS: u8 = 1;
const GO_AWAY: u8 = 7;

/// Stands in front of a backend. It ends the first connection when that has its
/// second call (stream 3; the first asks for the name), in place of handing it on,
/// and calls `last` the last stream that was acted on. Gives how many connections
/// there were.
fn end_first_connection(socket: PathBuf, last: u8) -> Arc<AtomicUsize> {
    let behind = socket.with_extension("behind");
    std::fs::rename(&socket, &behind).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        loop {
            let (caller, _) = listener.accept().await.unwrap();
            let backend = UnixStream::connect(&behind).await.unwrap();
            let is_first = counted.fetch_add(1, Ordering::Relaxed) == 0;
            tokio::spawn(carry(caller, backend, is_first.then_some(last)));
        }
    });
    connections
}

async fn carry(mut caller: UnixStream, mut backend: UnixStream, last: Option<u8>) {
    let Some(last) = last else {
        let _ = tokio::io::copy_bidirectional(&mut caller, &mut backend).await;
        return;
    };
    let (mut from_caller, mut to_caller) = caller.split();
    let (mut from_backend, mut to_backend) = backend.split();
    let until_second_call = async {
        let mut preface = [0; PREFACE];
        from_caller.read_exact(&mut preface).await.unwrap();
        to_backend.write_all(&preface).await.unwrap();
        loop {
            let mut head = [0; HEAD];
            from_caller.read_exact(&mut head).await.unwrap();
            if head[3] == HEADERS && head[8] == 3 {
                return;
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut frame = vec![0; length as usize];
            from_caller.read_exact(&mut frame).await.unwrap();
            to_backend.write_all(&head).await.unwrap();
            to_backend.write_all(&frame).await.unwrap();
        }
    };
    tokio::select! {
        () = until_second_call => {}
        _ = copy(&mut from_backend, &mut to_caller) => panic!("the backend is gone"),
    }
    let go_away = [0, 0, 8, GO_AWAY, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, 0];
    to_caller.write_all(&go_away).await.unwrap();
    // What comes of the call is read, as a kernel resets what was not.
    to_caller.shutdown().await.unwrap();
    let _ = from_caller.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn a_call_after_the_last_one_of_a_connection_is_made_on_the_next() {
    for path in [PROBE, DELETE] {
        let rig = Rig::echo();
        let connections = end_first_connection(rig.backend_socket(), 1);
        let (message, answer) = rig.forwarded(path, VOLUME).await;
        assert_eq!(message, VOLUME, "{path}");
        assert_eq!(answer.message, VOLUME, "{path}");
        assert_eq!(rig.backend.calls().len(), 1, "{path}");
        assert_eq!(connections.load(Ordering::Relaxed), 2, "{path}");
    }
}

#[tokio::test]
async fn a_call_that_may_have_been_acted_on_is_not_made_again() {
    for path in [PROBE, DELETE] {
        let rig = Rig::echo();
        let connections = end_first_connection(rig.backend_socket(), 3);
        let answer = rig.call(path, VOLUME).await;
        assert_eq!(answer.code, Code::Unavailable, "{path}: {}", answer.said);
        assert_eq!(rig.backend.calls().len(), 0, "{path}");
        assert_eq!(connections.load(Ordering::Relaxed), 1, "{path}");
    }
}

/// Answers after it has refused so many calls.
fn refusing(times: usize, reason: Reason) -> Rig {
    let refused = AtomicUsize::new(0);
    Rig::with(Setup::default(), move |call| {
        if refused.fetch_add(1, Ordering::Relaxed) < times {
            Reply::Reset(reason)
        } else {
            Reply::message(call.message.clone())
        }
    })
}

#[tokio::test]
async fn a_refused_call_is_made_again_a_few_times() {
    for path in [PROBE, DELETE] {
        let rig = refusing(3, Reason::REFUSED_STREAM);
        let (message, _) = rig.forwarded(path, VOLUME).await;
        assert_eq!(message, VOLUME, "{path}");
        assert_eq!(rig.backend.calls().len(), 4, "{path}");
    }
}

#[tokio::test]
async fn a_reset_is_passed_on_and_only_refusals_are_tried_again() {
    let refused = Reason::REFUSED_STREAM;
    for (reason, calls) in [
        (refused, 20),
        (Reason::CANCEL, 1),
        (Reason::INTERNAL_ERROR, 1),
    ] {
        let rig = refusing(usize::MAX, reason);
        let mut connection = Connection::open(&rig.socket()).await.unwrap();
        let request = Request::post(grpc::uri(&PROBE.parse().unwrap()))
            .header("content-type", "application/grpc")
            .body(Body::message(grpc::frame(VOLUME)));
        let (error, _) = connection.send(request.unwrap()).await.unwrap_err();
        assert_eq!(error.reason(), Some(reason));
        assert_eq!(rig.backend.calls().len(), calls, "{reason:?}");
    }
}
