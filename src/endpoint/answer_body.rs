//! The body of an answer on its way to the caller: how the call ended is read
//! from it, and if the backend dies under it the caller is told so.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::{Code, Status};

use crate::backend::is_reset;
use crate::grpc::{Body, BodyError, status_of, trailers};
use crate::metrics::CallTimer;

/// The body of an answer. Dropped before its end, the call was cancelled.
#[derive(Debug)]
pub struct AnswerBody {
    body: Body,
    /// Until the call has ended.
    timer: Option<CallTimer>,
}

impl AnswerBody {
    /// The body of an answer with these headers.
    pub fn new(headers: &HeaderMap, body: Body, timer: CallTimer) -> Self {
        let mut answer = Self {
            body,
            timer: Some(timer),
        };
        // An answer without a message has its status here.
        if let Some((code, _)) = status_of(headers) {
            answer.end(code.into());
        }
        answer
    }

    fn end(&mut self, code: Code) {
        if let Some(timer) = self.timer.take() {
            timer.finish(code);
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let answer = self.get_mut();
        let frame = match ready!(Pin::new(&mut answer.body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let code = status_of(trailers).map_or(Code::Unknown, |(code, _)| code.into());
                    answer.end(code);
                }
                Some(Ok(frame))
            }
            Some(Err(error)) if is_reset(&*error) => {
                answer.end(Code::Internal);
                Some(Err(error))
            }
            Some(Err(error)) => {
                let status = Status::unavailable(format!(
                    "the connection to the CSI driver broke within its answer: {error}; \
                     it is safe to call again"
                ));
                answer.body = Body::empty();
                answer.end(Code::Unavailable);
                Some(Ok(Frame::trailers(trailers(&status))))
            }
            None => {
                answer.end(Code::Unknown);
                None
            }
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
