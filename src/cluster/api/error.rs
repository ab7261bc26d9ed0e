//! What an API server's refusals, and its silence, are to us: one table.

use std::error::Error as _;
use std::time::Duration;

use http::StatusCode;
use kube::client::AuthError;
use kube::core::Status;

use super::super::ClusterError;

/// A request that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: ClusterError,
    /// It may go better when it is tried again, not before this time.
    pub(super) again: Option<Duration>,
}

/// What became of a request for an object, or a list, that failed.
pub(super) fn failed(object: &str, error: &kube::Error) -> Failed {
    match error {
        kube::Error::Api(status) => refused(object, status),
        // Whether the answer got lost or the question: reading can be repeated.
        kube::Error::HyperError(_) | kube::Error::Service(_) => {
            let reason = format!("the API server does not answer: {}", cause(error));
            unavailable(object, reason, Some(Duration::ZERO))
        }
        kube::Error::Auth(error) => unavailable(object, without_output(error), None),
        _ => lasting(unreadable(object, said(error))),
    }
}

fn refused(object: &str, status: &Status) -> Failed {
    let code = StatusCode::from_u16(status.code).unwrap_or_default();
    let said = match status.message.as_str() {
        "" => code.to_string(),
        message => shortened(message),
    };
    let object = object.to_owned();
    match code {
        StatusCode::NOT_FOUND if status.reason == "NotFound" => {
            lasting(ClusterError::NotFound { object })
        }
        StatusCode::FORBIDDEN => lasting(ClusterError::Forbidden {
            object,
            reason: said,
        }),
        // A token that has just expired is read again within a minute.
        StatusCode::UNAUTHORIZED => {
            let reason = format!("the API server does not know flex2csi's credentials: {said}");
            unavailable(&object, reason, None)
        }
        // A list that took too long to go through: it has to be begun again.
        StatusCode::GONE => unavailable(&object, said, None),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            unavailable(&object, said, Some(patience(status)))
        }
        code if code.is_server_error() => unavailable(&object, said, Some(patience(status))),
        code => lasting(unreadable(&object, format!("{said} ({})", code.as_u16()))),
    }
}

/// How long the server asks to wait.
fn patience(status: &Status) -> Duration {
    let seconds = status
        .details
        .as_ref()
        .map(|details| details.retry_after_seconds);
    Duration::from_secs(seconds.unwrap_or_default().into())
}

fn lasting(error: ClusterError) -> Failed {
    Failed { error, again: None }
}

fn unreadable(object: &str, reason: String) -> ClusterError {
    ClusterError::Unreadable {
        object: object.to_owned(),
        reason,
    }
}

pub(super) fn unavailable(object: &str, reason: String, again: Option<Duration>) -> Failed {
    let error = ClusterError::Unavailable {
        object: object.to_owned(),
        reason,
    };
    Failed { error, again }
}

/// What caused an error: of kube's own it says nothing but "ServiceError".
fn cause(error: &kube::Error) -> String {
    match error.source() {
        Some(source) => said(source),
        None => said(error),
    }
}

/// An error with its causes, each said once.
fn said(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    shortened(&said)
}

/// A credential plugin's output may have a credential in it.
fn without_output(error: &AuthError) -> String {
    let cause = match error {
        AuthError::AuthExecRun { cmd, out } => format!("{cmd} ended with {}", out.status),
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
            "what gives them cannot be understood".to_owned()
        }
        error => error.to_string(),
    };
    format!("flex2csi has no credentials for the API server: {cause}")
}

/// A proxy may answer with a page.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 500;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "Secret ns/s";

    fn status(code: u16, reason: &str, message: &str) -> kube::Error {
        kube::Error::Api(Status::failure(message, reason).with_code(code).boxed())
    }

    /// Each row: the answer, what it is to us, and whether it is asked again.
    #[test]
    fn each_answer_is_one_error() {
        let unavailable = "Secret ns/s cannot be looked up: m; it is tried again";
        let rows = [
            (404, "NotFound", "there is no Secret ns/s", false),
            // Not of the API server: a wrong address, a proxy.
            (
                404,
                "Failed to parse error data",
                "Secret ns/s cannot be read: m (404)",
                false,
            ),
            (
                403,
                "Forbidden",
                "flex2csi may not read Secret ns/s: m; give its service account that right",
                false,
            ),
            (
                401,
                "Unauthorized",
                "Secret ns/s cannot be looked up: the API server does not know flex2csi's \
                 credentials: m; it is tried again",
                false,
            ),
            (408, "Timeout", unavailable, true),
            (410, "Expired", unavailable, false),
            (429, "TooManyRequests", unavailable, true),
            (500, "InternalError", unavailable, true),
            (502, "", unavailable, true),
            (503, "ServiceUnavailable", unavailable, true),
            (504, "Timeout", unavailable, true),
            (
                400,
                "BadRequest",
                "Secret ns/s cannot be read: m (400)",
                false,
            ),
            (301, "", "Secret ns/s cannot be read: m (301)", false),
        ];
        for (code, reason, message, again) in rows {
            let failed = failed(OBJECT, &status(code, reason, "m"));
            assert_eq!(failed.error.to_string(), message, "{code}");
            assert_eq!(failed.again.is_some(), again, "{code}");
        }
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it() {
        let mut busy = Status::failure("m", "TooManyRequests").with_code(429);
        busy.details = Some(kube::core::response::StatusDetails {
            retry_after_seconds: 3,
            ..serde_json::from_str("{}").unwrap()
        });
        let failed = failed(OBJECT, &kube::Error::Api(busy.boxed()));
        assert_eq!(failed.again, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_lost_connection_is_said_with_its_cause_and_tried_again() {
        let refused = std::io::Error::other("connection refused");
        let error = kube::Error::Service(Box::new(refused));
        let failed = failed(OBJECT, &error);
        let said = failed.error.to_string();
        assert!(said.contains("connection refused"), "{said}");
        assert_eq!(said.matches("connection refused").count(), 1, "{said}");
        assert!(failed.again.is_some());
    }

    #[test]
    fn what_a_credential_plugin_printed_is_not_shown() {
        use std::os::unix::process::ExitStatusExt as _;
        let run = AuthError::AuthExecRun {
            cmd: "get-token".to_owned(),
            out: Box::new(std::process::Output {
                status: std::process::ExitStatus::from_raw(256),
                stdout: b"hunter2".to_vec(),
                stderr: b"hunter2".to_vec(),
            }),
        };
        let said = failed(OBJECT, &kube::Error::Auth(run)).error.to_string();
        assert!(
            said.contains("get-token ended with exit status: 1"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }

    #[test]
    fn a_page_of_a_proxy_is_cut() {
        let page = "é".repeat(100_000);
        let said = failed(OBJECT, &status(502, "", &page)).error.to_string();
        assert!(said.len() < 1200, "{}", said.len());
    }
}
