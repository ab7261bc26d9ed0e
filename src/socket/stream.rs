//! A connected Unix socket that is woken for what it waits for, and nothing else.
//!
//! tokio's own waits for both directions all the time, and so a process is woken
//! whenever its peer has read what it sent: once more for each message, and on
//! a call's way from process to process that is what costs most.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

/// The socket.
#[derive(Debug)]
pub struct Stream {
    socket: AsyncFd<UnixStream>,
    /// The same socket, for as long as it takes no more.
    full: Option<AsyncFd<UnixStream>>,
}

impl Stream {
    /// Takes over a connected socket.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new(socket: tokio::net::UnixStream) -> io::Result<Self> {
        Ok(Self {
            socket: waiting(socket.into_std()?, Interest::READABLE)?,
            full: None,
        })
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        send: impl Fn(&UnixStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if let Some(full) = &self.full {
                let mut ready = ready!(full.poll_write_ready(cx))?;
                match ready.try_io(|socket| send(socket.get_ref())) {
                    Ok(sent) => {
                        self.full = None;
                        return Poll::Ready(sent);
                    }
                    Err(_would_block) => continue,
                }
            }
            match send(self.socket.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let socket = self.socket.get_ref().try_clone()?;
                    self.full = Some(waiting(socket, Interest::WRITABLE)?);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

/// A socket of which one direction is waited for.
#[expect(
    deprecated,
    reason = "what replaces it is unsafe for the sake of types that do not own their descriptor"
)]
fn waiting(socket: UnixStream, direction: Interest) -> io::Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(socket, direction)
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.socket.poll_read_ready(cx))?;
            let free = buffer.initialize_unfilled();
            match ready.try_io(|socket| socket.get_ref().read(free)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => {
                    let read = read?;
                    // There was no more: what comes later is told anew.
                    if (1..free.len()).contains(&read) {
                        ready.clear_ready();
                    }
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |mut socket| socket.write(buffer))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.get_ref().shutdown(std::net::Shutdown::Write))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |mut socket| socket.write_vectored(buffers))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn pair() -> (Stream, Stream) {
        let (one, other) = tokio::net::UnixStream::pair().unwrap();
        (Stream::new(one).unwrap(), Stream::new(other).unwrap())
    }

    /// More than a socket holds, so that the writer waits for the reader and the
    /// other way round, again and again.
    #[tokio::test]
    async fn much_passes_whole_in_both_directions() {
        let sent: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
        let pass = async |mut from: Stream, mut to: Stream| {
            let (mut there, mut back) = (Vec::new(), vec![0; sent.len()]);
            let near = async {
                from.write_all(&sent).await.unwrap();
                from.read_exact(&mut back).await.unwrap();
                from.shutdown().await.unwrap();
            };
            let far = async {
                there.resize(sent.len(), 0);
                to.read_exact(&mut there).await.unwrap();
                to.write_all(&there).await.unwrap();
                assert_eq!(to.read(&mut [0]).await.unwrap(), 0);
            };
            tokio::join!(near, far);
            assert!(there == sent && back == sent);
        };
        let (one, other) = pair();
        pass(one, other).await;
    }

    #[tokio::test]
    async fn what_came_before_the_end_is_read_before_the_end() {
        let (mut one, mut other) = pair();
        one.write_all(b"last words").await.unwrap();
        drop(one);
        let mut read = Vec::new();
        other.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"last words");
        assert!(other.write_all(b"?").await.is_err());
    }
}
