//! Takes calls, and forwards those that are to take effect.

use std::io;
use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio::net::TcpListener;

use super::{Fault, Shared};

/// Headers that concern one connection alone.
const OF_THE_CONNECTION: [&str; 4] = ["connection", "host", "keep-alive", "transfer-encoding"];

pub(super) async fn connections(listener: &TcpListener, client: &Client, shared: &Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Closing it sends a reset.
        stream.set_zero_linger().ok();
        stream.set_nodelay(true).ok();
        let (client, shared) = (client.clone(), shared.clone());
        let service = service_fn(move |request| {
            let (client, shared) = (client.clone(), shared.clone());
            async move { call(request, client, &shared).await }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

/// An error closes the connection without an answer.
async fn call(
    request: Request<Incoming>,
    client: Client,
    shared: &Shared,
) -> io::Result<Response<Body>> {
    let path = request.uri().path_and_query().map(|path| path.as_str());
    let fault = shared.fault(request.method(), path.unwrap_or_default());
    if let Some(fault) = fault.filter(|fault| !fault.takes_effect()) {
        return fault.answer().ok_or_else(reset);
    }
    let answer = forward(request, client).await?;
    let Some(fault) = fault else {
        return Ok(answer);
    };
    // The server has done its part only when all of its answer is there.
    answer
        .into_body()
        .collect()
        .await
        .map_err(io::Error::other)?;
    if fault == Fault::Silence {
        std::future::pending::<()>().await;
    }
    fault.answer().ok_or_else(reset)
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

async fn forward(request: Request<Incoming>, client: Client) -> io::Result<Response<Body>> {
    let (mut parts, body) = request.into_parts();
    strip(&mut parts.headers);
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    parts.version = http::Version::default();
    let request = Request::from_parts(parts, Body::from(body));
    let mut answer = client.send(request).await.map_err(io::Error::other)?;
    strip(answer.headers_mut());
    Ok(answer)
}

fn strip(headers: &mut HeaderMap) {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
}
