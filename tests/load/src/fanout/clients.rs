//! The seats' other ends: they read and acknowledge, and look at nothing.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bellhop_wire::limits::ACK_INTERVAL;
use bellhop_wire::{Hello, ToServer};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};

use super::game::Fan;
use crate::stamped::Stamped;

pub(crate) type Socket = WebSocketStream<Stamped>;

/// Takes every seat.
pub(super) async fn join(door: SocketAddr, tokens: Vec<String>) -> Result<()> {
    let count = tokens.len();
    for (at, token) in tokens.into_iter().enumerate() {
        let mut socket = dial(door, &token).await.context("taking a seat")?;
        let hello = Hello { schema: bellhop_game::schema::<Fan>(), events_seen: None };
        socket.send(Message::binary(ToServer::Hello(hello).encode())).await?;
        // Their acknowledgements are spread, as those of real players are.
        let offset = ACK_INTERVAL.mul_f64(at as f64 / count as f64);
        tokio::spawn(play(socket, offset));
    }
    Ok(())
}

/// Opens a game socket.
pub(crate) async fn dial(door: SocketAddr, token: &str) -> Result<Socket> {
    let mut request = format!("ws://{door}/rooms/r-1").into_client_request()?;
    let offered = HeaderValue::from_str(&format!("bellhop.v1, bellhop.token.{token}"))?;
    request.headers_mut().insert("sec-websocket-protocol", offered);
    let stream = TcpStream::connect(door).await?;
    stream.set_nodelay(true)?;
    Ok(tokio_tungstenite::client_async(request, Stamped::new(stream)).await?.0)
}

async fn play(mut socket: Socket, offset: Duration) -> Result<(), tungstenite::Error> {
    let mut clock = tokio::time::interval_at(tokio::time::Instant::now() + offset, ACK_INTERVAL);
    let mut frames = 0;
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(message) => frames += u32::from(is_state(&message?.into_data())),
                None => return Ok(()),
            },
            _ = clock.tick() => if frames > 0 {
                let ack = ToServer::Ack { frames, held_ms: 0 }.encode();
                frames = 0;
                socket.send(Message::binary(ack)).await?;
            }
        }
    }
}

/// A state frame with a body: those are acknowledged.
fn is_state(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0b1111 == 0b1000)
}

/// A plain GET.
pub(crate) async fn get(at: SocketAddr, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
