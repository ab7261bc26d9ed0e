//! Connections as a stream.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio_stream::Stream;

use super::{Connection, Listener};

type Accepted = (Listener, io::Result<Connection>);

/// What a listener accepts, up to its first error.
pub(super) struct Incoming {
    /// None once there was an error: the socket accepts no more.
    next: Option<Pin<Box<dyn Future<Output = Accepted> + Send>>>,
}

impl Incoming {
    pub(super) fn new(listener: Listener) -> Self {
        let next = async move {
            let accepted = listener.accept().await;
            (listener, accepted)
        };
        Self {
            next: Some(Box::pin(next)),
        }
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else {
            return Poll::Ready(None);
        };
        let (listener, accepted) = ready!(next.as_mut().poll(cx));
        *self = match &accepted {
            Ok(_) => Self::new(listener),
            Err(error) => {
                // Servers keep it to themselves.
                tracing::error!(socket = %listener.path().display(), %error, "cannot accept any more");
                Self { next: None }
            }
        };
        Poll::Ready(Some(accepted))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}
