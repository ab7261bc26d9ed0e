//! Sending a request's body.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::{Body as _, Frame};

use crate::grpc::{Body, BodyError};

/// Sends a body to its end. What is there already goes at once, behind the
/// request's head and so in the same packet; what comes later waits for the
/// backend to take it.
pub async fn send(mut body: Body, mut stream: SendStream<Bytes>) {
    let mut waits = false;
    loop {
        let frame = match next(&mut body, &mut stream).await {
            Next::Frame(frame) => frame,
            Next::End => {
                // It fails where the call has ended, and then nobody waits for it.
                let _ = stream.send_data(Bytes::new(), true);
                return;
            }
            Next::Broken(error) => {
                tracing::debug!(%error, "a request broke off");
                return stream.send_reset(Reason::CANCEL);
            }
            Next::Reset => return,
        };
        let sent = match frame.into_data() {
            Ok(data) => {
                // Nothing needs no room: some clients end a body with it.
                if waits && !data.is_empty() && !has_room(&mut stream).await {
                    return;
                }
                waits = true;
                let last = body.is_end_stream();
                stream.send_data(data, last).map(|()| last)
            }
            Err(frame) => match frame.into_trailers() {
                Ok(trailers) => stream.send_trailers(trailers).map(|()| true),
                // Of a kind that is not known yet.
                Err(_) => Ok(false),
            },
        };
        // The call has ended in the meantime, or its body has.
        if sent.unwrap_or(true) {
            return;
        }
    }
}

enum Next {
    Frame(Frame<Bytes>),
    End,
    Broken(BodyError),
    /// The backend wants no more of it.
    Reset,
}

async fn next(body: &mut Body, stream: &mut SendStream<Bytes>) -> Next {
    poll_fn(|cx| {
        if stream.poll_reset(cx).is_ready() {
            return Poll::Ready(Next::Reset);
        }
        Pin::new(&mut *body)
            .poll_frame(cx)
            .map(|frame| match frame {
                Some(Ok(frame)) => Next::Frame(frame),
                Some(Err(error)) => Next::Broken(error),
                None => Next::End,
            })
    })
    .await
}

/// Waits until the backend takes more; not if it never will.
async fn has_room(stream: &mut SendStream<Bytes>) -> bool {
    stream.reserve_capacity(1);
    while stream.capacity() == 0 {
        match poll_fn(|cx| stream.poll_capacity(cx)).await {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
    }
    true
}
