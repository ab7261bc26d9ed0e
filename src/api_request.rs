//! Requests to the API server: each with an end, and with errors told apart by
//! what is to be done about them.

pub mod ask;
pub mod in_order;
pub mod pages;
pub mod readiness;

use std::future::Future;
use std::time::Duration;

use kube::core::Status;

/// How long one request may take. An API server that is there answers in
/// milliseconds; kubelet waits two minutes for all of a mount.
const WITHIN: Duration = Duration::from_secs(15);

/// Who writes, as `managedFields` say it.
pub const FIELD_MANAGER: &str = "flex2csi";

/// The label of every object that flex2csi makes for itself.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// What the API server says where a webhook with `failurePolicy: Fail` does not answer
/// (k8s.io/apiserver `pkg/util/webhook/error.go`, v0.36). Nothing was written then.
pub const WEBHOOK_IS_DOWN: &str = "failed calling webhook";

/// Why the API server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no such object.
    #[error("there is no such object")]
    NotFound,
    /// There already is one, or it is not as it was any more.
    #[error("it has changed meanwhile")]
    Conflict,
    /// We may not.
    #[error("{0}")]
    Forbidden(String),
    /// The request is wrong, and stays so.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be asked now, or it is not known whether it did it.
    #[error("{0}")]
    Unavailable(String),
}

impl RequestError {
    fn of_status(status: &Status) -> Self {
        let message = status.message.clone();
        match status.code {
            404 => Self::NotFound,
            409 => Self::Conflict,
            401 | 403 => Self::Forbidden(message),
            400..500 if status.code != 408 && status.code != 429 => Self::Invalid(message),
            _ => Self::Unavailable(message),
        }
    }
}

impl From<kube::Error> for RequestError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) => Self::of_status(status),
            _ => Self::Unavailable(causes(&error)),
        }
    }
}

/// An error with what caused it: kube's own text often is "ServiceError" alone.
fn causes(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// Waits for a request, but not for ever.
///
/// # Errors
/// It failed, or there was no answer in time.
pub async fn request<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, RequestError> {
    match tokio::time::timeout(WITHIN, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(RequestError::Unavailable(format!(
            "the API server did not answer within {} s",
            WITHIN.as_secs()
        ))),
    }
}

/// Waits for a request that may find nothing.
///
/// # Errors
/// As [`request`], but for [`RequestError::NotFound`].
pub async fn find<T>(
    asked: impl Future<Output = kube::Result<T>>,
) -> Result<Option<T>, RequestError> {
    match request(asked).await {
        Ok(found) => Ok(Some(found)),
        Err(RequestError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestError, request};

    fn status(code: u16) -> kube::Error {
        let status: kube::core::Status =
            serde_json::from_value(serde_json::json!({"code": code, "message": "m"})).unwrap();
        kube::Error::Api(Box::new(status))
    }

    #[test]
    fn errors_are_told_apart_by_what_is_to_be_done() {
        let message = || "m".to_owned();
        for (code, expected) in [
            (404, RequestError::NotFound),
            (409, RequestError::Conflict),
            (403, RequestError::Forbidden(message())),
            (422, RequestError::Invalid(message())),
            (429, RequestError::Unavailable(message())),
            (500, RequestError::Unavailable(message())),
            (503, RequestError::Unavailable(message())),
        ] {
            assert_eq!(RequestError::from(status(code)), expected, "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_is_an_answer_in_the_end() {
        let error = request(std::future::pending::<kube::Result<()>>()).await;
        let error = error.unwrap_err();
        assert!(matches!(error, RequestError::Unavailable(_)), "{error}");
    }
}
