//! What the driver says of itself.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::server::Server;

#[tokio::test]
#[ignore = "needs root: to be the driver that others are"]
async fn calls_are_counted_by_how_they_ended() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("operations.sock");
    let server = Server::start("directory", &["--operations", socket.to_str().unwrap()]).await;
    let volume = server.create("a").await;
    server.delete(&volume).await.unwrap();
    server.stage("nothing").await.unwrap_err();
    let mut stream = UnixStream::connect(&socket).unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    for (rpc, code) in [
        ("CreateVolume", "OK"),
        ("DeleteVolume", "OK"),
        ("NodeStageVolume", "NotFound"),
    ] {
        let labels = [
            "door=\"hostpath\"".to_owned(),
            format!("rpc=\"{rpc}\""),
            format!("code=\"{code}\""),
        ];
        let mut lines = said.lines();
        let line = lines.find(|line| labels.iter().all(|label| line.contains(label)));
        assert!(line.is_some_and(|line| line.ends_with(" 1")), "{said}");
    }
}
