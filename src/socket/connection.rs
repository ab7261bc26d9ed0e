//! An accepted connection.

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
#[derive(Debug)]
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
