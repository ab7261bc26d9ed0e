//! What a second hop costs that has nothing of ours: HTTP/2 forwarded with the
//! same libraries, and bytes copied by two threads.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use http::uri::{Authority, Parts, Scheme};
use http::{Request, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{client, server};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// As the endpoint has them.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Forwards each call with hyper.
pub async fn forward(socket: &Path, backend: &Path) -> anyhow::Result<()> {
    let stream = tokio::net::UnixStream::connect(backend).await?;
    let (sender, connection) = client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake::<_, Incoming>(TokioIo::new(stream))
        .await?;
    tokio::spawn(connection);
    let listener = tokio::net::UnixListener::bind(socket)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let sender = sender.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut sender = sender.clone();
            let (mut head, body) = request.into_parts();
            head.uri = on_localhost(head.uri);
            async move { sender.send_request(Request::from_parts(head, body)).await }
        });
        let connection = server::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

fn on_localhost(uri: Uri) -> Uri {
    let mut parts: Parts = uri.into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::from_static("localhost"));
    Uri::from_parts(parts).unwrap_or_default()
}

/// Copies bytes in both directions, knowing nothing of them.
pub fn copy(socket: &Path, backend: PathBuf) -> io::Result<()> {
    for stream in UnixListener::bind(socket)?.incoming() {
        let (stream, upstream) = (stream?, UnixStream::connect(&backend)?);
        let (back, upstream_back) = (stream.try_clone()?, upstream.try_clone()?);
        thread::spawn(move || pump(stream, upstream));
        thread::spawn(move || pump(upstream_back, back));
    }
    Ok(())
}

fn pump(mut from: UnixStream, mut to: UnixStream) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return to.shutdown(std::net::Shutdown::Write);
        }
        to.write_all(&buffer[..read])?;
    }
}
