//! A stream whose other side is heard out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::socket::Stream;

/// A stream on which writing to a side that has closed it succeeds, to no effect;
/// reading then tells. h2 ends a connection when a write fails, and would leave
/// unread which calls a backend that closed it had acted on (GOAWAY).
#[derive(Debug)]
pub struct LastWords {
    stream: Stream,
    is_closed: bool,
}

impl LastWords {
    /// Hears out the other side of a stream.
    pub fn of(stream: Stream) -> Self {
        Self {
            stream,
            is_closed: false,
        }
    }

    fn write(
        &mut self,
        length: usize,
        write: impl FnOnce(Pin<&mut Stream>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.is_closed {
            return Poll::Ready(Ok(length));
        }
        let written = ready!(write(Pin::new(&mut self.stream)));
        Poll::Ready(match written {
            Err(error) if is_closed(&error) => {
                self.is_closed = true;
                Ok(length)
            }
            written => written,
        })
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

impl AsyncRead for LastWords {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for LastWords {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(bytes.len(), |stream| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        self.write(length, |stream| stream.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_was_said_before_the_end_is_read_after_a_write() {
        let (ours, mut theirs) = tokio::net::UnixStream::pair().unwrap();
        let mut ours = LastWords::of(Stream::new(ours).unwrap());
        theirs.write_all(b"the last was 27").await.unwrap();
        drop(theirs);
        for _ in 0..2 {
            ours.write_all(b"29").await.unwrap();
            assert_eq!(
                ours.write_vectored(&[IoSlice::new(b"3"), IoSlice::new(b"1")])
                    .await
                    .unwrap(),
                2
            );
        }
        let mut heard = String::new();
        ours.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "the last was 27");
    }
}
