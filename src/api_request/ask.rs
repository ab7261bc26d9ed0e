//! Requests to the API server: tried again where that helps, and with errors
//! told apart by what can be done about them. What comes back stays text: it may
//! hold credentials, and no library is to log it.

use std::time::Duration;

use http::{Method, Request, header};
use http_body_util::BodyExt;
use kube::Client;
use serde::Deserialize;

use super::readiness::Doubt;
use super::{WEBHOOK_IS_DOWN, causes};

/// How often a request is tried that the server could not answer.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A page of 500 large objects takes a few seconds on a busy server.
const WITHIN: Duration = Duration::from_secs(60);

/// Asks for an object's metadata alone: what a Secret holds is not to come here.
pub const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// Why the API server gave no answer that can be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// There is no such object, or no such kind of objects.
    #[error("{what}: there is none")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The credentials are not taken, or not enough.
    #[error("{what}: {message}")]
    Forbidden {
        /// What was asked for.
        what: String,
        /// What the server says.
        message: String,
    },
    /// A list was read for so long that its version is gone.
    #[error("{what}: the list changed too much while it was read: {message}")]
    Expired {
        /// What was asked for.
        what: String,
        /// What the server says.
        message: String,
        /// Where to go on, with what is there now.
        go_on: Option<String>,
    },
    /// The server refuses what it was given.
    #[error("{what}: {message}")]
    Refused {
        /// What was asked for.
        what: String,
        /// What the server says.
        message: String,
    },
    /// The server cannot be reached, or answers nothing of use.
    #[error("{what}: {message}")]
    Unavailable {
        /// What was asked for.
        what: String,
        /// What went wrong.
        message: String,
    },
}

impl AskError {
    /// Whether more rights would help.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }

    /// An answer that is not what the API says it is. The text is not shown.
    pub fn unreadable(what: &str, error: &serde_json::Error) -> Self {
        Self::Unavailable {
            what: what.to_owned(),
            message: format!(
                "the answer cannot be read (line {}, column {})",
                error.line(),
                error.column()
            ),
        }
    }
}

/// A request that can be sent again.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// How.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The content type that is wanted.
    pub accept: &'a str,
    /// JSON; empty for none.
    pub body: &'a str,
}

impl Ask<'static> {
    /// A GET of JSON.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            accept: "application/json",
            body: "",
        }
    }
}

impl<'a> Ask<'a> {
    /// A POST of JSON.
    pub fn post(path: impl Into<String>, body: &'a str) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            accept: "application/json",
            body,
        }
    }

    fn request(&self) -> Result<Request<Vec<u8>>, http::Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(header::ACCEPT, self.accept);
        if !self.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(self.body.as_bytes().to_vec())
    }

    /// What is asked for, without what it is asked with.
    fn what(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }

    /// Sends a request, again where the server was too busy or not there, or did not know yet
    /// who may do what.
    ///
    /// # Errors
    /// The server's refusal, or what kept it from answering.
    pub async fn send(&self, client: &Client) -> Result<String, AskError> {
        let (mut attempt, mut doubt) = (1, Doubt::default());
        loop {
            let answer = tokio::time::timeout(WITHIN, try_once(client, self)).await;
            let (error, wait) = match answer {
                Ok(Ok(text)) => return Ok(text),
                Ok(Err(Failure::Refused(AskError::Forbidden { what, message }))) => {
                    if doubt.may_pass(client, &message).await {
                        continue;
                    }
                    return Err(AskError::Forbidden { what, message });
                }
                Ok(Err(Failure::Refused(error))) => return Err(error),
                Ok(Err(Failure::Passing(message, wait))) => (message, wait),
                Err(_) => ("no answer in time".to_owned(), Duration::ZERO),
            };
            if attempt == ATTEMPTS {
                return Err(AskError::Unavailable {
                    what: self.what(),
                    message: error,
                });
            }
            let wait = wait.max(FIRST_WAIT * 2u32.pow(attempt - 1));
            tracing::debug!(error, attempt, "trying again");
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            attempt += 1;
        }
    }
}

enum Failure {
    /// It comes again if the request does.
    Refused(AskError),
    /// It is worth another try, after a while.
    Passing(String, Duration),
}

/// What is read of a `v1 Status`. kube's own type leaves out where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    metadata: StatusMetadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusMetadata {
    #[serde(rename = "continue")]
    go_on: Option<String>,
}

async fn try_once(client: &Client, ask: &Ask<'_>) -> Result<String, Failure> {
    let passing = |message: String| Failure::Passing(message, Duration::ZERO);
    let request = ask
        .request()
        .map_err(|error| passing(error.to_string()))?
        .map(kube::client::Body::from);
    let answer = client.send(request).await;
    let answer = answer.map_err(|error| passing(causes(&error)))?;
    let code = answer.status();
    let wait = retry_after(answer.headers());
    let body = answer.into_body().collect().await;
    let body = body.map_err(|error| passing(causes(&error)))?.to_bytes();
    if code.is_success() {
        return String::from_utf8(body.into())
            .map_err(|_| passing("the answer is not UTF-8".to_owned()));
    }
    let status: Status = serde_json::from_slice(&body).unwrap_or_default();
    let message = match status.message.is_empty() {
        true => code.to_string(),
        false => status.message,
    };
    let what = ask.what();
    Err(Failure::Refused(match code.as_u16() {
        404 => AskError::NotFound { what },
        401 | 403 => AskError::Forbidden { what, message },
        410 => AskError::Expired {
            what,
            message,
            go_on: status.metadata.go_on,
        },
        // It was told to ask somebody who does not answer.
        500 if message.contains(WEBHOOK_IS_DOWN) => AskError::Refused { what, message },
        408 | 429 | 500..600 => return Err(Failure::Passing(message, wait)),
        _ => AskError::Refused { what, message },
    }))
}

/// `Retry-After` in seconds, the only form in which the API server gives it.
fn retry_after(headers: &http::HeaderMap) -> Duration {
    let value = headers.get(header::RETRY_AFTER);
    let seconds = value.and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}
