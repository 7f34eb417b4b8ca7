//! The reading side of a game socket: one task per socket, which turns bytes into messages.
//!
//! The WebSocket rules are tungstenite's. It reads from a buffer and writes into one, so that what it wants sent,
//! pongs, goes to the match thread like everything else and never lands inside another frame.

use std::borrow::Cow;
use std::io::{self, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bellhop_wire::{CloseCode, limits};
use bytes::{Buf as _, Bytes, BytesMut};
use room_core::ConnId;
use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::OwnedReadHalf;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

use crate::Shared;
use crate::arrival::{self, READ_BYTES};
use crate::inbox::Refused;
use crate::outlet::Peer;
use crate::owner::ToMatch;

/// Before the match thread looks at a message, its socket may have sent this many times what the wire allows; the
/// core closes it well before. This only keeps a flood from reaching the core at all.
const FLOOD_FACTOR: f64 = 2.0;

/// After our last word the other side may take this long for its own.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// What is read and thrown away in that time.
const LINGER_BYTES: usize = 256 * 1024;

/// When the inbox is full, the socket waits at least this long; TCP holds the player back meanwhile. The match thread,
/// on which it waits, empties the inbox before it reads again.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Messages of these kinds wait for the next step (see [`bellhop_wire::ToServer`]): inputs and acknowledgements.
const PATIENT_KINDS: [u8; 2] = [1, 2];

/// Reads a socket until it ends.
pub(crate) async fn read(shared: &Shared, conn: ConnId, peer: Arc<Peer>, mut stream: OwnedReadHalf, early: Bytes) {
    let mut socket = Socket::new(early);
    let outcome = socket.run(shared, conn, &peer, &mut stream).await;
    if let Outcome::Fault(code, reason) = outcome {
        push(shared, ToMatch::Fault { conn, code, reason }, true).await;
        peer.closed.cancelled().await;
    }
    linger(&peer, &mut stream).await;
    push(shared, ToMatch::Gone { conn }, true).await;
}

enum Outcome {
    /// The other side ended, or we did.
    Over,
    /// The other side broke the rules.
    Fault(CloseCode, Cow<'static, str>),
}

struct Socket {
    context: WebSocketContext,
    pipe: Pipe,
    /// How long the newest of what was read had been here by then.
    held: Duration,
    messages: Bucket,
    bytes: Bucket,
}

impl Socket {
    fn new(early: Bytes) -> Socket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(READ_BYTES)
            .max_message_size(Some(limits::MAX_CLIENT_MESSAGE_BYTES))
            .max_frame_size(Some(limits::MAX_CLIENT_MESSAGE_BYTES));
        Socket {
            context: WebSocketContext::new(Role::Server, Some(config)),
            pipe: Pipe { arrived: BytesMut::from(early), to_send: Vec::new() },
            held: Duration::ZERO,
            messages: Bucket::new(limits::MESSAGES_PER_SECOND, limits::MESSAGE_BURST),
            bytes: Bucket::new(limits::BYTES_PER_SECOND, limits::BYTE_BURST),
        }
    }

    async fn run(&mut self, shared: &Shared, conn: ConnId, peer: &Peer, stream: &mut OwnedReadHalf) -> Outcome {
        let mut closed = pin!(peer.closed.cancelled());
        loop {
            loop {
                let message = self.context.read(&mut self.pipe);
                if !self.pipe.to_send.is_empty() {
                    let frames = std::mem::take(&mut self.pipe.to_send);
                    push(shared, ToMatch::Control { conn, frames }, true).await;
                }
                match message {
                    Ok(message) => {
                        if let Err(outcome) = self.pass(shared, conn, message).await {
                            return outcome;
                        }
                    }
                    Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return fault(&error),
                }
            }
            tokio::select! {
                biased;
                () = &mut closed => return Outcome::Over,
                held = arrival::receive(stream, &mut self.pipe.arrived) => match held {
                    Ok(Some(held)) => self.held = held,
                    Ok(None) | Err(_) => return Outcome::Over,
                },
            }
        }
    }

    async fn pass(&mut self, shared: &Shared, conn: ConnId, message: Message) -> Result<(), Outcome> {
        let now = Instant::now();
        if !self.messages.take(now, 1) || !self.bytes.take(now, message.len()) {
            return Err(Outcome::Fault(CloseCode::Flood, "too many messages".into()));
        }
        match message {
            Message::Binary(bytes) => {
                let urgent =
                    shared.wakes_on_input() || !bytes.first().is_some_and(|first| PATIENT_KINDS.contains(&(first & 7)));
                push(shared, ToMatch::Message { conn, bytes, held: self.held }, urgent).await;
                Ok(())
            }
            Message::Text(_) => {
                Err(Outcome::Fault(CloseCode::Malformed, "only binary messages are spoken here".into()))
            }
            Message::Pong(_) => {
                push(shared, ToMatch::Control { conn, frames: Vec::new() }, false).await;
                Ok(())
            }
            // tungstenite answers both by itself.
            Message::Ping(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        }
    }
}

fn fault(error: &Error) -> Outcome {
    match error {
        Error::Capacity(_) => Outcome::Fault(CloseCode::TooLarge, "the message is longer than 16 KiB".into()),
        Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) => Outcome::Over,
        Error::Protocol(problem) => Outcome::Fault(CloseCode::Malformed, problem.to_string().into()),
        Error::Utf8(_) => Outcome::Fault(CloseCode::Malformed, "not UTF-8".into()),
        Error::Tls(_)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => Outcome::Fault(CloseCode::Malformed, "not a WebSocket frame".into()),
    }
}

/// Puts an item in the inbox; waits while it is full.
async fn push(shared: &Shared, item: ToMatch, urgent: bool) {
    let mut item = Some(item);
    while let Some(next) = item.take() {
        match shared.inbox.push(next, urgent) {
            Ok(()) | Err((Refused::Closed, _)) => {}
            Err((Refused::Full, back)) => {
                shared.metrics.inbox_full.inc();
                tokio::time::sleep(FULL_PAUSE).await;
                item = Some(back);
            }
        }
    }
}

/// Reads on for a moment after our last word: a socket closed with something unread in it takes our last words along.
async fn linger(peer: &Peer, stream: &mut OwnedReadHalf) {
    let reading = async {
        let mut sink = vec![0; LINGER_BYTES / 16];
        let mut left = LINGER_BYTES;
        while let Ok(read @ 1..) = stream.read(&mut sink).await
            && read < left
        {
            left -= read;
        }
    };
    if peer.closed.is_cancelled() {
        drop(tokio::time::timeout(LINGER, reading).await);
    }
}

/// What arrived and what is to be sent, in place of a stream.
struct Pipe {
    arrived: BytesMut,
    to_send: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.arrived.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let take = self.arrived.len().min(into.len());
        self.arrived.copy_to_slice(&mut into[..take]);
        Ok(take)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to_send.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// So much per second, and so much at once.
pub(crate) struct Bucket {
    per_second: f64,
    most: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    fn new(per_second: u32, burst: u32) -> Bucket {
        Bucket::of(f64::from(per_second) * FLOOD_FACTOR, f64::from(burst) * FLOOD_FACTOR)
    }

    pub(crate) fn of(per_second: f64, most: f64) -> Bucket {
        Bucket { per_second, most, left: most, at: Instant::now() }
    }

    pub(crate) fn take(&mut self, now: Instant, much: usize) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + since * self.per_second).min(self.most) - much as f64;
        let enough = self.left >= 0.0;
        if !enough {
            self.left += much as f64;
        }
        enough
    }
}
