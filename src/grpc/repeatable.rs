//! A request's body that can be sent again if nobody has acted on it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::{Body, BodyError};

/// How much of a body is kept to be sent again (bytes). gRPC's servers take 4 MiB.
const KEPT: usize = 8 << 20;

/// A body of which what was taken is kept.
#[derive(Debug)]
pub struct Repeatable(Arc<Mutex<Source>>);

#[derive(Debug)]
struct Source {
    rest: Body,
    taken: Vec<Bytes>,
    /// How much `taken` has.
    bytes: usize,
    /// Whether something that was taken is not kept.
    is_lost: bool,
    /// The one attempt that may take more.
    attempt: u64,
    /// Whether that has taken anything.
    is_begun: bool,
}

/// A body from its start. A later one takes its place.
#[derive(Debug)]
pub struct Attempt {
    source: Arc<Mutex<Source>>,
    number: u64,
    /// How many of the chunks that were taken are sent.
    sent: usize,
}

impl Repeatable {
    /// A body of which nothing was taken, and the first attempt.
    pub fn new(body: Body) -> (Self, Body) {
        let source = Arc::new(Mutex::new(Source {
            rest: body,
            taken: Vec::new(),
            bytes: 0,
            is_lost: false,
            attempt: 0,
            is_begun: false,
        }));
        let first = Attempt {
            source: source.clone(),
            number: 0,
            sent: 0,
        };
        (Self(source), Body::Attempt(first))
    }

    /// The body once more from its start, if that is still known.
    pub fn attempt(&self) -> Option<Body> {
        let mut source = lock(&self.0);
        if source.is_lost {
            return None;
        }
        source.attempt += 1;
        source.is_begun = false;
        Some(Body::Attempt(Attempt {
            source: self.0.clone(),
            number: source.attempt,
            sent: 0,
        }))
    }

    /// Whether the last attempt has taken nothing: a call without its message is none.
    pub fn is_untouched(&self) -> bool {
        let source = lock(&self.0);
        let is_empty = source.taken.is_empty() && source.rest.is_end_stream();
        !source.is_begun && !is_empty
    }
}

fn lock(source: &Mutex<Source>) -> MutexGuard<'_, Source> {
    // A panic within could only come from the body that is then not sent.
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Attempt {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // Nobody will ask for another attempt.
        let is_last = Arc::strong_count(&self.source) == 1;
        let mut source = lock(&self.source);
        if source.attempt != self.number {
            return Poll::Ready(Some(Err("the call was sent again".into())));
        }
        if let Some(chunk) = source.taken.get(self.sent) {
            let chunk = chunk.clone();
            source.is_begun = true;
            self.sent += 1;
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        let frame = ready!(Pin::new(&mut source.rest).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            source.is_begun = true;
            match frame.data_ref() {
                Some(data) if !is_last && !source.is_lost && source.bytes + data.len() <= KEPT => {
                    source.bytes += data.len();
                    source.taken.push(data.clone());
                }
                _ => {
                    source.is_lost = true;
                    source.taken = Vec::new();
                }
            }
            self.sent = source.taken.len();
        }
        Poll::Ready(frame)
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let source = lock(&self.source);
        self.sent >= source.taken.len() && source.rest.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let source = lock(&self.source);
        if source.taken.is_empty() {
            source.rest.size_hint()
        } else {
            SizeHint::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn next(body: &mut Body) -> Option<Result<Bytes, String>> {
        let frame = body.frame().await?;
        Some(
            frame
                .map_err(|error| error.to_string())
                .map(|frame| frame.into_data().unwrap()),
        )
    }

    #[tokio::test]
    async fn each_attempt_is_the_whole_body() {
        let (body, mut attempt) = Repeatable::new(Body::message(Bytes::from_static(b"message")));
        for _ in 0..3 {
            assert!(body.is_untouched());
            assert!(!attempt.is_end_stream());
            assert_eq!(next(&mut attempt).await.unwrap().unwrap(), "message");
            assert!(attempt.is_end_stream());
            assert!(next(&mut attempt).await.is_none());
            assert!(!body.is_untouched());
            attempt = body.attempt().unwrap();
        }
    }

    #[tokio::test]
    async fn an_attempt_that_another_one_replaced_takes_nothing_more() {
        let (body, mut first) = Repeatable::new(Body::message(Bytes::from_static(b"message")));
        let mut second = body.attempt().unwrap();
        assert!(next(&mut first).await.unwrap().is_err());
        assert_eq!(next(&mut second).await.unwrap().unwrap(), "message");
    }

    #[tokio::test]
    async fn what_is_too_long_to_keep_is_sent_once() {
        let long = Bytes::from(vec![0; KEPT + 1]);
        let (body, mut attempt) = Repeatable::new(Body::message(long.clone()));
        assert_eq!(next(&mut attempt).await.unwrap().unwrap(), long);
        assert!(!body.is_untouched());
        assert!(body.attempt().is_none());
    }

    #[tokio::test]
    async fn nothing_is_kept_once_no_other_attempt_can_follow() {
        let (body, mut attempt) = Repeatable::new(Body::message(Bytes::from_static(b"message")));
        drop(body);
        assert_eq!(next(&mut attempt).await.unwrap().unwrap(), "message");
        let Body::Attempt(attempt) = attempt else {
            unreachable!()
        };
        assert!(lock(&attempt.source).taken.is_empty());
    }
}
