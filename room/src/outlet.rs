//! The writing side of a game socket. The match thread writes, and nobody else.

use std::io;
use std::sync::Arc;

use bellhop_wire::CloseCode;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::ReceiveTimestamp;
use rustix::net::{SendFlags, Shutdown};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use crate::frame;

/// What an empty outlet keeps of its memory: frames have 10 to 200 bytes, and few go out at once.
const KEPT_BYTES: usize = 1024;

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
        let _no_stamps = setsockopt(&stream, ReceiveTimestamp, &true);
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

/// Writes frames, each whole before the next. They gather until they are flushed: what one player is told in one turn
/// of the match thread goes out in one piece.
pub(crate) struct Outlet {
    peer: Arc<Peer>,
    pending: Vec<u8>,
    closing: bool,
}

impl Outlet {
    pub(crate) fn new(peer: Arc<Peer>) -> Outlet {
        Outlet { peer, pending: Vec::new(), closing: false }
    }

    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Gathers one binary message, given in two parts. False: no more can wait here.
    pub(crate) fn put(&mut self, head: &[u8], body: &[u8]) -> bool {
        let (header, used) = frame::header(head.len() + body.len());
        self.gather(&[&header[..used], head, body])
    }

    /// Gathers whole frames that were made elsewhere: a pong. False: no more can wait here.
    pub(crate) fn put_control(&mut self, frames: &[u8]) -> bool {
        self.gather(&[frames])
    }

    /// Sends what gathered and the close frame, and nothing after it.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) -> Written {
        if !self.gather(&[&frame::close(code, reason)]) {
            return Written::Broken;
        }
        self.closing = true;
        self.flush()
    }

    /// Sends what gathered, or tries again to.
    pub(crate) fn flush(&mut self) -> Written {
        if self.pending.is_empty() {
            return Written::All;
        }
        match send(self.peer.stream.as_ref(), &self.pending) {
            Ok(sent) if sent < self.pending.len() => {
                self.pending.drain(..sent);
                Written::Waiting
            }
            Ok(_) => {
                self.pending.clear();
                self.pending.shrink_to(KEPT_BYTES);
                if self.closing {
                    self.end();
                }
                Written::All
            }
            Err(_) => Written::Broken,
        }
    }

    /// Ends the socket without another word than what gathered and still can be sent.
    pub(crate) fn abandon(&mut self) {
        let _as_far_as_it_goes = self.flush();
        self.pending = Vec::new();
        self.closing = true;
        self.end();
    }

    fn end(&self) {
        // Broken already: then there is nothing to end.
        let _broken = rustix::net::shutdown(self.peer.stream.as_ref(), Shutdown::Write);
        self.peer.closed.cancel();
    }

    fn gather(&mut self, parts: &[&[u8]]) -> bool {
        let more: usize = parts.iter().map(|part| part.len()).sum();
        let fits = !self.closing && self.pending.len() + more <= MAX_PENDING;
        if fits {
            parts.iter().for_each(|part| self.pending.extend_from_slice(part));
        }
        fits
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
        while outlet.flush() == Written::All {
            assert!(outlet.put(&[1], &body) && outlet.put(&[1], &body));
            frames += 2;
        }
        assert!(!outlet.is_empty() && frames < 1_000);
        assert!(outlet.put_control(&[0x8a, 0]));
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
        assert!(!outlet.put(&[1], &[2]), "nothing follows a close frame");
    }

    #[tokio::test]
    async fn a_socket_that_is_gone_is_broken() {
        let (mut outlet, client) = pair().await;
        SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(client);
        while outlet.flush() != Written::Broken {
            assert!(outlet.put(&[1], &[0; 900]), "the kernel takes it or says no");
        }
    }

    #[tokio::test]
    async fn more_than_may_wait_does_not_wait() {
        let (mut outlet, _client) = pair().await;
        let most = std::iter::repeat_with(|| outlet.put(&[1], &[0; 900])).take_while(|fits| *fits).count();
        assert_eq!(most, MAX_PENDING / (4 + 1 + 900));
        assert_eq!(outlet.close(CloseCode::TooSlow, "x".repeat(100).as_str()), Written::Waiting);
    }
}
