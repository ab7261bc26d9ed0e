//! Reading the one message of a request or an answer.

use std::io::Read as _;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::CallError;
use crate::grpc::{Body, BodyError, Message};

/// The longest request that is looked into (bytes); gRPC's own servers take 4 MiB.
pub const REQUEST_BYTES: usize = 16 << 20;
/// The longest answer that is looked into (bytes).
pub const ANSWER_BYTES: usize = 64 << 20;

/// Why a body was not read to its end.
#[derive(Debug)]
pub enum Unread {
    /// It is longer than this (bytes).
    TooLong(usize),
    /// It broke off.
    Broken(BodyError),
}

/// What this means of a request.
impl From<Unread> for CallError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLong(limit) => Self::TooLong { limit },
            Unread::Broken(error) => Self::Interrupted(error.to_string()),
        }
    }
}

/// Reads a body, and the trailers behind it.
///
/// # Errors
/// It breaks off, or is longer than `limit` bytes.
pub async fn read(body: Body, limit: usize) -> Result<(Bytes, Option<HeaderMap>), Unread> {
    let read = Limited::new(body, limit).collect().await;
    let read = read.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Unread::TooLong(limit)
        } else {
            Unread::Broken(error)
        }
    })?;
    let trailers = read.trailers().cloned();
    Ok((read.to_bytes(), trailers))
}

/// The message in a body as it was before it was compressed.
///
/// # Errors
/// The body is not one message, or its message is not to be decompressed.
pub fn plain(body: &Bytes, headers: &HeaderMap, limit: usize) -> Result<Bytes, CallError> {
    let message = Message::of(body)?;
    if !message.compressed {
        return Ok(message.bytes);
    }
    let encoding = headers.get("grpc-encoding");
    let encoding = encoding.and_then(|encoding| encoding.to_str().ok());
    match encoding.unwrap_or("identity") {
        "gzip" => gunzip(&message.bytes, limit),
        other => Err(CallError::Compression {
            encoding: other.to_owned(),
        }),
    }
}

fn gunzip(compressed: &[u8], limit: usize) -> Result<Bytes, CallError> {
    let mut plain = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(compressed).take(limit as u64 + 1);
    reader
        .read_to_end(&mut plain)
        .map_err(|error| CallError::Decompress(error.to_string()))?;
    if plain.len() > limit {
        return Err(CallError::TooLong { limit });
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use http::HeaderValue;

    use super::*;

    fn gzipped(message: &[u8]) -> (Bytes, HeaderMap) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(message).unwrap();
        let compressed = encoder.finish().unwrap();
        let mut body = vec![1];
        body.extend((compressed.len() as u32).to_be_bytes());
        body.extend(compressed);
        let mut headers = HeaderMap::new();
        headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
        (body.into(), headers)
    }

    #[test]
    fn a_gzipped_message_is_read() {
        let (body, headers) = gzipped(b"message");
        assert_eq!(plain(&body, &headers, 100).unwrap(), &b"message"[..]);
    }

    #[test]
    fn a_small_message_that_grows_large_is_refused() {
        let (body, headers) = gzipped(&[0; 100_000]);
        assert!(body.len() < 1000);
        let error = plain(&body, &headers, 1000).unwrap_err();
        assert!(
            matches!(error, CallError::TooLong { limit: 1000 }),
            "{error}"
        );
    }

    #[test]
    fn what_is_compressed_otherwise_is_named() {
        let (body, mut headers) = gzipped(b"message");
        headers.insert("grpc-encoding", HeaderValue::from_static("zstd"));
        let error = plain(&body, &headers, 100).unwrap_err();
        assert!(matches!(&error, CallError::Compression { encoding } if encoding == "zstd"));
        headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
        let garbage = Bytes::from_static(b"\x01\0\0\0\x02xy");
        let error = plain(&garbage, &headers, 100).unwrap_err();
        assert!(matches!(error, CallError::Decompress(_)), "{error}");
    }
}
