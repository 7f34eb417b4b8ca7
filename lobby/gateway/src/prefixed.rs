//! A socket whose first bytes were already read, to see which protocol it speaks.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What an HTTP/2 client sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// The socket, with what was read of it put back.
pub(crate) struct Prefixed {
    first: Bytes,
    stream: TcpStream,
}

impl Prefixed {
    /// Reads until it is clear what the peer speaks; `None` when it closed before that.
    pub(crate) async fn detect(mut stream: TcpStream) -> io::Result<Option<(Prefixed, Protocol)>> {
        let mut first = BytesMut::with_capacity(PREFACE.len());
        loop {
            if stream.read_buf(&mut first).await? == 0 {
                return Ok(None);
            }
            let seen = first.len().min(PREFACE.len());
            let protocol = match first.get(..seen) == PREFACE.get(..seen) {
                false => Protocol::Http1,
                true if seen == PREFACE.len() => Protocol::Http2,
                true => continue,
            };
            return Ok(Some((Prefixed { first: first.freeze(), stream }, protocol)));
        }
    }

    /// The socket and what was read of it but not taken yet.
    pub(crate) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream, self.first)
    }
}

impl AsyncRead for Prefixed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let take = self.first.len().min(into.remaining());
        into.put_slice(&self.first[..take]);
        self.first.advance(take);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
