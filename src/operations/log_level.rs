//! `/log-level`.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;

use super::Operations;
use super::server::Caller;
use crate::log::Level;

pub(super) async fn get(State(operations): State<Operations>) -> String {
    format!("{}\n", operations.log.level())
}

/// It lasts until the configuration's level changes, or the daemon ends.
pub(super) async fn put(
    State(operations): State<Operations>,
    Extension(caller): Extension<Caller>,
    body: String,
) -> (StatusCode, String) {
    if caller == Caller::Remote {
        let message = "the log level is changed from the same host only, or over a Unix socket\n";
        return (StatusCode::FORBIDDEN, message.to_owned());
    }
    match body.parse::<Level>() {
        Ok(level) => {
            operations.log.set_level(&level);
            tracing::info!(%level, "the log level was changed on request");
            (StatusCode::OK, format!("{level}\n"))
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}
