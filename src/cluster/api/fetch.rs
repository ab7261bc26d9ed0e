//! Asking, within a time.

use std::time::Duration;

use http::Request;
use kube::Client;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::ClusterError;
use super::super::object::Object;
use super::error::{Failed, failed, unavailable};

/// What a request may take, with all that is tried again.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// How long is waited at first; each time after that, twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// An object, JSON.
pub(super) async fn object(client: &Client, object: &Object) -> Result<String, ClusterError> {
    let path = object.path()?;
    let request = || {
        Request::get(&path)
            .header(http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(kube::Error::HttpError)
    };
    text(client, &object.to_string(), request).await
}

/// The answer to a request that only reads, asked until it is there or the time
/// is up.
pub(super) async fn text(
    client: &Client,
    what: &str,
    request: impl Fn() -> Result<Request<Vec<u8>>, kube::Error> + Sync,
) -> Result<String, ClusterError> {
    let deadline = Instant::now() + DEADLINE;
    let mut wait = FIRST_WAIT;
    let mut last: Option<ClusterError> = None;
    loop {
        let attempt = async { client.request_text(request()?).await };
        let Failed { error, again } = match timeout_at(deadline, attempt).await {
            Ok(Ok(text)) => return Ok(text),
            Ok(Err(error)) => failed(what, &error),
            Err(_) => {
                // kube's client waits by itself where the server asks for it.
                let reason = format!(
                    "the API server did not answer within {} s",
                    DEADLINE.as_secs()
                );
                return Err(last.unwrap_or_else(|| unavailable(what, reason, None).error));
            }
        };
        let Some(at_least) = again else {
            return Err(error);
        };
        let next = Instant::now() + at_least.max(wait);
        if next >= deadline {
            return Err(error);
        }
        tracing::debug!(%error, "asking again");
        last = Some(error);
        wait *= 2;
        sleep_until(next).await;
    }
}
