//! An accepted connection.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tonic::transport::server::{Connected, UdsConnectInfo};

use super::Stream;
use super::authority::{Authority, MAX_HELD};

/// A connection of a caller who may call. What is read from it has an
/// [`Authority`] that servers accept.
pub struct Connection {
    stream: Stream,
    caller: UdsConnectInfo,
    authority: Authority,
    /// Read and not handed on yet. Most of the time it is empty: what comes is
    /// read into the caller's buffer and changed there.
    held: BytesMut,
    /// How much of that can be handed on; the rest waits for more.
    ready: usize,
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(Self {
            caller: stream.connect_info(),
            stream: Stream::new(stream)?,
            authority: Authority::new(),
            held: BytesMut::new(),
            ready: 0,
        })
    }

    /// Reads into the caller's buffer, and takes back what has to be held.
    fn poll_direct(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Read>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let new = &mut buffer.filled_mut()[before..];
        if new.is_empty() {
            return Poll::Ready(Ok(Read::Done));
        }
        let passed = self.authority.rewrite(new);
        self.held.extend_from_slice(&new[passed..]);
        buffer.set_filled(before + passed);
        Poll::Ready(Ok(if passed > 0 { Read::Done } else { Read::Held }))
    }

    /// Reads more behind what is held.
    fn poll_behind(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut more = [0; MAX_HELD];
        // It holds less than that, so that there is room for a byte at least.
        let room = MAX_HELD - self.held.len().min(MAX_HELD - 1);
        let mut more = ReadBuf::new(&mut more[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut more))?;
        self.ready = if more.filled().is_empty() {
            // The client has gone in the middle: its words as they are.
            self.held.len()
        } else {
            self.held.extend_from_slice(more.filled());
            self.authority.rewrite(&mut self.held)
        };
        Poll::Ready(Ok(()))
    }
}

/// Without what is held: there may be secrets in it.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

enum Read {
    /// The caller has something, or the client is gone.
    Done,
    /// All of it has to be held.
    Held,
}

impl Connected for Connection {
    type ConnectInfo = UdsConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.caller.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.ready > 0 {
                let step = this.ready.min(buffer.remaining());
                buffer.put_slice(&this.held[..step]);
                this.held.advance(step);
                this.ready -= step;
                return Poll::Ready(Ok(()));
            }
            if !this.held.is_empty() {
                ready!(this.poll_behind(cx))?;
            } else if let Read::Done = ready!(this.poll_direct(cx, buffer))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A client's preface, settings, and a request whose authority is `/a/b`,
    /// with a body of slashes.
    fn client() -> Vec<u8> {
        [
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..],
            b"\0\0\x09\x01\x04\0\0\0\x01\x83\x86\x84\x41\x04/a/b",
            b"\0\x10\0\0\x01\0\0\0\x01",
            &[b'/'; 4096],
        ]
        .concat()
    }

    /// What a server reads, so many bytes at a time, when they are written so.
    async fn read(bytes: &[u8], written: usize, read: usize) -> Vec<u8> {
        let (mut near, far) = UnixStream::pair().unwrap();
        let bytes = bytes.to_vec();
        let writer = tokio::spawn(async move {
            for piece in bytes.chunks(written) {
                near.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut connection = Connection::new(far).unwrap();
        let (mut all, mut buffer) = (Vec::new(), vec![0; read]);
        loop {
            match connection.read(&mut buffer).await.unwrap() {
                0 => break,
                some => all.extend_from_slice(&buffer[..some]),
            }
        }
        writer.await.unwrap();
        all
    }

    #[tokio::test]
    async fn a_server_reads_the_same_whatever_the_sizes() {
        let mut expected = client();
        let place = expected
            .windows(4)
            .position(|text| text == b"/a/b")
            .unwrap();
        expected[place..place + 4].copy_from_slice(b"-a-b");
        for written in [1, 8, 50, 8192] {
            for size in [1, 7, 24, 8192] {
                let seen = read(&client(), written, size).await;
                assert!(seen == expected, "{written} written, {size} read at a time");
            }
        }
    }

    #[tokio::test]
    async fn a_client_that_goes_in_the_middle_is_read_to_the_end() {
        let bytes = client();
        for end in 0..60 {
            let seen = read(&bytes[..end], 8, 8).await;
            assert_eq!(seen.len(), end);
        }
    }
}
