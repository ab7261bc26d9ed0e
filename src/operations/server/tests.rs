//! The listener as those see it who ask.

use std::io;
use std::net::SocketAddr;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::DropGuard;

use super::*;
use crate::log;
use crate::metrics::{Door, Metrics};
use crate::operations::Conditions;

/// A listener that is served.
struct Served {
    address: SocketAddr,
    operations: Operations,
    served: tokio::task::JoinHandle<()>,
    shutdown: DropGuard,
    _log: Box<dyn Send>,
}

fn operations() -> (Operations, Box<dyn Send>) {
    let level = log::Level::default();
    let (subscriber, log) = log::subscriber(log::Format::Text, &level, false, io::sink);
    let operations = Operations {
        metrics: Metrics::new(),
        conditions: Conditions::default(),
        log,
    };
    (operations, Box::new(subscriber))
}

impl Served {
    async fn start() -> Self {
        let server = Server::bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
        let Listen::Address(address) = server.listens().unwrap() else {
            panic!("it listens on an address");
        };
        let (operations, log) = operations();
        let shutdown = CancellationToken::new();
        Self {
            address,
            served: tokio::spawn(server.serve(operations.clone(), shutdown.clone())),
            operations,
            shutdown: shutdown.drop_guard(),
            _log: log,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The status, the headers and the body that are answered.
    async fn ask(&self, request: &str, body: &str) -> (u16, String, String) {
        ask(self.connect().await, request, body).await
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let (status, _, body) = self.ask(&format!("GET {path}"), "").await;
        (status, body)
    }

    async fn put_level(&self, level: &str) -> (u16, String) {
        let (status, _, body) = self.ask("PUT /log-level", level).await;
        (status, body)
    }
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    body: &str,
) -> (u16, String, String) {
    let length = body.len();
    let request = format!(
        "{request} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn metrics_are_open_metrics() {
    let served = Served::start().await;
    // Enough that the answer is larger than any buffer.
    for driver in ["a.b".to_owned()]
        .into_iter()
        .chain((0..200).map(|n| format!("d{n}")))
    {
        let calls = served.operations.metrics.calls(Door::Csi, &driver);
        calls.rpc("Probe").start().finish(tonic::Code::Ok);
    }
    let (status, head, body) = served.ask("GET /metrics", "").await;
    assert_eq!(status, 200);
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.lines().any(|line| line == kind), "{head}");
    let sample = "flex2csi_calls_total{door=\"csi\",driver=\"a.b\",rpc=\"Probe\",code=\"OK\"} 1\n";
    assert!(body.contains(sample));
    assert!(body.ends_with("# EOF\n") && body.len() > 100_000);
}

#[tokio::test]
async fn health_is_ok_and_readiness_is_what_the_conditions_say() {
    let served = Served::start().await;
    let ok = || (200, "ok\n".to_owned());
    assert_eq!(served.get("/healthz").await, ok());
    assert_eq!(served.get("/readyz").await, ok());

    let backend = served.operations.conditions.add("backend/a.b");
    let failed = "[-]backend/a.b failed: not known yet\nreadyz check failed\n";
    assert_eq!(served.get("/readyz").await, (503, failed.to_owned()));
    assert_eq!(served.get("/healthz").await, ok());

    backend.met();
    assert_eq!(served.get("/readyz").await, ok());
    let passed = "[+]backend/a.b ok\nreadyz check passed\n";
    assert_eq!(
        served.get("/readyz?verbose").await,
        (200, passed.to_owned())
    );
    assert_eq!(
        served.get("/readyz?verbose=1").await,
        (200, passed.to_owned())
    );

    backend.not_met("connection refused");
    let failed = "[-]backend/a.b failed: connection refused\nreadyz check failed\n";
    assert_eq!(
        served.get("/readyz?verbose").await,
        (503, failed.to_owned())
    );
}

#[tokio::test]
async fn the_log_level_is_shown_and_changed() {
    let served = Served::start().await;
    assert_eq!(served.get("/log-level").await, (200, "info\n".to_owned()));
    let level = "info,flex2csi::endpoint=debug\n";
    assert_eq!(served.put_level(level).await, (200, level.to_owned()));
    assert_eq!(served.operations.log.level().as_str(), level.trim_end());
    assert_eq!(served.get("/log-level").await, (200, level.to_owned()));

    let (status, said) = served.put_level("loud").await;
    assert_eq!(status, 400);
    assert!(
        said.starts_with("\"loud\" is no level; expected "),
        "{said}"
    );
    assert_eq!(served.get("/log-level").await.1, level);
}

#[tokio::test]
async fn the_log_level_is_not_changed_from_afar() {
    let (operations, _log) = operations();
    let routes = routes::router(operations.clone()).layer(Extension(Caller::Remote));
    for (request, status) in [("PUT /log-level", 403), ("GET /log-level", 200)] {
        let (ours, theirs) = tokio::io::duplex(4096);
        let shutdown = CancellationToken::new();
        tokio::spawn(connection(Box::new(theirs), routes.clone(), shutdown));
        assert_eq!(ask(ours, request, "trace").await.0, status, "{request}");
    }
    assert_eq!(operations.log.level(), log::Level::default());
}

#[test]
fn whoever_comes_over_loopback_is_local() {
    for (address, caller) in [
        ("127.0.0.1", Caller::Local),
        ("127.1.2.3", Caller::Local),
        ("::1", Caller::Local),
        ("::ffff:127.0.0.1", Caller::Local),
        ("10.0.0.1", Caller::Remote),
        ("::ffff:10.0.0.1", Caller::Remote),
    ] {
        assert_eq!(Caller::at(address.parse().unwrap()), caller, "{address}");
    }
}

#[tokio::test]
async fn anything_else_is_refused_and_disturbs_nobody() {
    let served = Served::start().await;
    for (request, body, status) in [
        ("GET /", "", 404),
        ("POST /metrics", "", 405),
        ("PUT /log-level", "x".repeat(5000).as_str(), 413),
        ("PUT /log-level", "", 400),
        ("GET\u{0} /metrics", "", 400),
        (&format!("GET /{}", "x".repeat(100_000)), "", 431),
    ] {
        let (answered, head, _) = served.ask(request, body).await;
        let request = &request[..request.len().min(40)];
        assert_eq!(answered, status, "{request}: {head}");
    }
    assert_eq!(served.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn a_unix_socket_serves_the_same() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("operations.sock");
    let server = Server::bind(&Listen::Socket(path.clone())).await.unwrap();
    let (operations, _log) = operations();
    let shutdown = CancellationToken::new();
    let _end = shutdown.clone().drop_guard();
    tokio::spawn(server.serve(operations.clone(), shutdown));
    let stream = UnixStream::connect(&path).await.unwrap();
    assert_eq!(ask(stream, "PUT /log-level", "warn").await.0, 200);
    assert_eq!(operations.log.level().as_str(), "warn");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let served = Served::start().await;
    let again = Server::bind(&Listen::Address(served.address)).await;
    let error = again.map(drop).unwrap_err().to_string();
    let start = format!("cannot listen on {} for operations: ", served.address);
    assert!(error.starts_with(&start), "{error}");
}

#[tokio::test(start_paused = true)]
async fn who_stops_in_the_middle_is_hung_up_on() {
    let served = Served::start().await;
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\n", None),
        (
            "PUT /log-level HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nin",
            Some("408"),
        ),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n", Some("200")),
    ] {
        let mut silent = served.connect().await;
        silent.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        silent.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), status, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_when_all_room_is_taken_waits_for_some() {
    let served = Served::start().await;
    let mut others = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut other = served.connect().await;
        other
            .write_all(b"GET /healthz HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        other.read_u8().await.unwrap();
        others.push(other);
    }
    let ask = served.get("/healthz");
    tokio::pin!(ask);
    let waits = tokio::time::timeout(HEAD / 2, ask.as_mut());
    assert!(waits.await.is_err());
    others.pop();
    assert_eq!(ask.await.0, 200);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_idle_connections() {
    let served = Served::start().await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    idle.read_u8().await.unwrap();
    drop(served.shutdown);
    served.served.await.unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
}
