//! Bodies: one that comes from a connection, one that is sent again, or one message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::Attempt;

/// What breaks a body off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a call or of an answer.
#[derive(Debug)]
pub enum Body {
    /// As it comes from a caller.
    Incoming(Incoming),
    /// One that may have to be sent again.
    Attempt(Attempt),
    /// As it comes from a backend.
    Received(RecvStream),
    /// A message and trailers, each as long as it has not been sent.
    Message {
        /// The framed message.
        message: Option<Bytes>,
        /// What ends an answer.
        trailers: Option<HeaderMap>,
    },
}

impl Body {
    /// A framed message.
    pub fn message(message: Bytes) -> Self {
        Self::Message {
            message: Some(message),
            trailers: None,
        }
    }

    /// A framed message and what ends the answer.
    pub fn with_trailers(message: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self::Message {
            message: Some(message),
            trailers,
        }
    }

    /// Nothing.
    pub fn empty() -> Self {
        Self::Message {
            message: None,
            trailers: None,
        }
    }
}

impl From<Incoming> for Body {
    fn from(incoming: Incoming) -> Self {
        Self::Incoming(incoming)
    }
}

impl From<RecvStream> for Body {
    fn from(received: RecvStream) -> Self {
        Self::Received(received)
    }
}

/// A backend that has answered whole and wants no more of the request resets the
/// stream without an error (RFC 9113, section 8.1).
fn unless_ended(error: h2::Error) -> Option<Result<Frame<Bytes>, BodyError>> {
    (error.reason() != Some(Reason::NO_ERROR)).then(|| Err(error.into()))
}

fn poll_received(
    received: &mut RecvStream,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    let frame = match ready!(received.poll_data(cx)) {
        Some(Ok(data)) => {
            // What is handed on makes room for as much. It fails for a stream that
            // has ended, and then there is nothing to make room for.
            let _ = received.flow_control().release_capacity(data.len());
            Some(Ok(Frame::data(data)))
        }
        Some(Err(error)) => unless_ended(error),
        None => match ready!(received.poll_trailers(cx)) {
            Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            Err(error) => unless_ended(error),
        },
    };
    Poll::Ready(frame)
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Incoming(incoming) => {
                let frame = ready!(Pin::new(incoming).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
            Self::Attempt(attempt) => attempt.poll_frame(cx),
            Self::Received(received) => poll_received(received, cx),
            Self::Message { message, trailers } => {
                let next = match message.take() {
                    Some(message) => Some(Frame::data(message)),
                    None => trailers.take().map(Frame::trailers),
                };
                Poll::Ready(next.map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Incoming(incoming) => incoming.is_end_stream(),
            Self::Attempt(attempt) => attempt.is_end_stream(),
            Self::Received(received) => received.is_end_stream(),
            Self::Message { message, trailers } => message.is_none() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Incoming(incoming) => incoming.size_hint(),
            Self::Attempt(attempt) => attempt.size_hint(),
            // An exact size would become a header that was not there.
            Self::Received(_) | Self::Message { .. } => SizeHint::default(),
        }
    }
}
