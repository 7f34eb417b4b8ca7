//! The writing side of a game socket. The match thread writes, and nobody else.

use std::io;
use std::sync::Arc;

use bellhop_wire::CloseCode;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use rustix::net::{SendFlags, Shutdown};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use crate::frame;

/// A frame up to this size is copied behind its header and sent in one piece, which is cheaper than a vector of two
/// or three. Most have 10 to 200 bytes.
const SMALL: usize = 1024;

/// What the kernel may hold for one player: state that waits there is old state.
const KERNEL_BYTES: usize = 16 * 1024;

/// Unsent bytes above which the socket counts as full.
const NOT_SENT_BYTES: u32 = 4 * 1024;

/// The most that waits here: the rest of a keyframe and the messages the core sends whatever happens. The core
/// stops sending to a blocked client well before.
const MAX_PENDING: usize = 512 * 1024;

/// The writing half of a socket, and what its reader has to know of it.
pub(crate) struct Peer {
    stream: OwnedWriteHalf,
    /// Nothing more will be written; the reader waits for the other side to end, but not for long.
    pub(crate) closed: CancellationToken,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> io::Result<(Arc<Peer>, OwnedReadHalf)> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_send_buffer_size(KERNEL_BYTES)?;
        socket.set_tcp_notsent_lowat(NOT_SENT_BYTES)?;
        // Where there are no such stamps, what is read counts as having come just then.
        let _no_stamps = setsockopt(&stream, ReceiveTimestampns, &true);
        let (reading, stream) = stream.into_split();
        Ok((Arc::new(Peer { stream, closed: CancellationToken::new() }), reading))
    }
}

/// How a write went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// All of it is with the kernel.
    All,
    /// Some of it waits here.
    Waiting,
    /// The socket is broken, or took nothing for so long that it may as well be.
    Broken,
}

/// Writes frames, each whole before the next.
pub(crate) struct Outlet {
    peer: Arc<Peer>,
    pending: Vec<u8>,
    closing: bool,
}

impl Outlet {
    pub(crate) fn new(peer: Arc<Peer>) -> Outlet {
        Outlet { peer, pending: Vec::new(), closing: false }
    }

    /// Sends one binary message, given in two parts.
    pub(crate) fn send(&mut self, head: &[u8], body: &[u8]) -> Written {
        let (header, used) = frame::header(head.len() + body.len());
        let header = &header[..used];
        let whole = header.len() + head.len() + body.len();
        if whole <= SMALL {
            let mut small = [0; SMALL];
            let (first, rest) = small.split_at_mut(header.len());
            let (second, rest) = rest.split_at_mut(head.len());
            first.copy_from_slice(header);
            second.copy_from_slice(head);
            rest[..body.len()].copy_from_slice(body);
            self.write(&small[..whole])
        } else {
            self.write(&[header, head, body].concat())
        }
    }

    /// Sends whole frames that were made elsewhere: a pong.
    pub(crate) fn control(&mut self, frames: &[u8]) -> Written {
        self.write(frames)
    }

    /// Sends the close frame, and nothing after it.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) -> Written {
        let written = self.write(&frame::close(code, reason));
        self.closing = true;
        if written == Written::All {
            self.end();
        }
        written
    }

    /// Tries again to send what waits.
    pub(crate) fn flush(&mut self) -> Written {
        if self.pending.is_empty() {
            return Written::All;
        }
        match send(self.peer.stream.as_ref(), &self.pending) {
            Ok(sent) => {
                self.pending.drain(..sent);
                if !self.pending.is_empty() {
                    return Written::Waiting;
                }
                self.pending = Vec::new();
                if self.closing {
                    self.end();
                }
                Written::All
            }
            Err(_) => Written::Broken,
        }
    }

    /// Ends the socket without another word.
    pub(crate) fn abandon(&mut self) {
        self.pending = Vec::new();
        self.closing = true;
        self.end();
    }

    fn end(&self) {
        // Broken already: then there is nothing to end.
        let _broken = rustix::net::shutdown(self.peer.stream.as_ref(), Shutdown::Write);
        self.peer.closed.cancel();
    }

    fn write(&mut self, bytes: &[u8]) -> Written {
        if self.closing {
            return Written::Broken;
        }
        let sent = if self.pending.is_empty() {
            match send(self.peer.stream.as_ref(), bytes) {
                Ok(sent) => sent,
                Err(_) => return Written::Broken,
            }
        } else {
            0
        };
        if sent == bytes.len() {
            return Written::All;
        }
        if self.pending.len() + bytes.len() - sent > MAX_PENDING {
            return Written::Broken;
        }
        self.pending.extend_from_slice(&bytes[sent..]);
        Written::Waiting
    }
}

/// One non-blocking send; a full socket took nothing.
fn send(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match rustix::net::send(stream, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
        Ok(sent) => Ok(sent),
        Err(error) if error == rustix::io::Errno::AGAIN || error == rustix::io::Errno::INTR => Ok(0),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Outlet, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        SockRef::from(&client).set_recv_buffer_size(4 * 1024).unwrap();
        let (peer, _reading) = Peer::new(listener.accept().await.unwrap().0).unwrap();
        (Outlet::new(peer), client)
    }

    #[tokio::test]
    async fn a_reader_who_stops_blocks_nobody_and_loses_nothing() {
        let (mut outlet, mut client) = pair().await;
        let body = [7; 900];
        let mut frames = 0_usize;
        while outlet.send(&[1], &body) == Written::All {
            frames += 1;
        }
        frames += 1;
        assert!(!outlet.pending.is_empty() && frames < 1_000);
        assert_eq!(outlet.control(&[0x8a, 0]), Written::Waiting);
        assert_eq!(outlet.close(CloseCode::TooSlow, "does not read"), Written::Waiting);

        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            all
        });
        while outlet.flush() == Written::Waiting {
            tokio::task::yield_now().await;
        }
        let all = reading.await.unwrap();
        let whole = frames * (4 + 1 + body.len());
        assert_eq!(&all[whole..whole + 2], &[0x8a, 0]);
        assert_eq!(all[whole + 2..], frame::close(CloseCode::TooSlow, "does not read")[..]);
        assert_eq!(outlet.send(&[1], &[2]), Written::Broken, "nothing follows a close frame");
    }

    #[tokio::test]
    async fn a_socket_that_is_gone_is_broken() {
        let (mut outlet, client) = pair().await;
        SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(client);
        while outlet.send(&[1], &[0; 900]) == Written::All {}
        while outlet.flush() == Written::Waiting {}
        assert_eq!(outlet.send(&[1], &[2]), Written::Broken);
    }
}
