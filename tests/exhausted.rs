//! A process without free descriptors. Alone in its binary: the limit is that of
//! the whole process.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::time::Duration;

use flex2csi::socket::Listener;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::time::timeout;

#[tokio::test]
async fn accepting_goes_on_when_there_are_descriptors_again() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("csi.sock");
    let listener = Listener::bind(&path).unwrap();
    let _client = UnixStream::connect(&path).unwrap();

    let limit = Rlimit {
        current: Some(64),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut open = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }
    let mut accept = pin!(listener.accept());
    // However long it takes, it does not end, not even with an error.
    let early = timeout(Duration::from_millis(100), &mut accept).await;
    assert!(early.is_err(), "{early:?}");

    drop(open);
    accept.await.unwrap();
}
