//! Bodies: one that comes from a connection, one that is sent again, or one message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::Attempt;

/// What breaks a body off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a call or of an answer.
#[derive(Debug)]
pub enum Body {
    /// As it comes.
    Incoming(Incoming),
    /// One that may have to be sent again.
    Attempt(Attempt),
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
            Self::Message { message, trailers } => message.is_none() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Incoming(incoming) => incoming.size_hint(),
            Self::Attempt(attempt) => attempt.size_hint(),
            // An exact size would become a header that was not there.
            Self::Message { .. } => SizeHint::default(),
        }
    }
}
