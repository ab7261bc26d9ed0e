//! Many callers at once, good and bad.

use std::path::Path;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::identity::{connect, name, serve};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What no gRPC client sends.
fn garbage() -> Vec<Vec<u8>> {
    let after_preface = |bytes: &[u8]| [PREFACE, bytes].concat();
    vec![
        vec![],
        b"\0".to_vec(),
        b"GET / HTTP/1.1\r\nHost: /\r\n\r\n".to_vec(),
        PREFACE[..20].to_vec(),
        vec![0xff; 100_000],
        after_preface(&[0xff; 100_000]),
        after_preface(&[0; 100_000]),
        // A header block that never ends.
        after_preface(
            &[
                b"\0\0\0\x01\0\0\0\0\x01".to_vec(),
                b"\0\0\0\x09\0\0\0\0\x01".repeat(10_000),
            ]
            .concat(),
        ),
        // HEADERS with more padding than payload, and with an endless integer.
        after_preface(b"\0\0\x02\x01\x0d\0\0\0\x01\xff\x41"),
        after_preface(b"\0\0\x08\x01\x05\0\0\0\x01\x41\xff\xff\xff\xff\xff\xff\xff"),
        // An authority that is no Huffman code.
        after_preface(b"\0\0\x05\x01\x05\0\0\0\x01\x41\x83\xff\xff\xff"),
    ]
}

async fn send(path: &Path, bytes: &[u8]) {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // The server may close before it has read all.
    stream.write_all(bytes).await.ok();
    stream.shutdown().await.ok();
    stream.read_to_end(&mut Vec::new()).await.ok();
}

#[tokio::test]
async fn garbage_disturbs_nobody_else() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("csi.sock");
    serve(&path);
    let mut client = connect(&path).await;
    let mut senders = JoinSet::new();
    for bytes in garbage().into_iter().cycle().take(100) {
        let path = path.clone();
        senders.spawn(async move { send(&path, &bytes).await });
        assert_eq!(name(&mut client).await.unwrap(), "test.flex2csi.io");
    }
    senders.join_all().await;
    assert_eq!(name(&mut client).await.unwrap(), "test.flex2csi.io");
    assert_eq!(
        name(&mut connect(&path).await).await.unwrap(),
        "test.flex2csi.io"
    );
}

#[tokio::test]
async fn a_caller_that_says_nothing_holds_up_nobody() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("csi.sock");
    serve(&path);
    let mut silent = Vec::new();
    for bytes in garbage() {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        stream
            .write_all(&bytes[..bytes.len().min(30)])
            .await
            .unwrap();
        silent.push(stream);
    }
    assert_eq!(
        name(&mut connect(&path).await).await.unwrap(),
        "test.flex2csi.io"
    );
}
