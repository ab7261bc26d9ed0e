//! gRPC's framing of a message in an HTTP/2 body (gRPC over HTTP/2,
//! "Length-Prefixed-Message"): a flag, a length of four bytes, the message.

use bytes::Bytes;

/// Why a body is not the one message that a unary call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The body ends before the message does.
    #[error("the request ends before its message does")]
    Short,
    /// Something follows the message.
    #[error("the request has more than one message")]
    Long,
    /// The flag is neither 0 nor 1.
    #[error("the request's message has the unknown flag {0}")]
    Flag(u8),
}

/// The one message of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether the bytes are compressed, as `grpc-encoding` says.
    pub compressed: bool,
    /// The message.
    pub bytes: Bytes,
}

impl Message {
    /// Takes the message out of a body.
    ///
    /// # Errors
    /// The body is not one message.
    pub fn of(body: &Bytes) -> Result<Self, FrameError> {
        let (head, message) = body.split_at_checked(HEAD).ok_or(FrameError::Short)?;
        let compressed = match head[0] {
            0 => false,
            1 => true,
            flag => return Err(FrameError::Flag(flag)),
        };
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        match message.len().cmp(&(length as usize)) {
            std::cmp::Ordering::Less => Err(FrameError::Short),
            std::cmp::Ordering::Greater => Err(FrameError::Long),
            std::cmp::Ordering::Equal => Ok(Self {
                compressed,
                bytes: body.slice(HEAD..),
            }),
        }
    }
}

/// Bytes before a message.
const HEAD: usize = 5;

/// The body that holds a message, uncompressed.
pub fn frame(message: &[u8]) -> Bytes {
    let mut body = Vec::with_capacity(HEAD + message.len());
    body.push(0);
    // Callers bound messages far below 4 GiB.
    body.extend_from_slice(&(message.len() as u32).to_be_bytes());
    body.extend_from_slice(message);
    body.into()
}
