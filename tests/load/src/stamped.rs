//! A socket that knows when what was read from it had come, by the kernel's stamp: what this process was late to read is no
//! fault of who sent it.

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nix::sys::socket::sockopt::ReceiveTimestamp;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, cmsg_space, recvmsg, setsockopt};
use nix::sys::time::{TimeVal, TimeValLike as _};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// The socket.
#[derive(Debug)]
pub struct Stamped {
    stream: TcpStream,
    came: Duration,
}

impl Stamped {
    /// Of a connection.
    pub fn new(stream: TcpStream) -> Stamped {
        // Where there are no stamps there are no figures either: see `came`.
        let _no_stamps = setsockopt(&stream, ReceiveTimestamp, &true);
        Stamped { stream, came: Duration::ZERO }
    }

    /// When the newest of what was read had come, by the wall clock; zero before anything was.
    pub fn came(&self) -> Duration {
        self.came
    }

    /// The connection itself.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

/// The bytes that were there, and when the last of them had come.
fn receive(stream: &TcpStream, into: &mut [u8]) -> io::Result<(usize, Option<Duration>)> {
    let mut control = [0; cmsg_space::<TimeVal>()];
    let mut parts = [IoSliceMut::new(into)];
    let received = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
    let stamp = received.cmsgs()?.find_map(|message| {
        if let ControlMessageOwned::ScmTimestamp(stamp) = message {
            Some(Duration::from_micros(stamp.num_microseconds().unsigned_abs()))
        } else {
            None
        }
    });
    Ok((received.bytes, stamp))
}

impl AsyncRead for Stamped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            let into = buffer.initialize_unfilled();
            match self.stream.try_io(Interest::READABLE, || receive(&self.stream, into)) {
                Ok((bytes, stamp)) => {
                    buffer.advance(bytes);
                    self.came = stamp.unwrap_or(self.came);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
