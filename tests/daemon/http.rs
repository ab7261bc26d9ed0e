//! Asking what operations serve.

use std::net::SocketAddr;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::daemon::until;

/// The status and the body of an answer.
pub type Answer = (u16, String);

/// Asks over a Unix socket.
pub async fn get(socket: &Path, path: &str) -> Answer {
    ask(UnixStream::connect(socket).await.unwrap(), path).await
}

/// Asks over TCP.
pub async fn get_at(address: SocketAddr, path: &str) -> Answer {
    ask(TcpStream::connect(address).await.unwrap(), path).await
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The value of a sample, by all of its line that stands before the value.
pub async fn sample(socket: &Path, name: &str) -> Option<u64> {
    let (_, text) = get(socket, "/metrics").await;
    let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
    let value = values.find_map(|rest| rest.strip_prefix(' '))?;
    Some(value.parse().unwrap())
}

/// Waits until a sample has a value.
pub async fn counted(socket: &Path, name: &str, value: u64) {
    let what = format!("{name} is {value}");
    until(&what, async || {
        (sample(socket, name).await == Some(value)).then_some(())
    })
    .await;
}

/// Waits until `/readyz` answers with this status, and with this in its text.
pub async fn ready(socket: &Path, status: u16, said: &str) {
    let what = format!("/readyz answers {status} and {said:?}");
    until(&what, async || {
        let (found, text) = get(socket, "/readyz?verbose").await;
        (found == status && text.contains(said)).then_some(())
    })
    .await;
}
