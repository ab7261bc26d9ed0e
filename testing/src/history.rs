//! Every version of every object, in order, as etcd got it.
//!
//! A watch of the API can miss what happens while kube-apiserver is down; this
//! one cannot. It reads etcd's own history through its HTTP gateway; the cluster
//! has to be set up as recorded, so that what is stored there is JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// A key that no server reads, in the range that is followed.
const FENCE: &str = "/registry/persistentvolume-fence";

/// How long history may lag behind.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(60);

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    /// When it was seen.
    pub at: Instant,
    /// Its place in the order of all changes: the object's `resourceVersion`.
    pub revision: i64,
    /// Where etcd keeps the object: `/registry/persistentvolumes/a`.
    pub key: String,
    /// The object as it is now; `None` once it is gone.
    pub object: Option<Value>,
}

/// Reads along until it is dropped.
#[derive(Debug)]
pub struct History {
    etcd: String,
    seen: Arc<AtomicI64>,
    // Closed on drop, which ends the thread.
    _end: tokio::sync::oneshot::Sender<()>,
}

/// History could not be read.
#[derive(Debug, thiserror::Error)]
#[error("etcd's history: {0}")]
pub struct HistoryError(String);

fn failed(error: impl std::fmt::Display) -> HistoryError {
    HistoryError(error.to_string())
}

impl History {
    /// Tells `tell` of each change of a PersistentVolume, of a claim and of what
    /// `flex2csi.io` holds from now on, on a thread of its own, so that a busy
    /// test does not blur the times.
    ///
    /// # Errors
    /// etcd cannot be watched.
    pub async fn follow(
        etcd: &str,
        mut tell: impl FnMut(Change) + Send + 'static,
    ) -> Result<Self, HistoryError> {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let (start, started) = tokio::sync::oneshot::channel();
        let seen = Arc::new(AtomicI64::new(0));
        let (url, progress) = (etcd.to_owned(), seen.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                // From the first key of flex2csi.io up to the last of the claims and volumes.
                let create = json!({ "create_request": {
                    "key": BASE64_STANDARD.encode("/registry/flex2csi.io/"),
                    "range_end": BASE64_STANDARD.encode("/registry/persistentvolumet"),
                }});
                let stream = match post(&url, "/v3/watch", &create).await {
                    Ok(stream) => stream,
                    Err(error) => return drop(start.send(Err(error))),
                };
                let reading = read(stream, start, |change| {
                    let revision = change.revision;
                    if change.key != FENCE {
                        tell(change);
                    }
                    progress.store(revision, Ordering::Release);
                });
                tokio::select! {
                    () = reading => {}
                    _ = ended => {}
                }
            });
        });
        started.await.map_err(failed)??;
        Ok(Self {
            etcd: etcd.to_owned(),
            seen,
            _end: end,
        })
    }

    /// Waits until everything up to now has been told.
    ///
    /// # Errors
    /// etcd does not answer, or the watch has ended.
    pub async fn caught_up(&self) -> Result<(), HistoryError> {
        let put = json!({ "key": BASE64_STANDARD.encode(FENCE) });
        let body = post(&self.etcd, "/v3/kv/put", &put).await?;
        let answer = body.collect().await.map_err(failed)?.to_bytes();
        let answer: Value = serde_json::from_slice(&answer).map_err(failed)?;
        let revision = number(&answer["header"]["revision"]);
        let start = Instant::now();
        while self.seen.load(Ordering::Acquire) < revision {
            if start.elapsed() > CAUGHT_UP_WITHIN {
                return Err(failed("the watch has ended or lags behind"));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

async fn post(url: &str, path: &str, body: &Value) -> Result<Incoming, HistoryError> {
    let authority = url.trim_start_matches("http://");
    let stream = TcpStream::connect(authority).await.map_err(failed)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    tokio::spawn(connection);
    let request = http::Request::post(path)
        .header("host", authority)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(failed)?;
    let response = sender.send_request(request).await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(failed(response.status()));
    }
    Ok(response.into_body())
}

type Started = tokio::sync::oneshot::Sender<Result<(), HistoryError>>;

async fn read(mut stream: Incoming, start: Started, mut tell: impl FnMut(Change)) {
    let mut start = Some(start);
    let mut buffer: Vec<u8> = Vec::new();
    while let Some(Ok(frame)) = stream.frame().await {
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let at = Instant::now();
        // Only what is new can end a line.
        let mut from = buffer.len();
        buffer.extend_from_slice(data);
        let mut line = 0;
        while let Some(length) = buffer[from..].iter().position(|byte| *byte == b'\n') {
            let end = from + length;
            if let Some(start) = start.take() {
                start.send(Ok(())).ok();
            }
            if let Ok(message) = serde_json::from_slice(&buffer[line..end]) {
                changes(&message, at).for_each(&mut tell);
            }
            line = end + 1;
            from = line;
        }
        buffer.drain(..line);
    }
}

fn changes(message: &Value, at: Instant) -> impl Iterator<Item = Change> {
    let events = message.pointer("/result/events").and_then(Value::as_array);
    events.into_iter().flatten().map(move |event| {
        let key = decoded(&event["kv"]["key"]);
        let deleted = event["type"] == "DELETE";
        let value = decoded(&event["kv"]["value"]);
        Change {
            at,
            revision: number(&event["kv"]["mod_revision"]),
            key: String::from_utf8_lossy(&key).into_owned(),
            object: if deleted {
                None
            } else {
                Some(serde_json::from_slice(&value).unwrap_or_default())
            },
        }
    })
}

fn decoded(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_default();
    BASE64_STANDARD.decode(text).unwrap_or_default()
}

/// The gateway writes 64-bit numbers as texts.
fn number(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_default();
    text.parse().unwrap_or(0)
}
