//! Statuses: how a call ended.

use http::{HeaderMap, HeaderValue, Response, header};
use tonic::{Code, Status};

use super::{Body, CONTENT_TYPE};

const GRPC_STATUS: &str = "grpc-status";
const GRPC_MESSAGE: &str = "grpc-message";

/// The code and the message in an answer's trailers, or in its headers if it has
/// nothing else; the message as it stands, percent-encoded.
pub fn status_of(headers: &HeaderMap) -> Option<(i32, &str)> {
    let code = headers.get(GRPC_STATUS)?.to_str().ok()?.parse().ok()?;
    let message = headers.get(GRPC_MESSAGE);
    let message = message.and_then(|message| message.to_str().ok());
    Some((code, message.unwrap_or_default()))
}

/// The trailers that end a call with a status.
pub fn trailers(status: &Status) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(2);
    // It fails for metadata that is no header; ours has none.
    if status.add_header(&mut headers).is_err() {
        headers.insert(GRPC_STATUS, HeaderValue::from(Code::Unknown as i32));
    }
    headers
}

/// The whole answer to a call that is not carried out.
pub fn refusal(status: &Status) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    *headers = trailers(status);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_nothing_but_headers() {
        let response = refusal(&Status::unavailable("it went away\nagain"));
        let headers = response.headers();
        assert_eq!(headers[header::CONTENT_TYPE], CONTENT_TYPE);
        assert_eq!(status_of(headers), Some((14, "it%20went%20away%0Aagain")));
        assert!(http_body::Body::is_end_stream(response.body()));
    }

    #[test]
    fn without_a_status_there_is_none() {
        assert_eq!(status_of(&HeaderMap::new()), None);
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_STATUS, HeaderValue::from_static("many"));
        assert_eq!(status_of(&headers), None);
    }
}
