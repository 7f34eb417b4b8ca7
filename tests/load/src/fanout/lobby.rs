//! A lobby that places one match in one room.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bellhop_proto::tokens::{self, Key, Routing, SeatClaim};
use bellhop_proto::v1::rooms_server::{Rooms, RoomsServer};
use bellhop_proto::v1::{Heartbeat, Host, HostSeat, LobbyMessage, RoomMessage, Welcome, lobby_message, room_message};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// Starts it; the task ends with a join token for each seat, once the room hosts the match.
pub(crate) async fn start(key: Key, host: Host) -> Result<(SocketAddr, JoinHandle<Result<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (ready, tokens) = oneshot::channel();
    let doors = Doors { key, host, ready: Arc::new(Mutex::new(Some(ready))) };
    let server = tonic::transport::Server::builder().add_service(RoomsServer::new(doors));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok((address, tokio::spawn(async { tokens.await.context("the room did not host") })))
}

struct Doors {
    key: Key,
    host: Host,
    ready: Arc<Mutex<Option<oneshot::Sender<Vec<String>>>>>,
}

#[tonic::async_trait]
impl Rooms for Doors {
    type AttachStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<LobbyMessage, Status>> + Send>>;

    async fn attach(&self, request: Request<Streaming<RoomMessage>>) -> Result<Response<Self::AttachStream>, Status> {
        let mut from_room = request.into_inner();
        let first = from_room.message().await?.and_then(|message| message.kind);
        let Some(room_message::Kind::Hello(hello)) = first else { return Err(Status::invalid_argument("no hello")) };
        let routing = tokens::seal_routing(&self.key, &Routing { room: hello.room_id.clone(), address: hello.address });
        let seat_key = Key::from_bytes(&hello.seat_key).ok_or_else(|| Status::invalid_argument("no key"))?;
        let tokens = self.host.seats.iter().map(|seat| token(&seat_key, &routing, seat.seat as u16)).collect();
        let (to_room, outgoing) = mpsc::channel(16);
        let welcome = Welcome { room_id: hello.room_id, heartbeat_ms: 1_000, routing };
        let host = self.host.clone();
        let ready = Arc::clone(&self.ready);
        tokio::spawn(async move {
            let say = async |kind| to_room.send(Ok(LobbyMessage { kind: Some(kind) })).await;
            say(lobby_message::Kind::Welcome(welcome)).await?;
            say(lobby_message::Kind::Host(host)).await?;
            let mut clock = tokio::time::interval(Duration::from_secs(1));
            let mut tokens = Some(tokens);
            loop {
                tokio::select! {
                    _ = clock.tick() => say(lobby_message::Kind::Heartbeat(Heartbeat {})).await?,
                    message = from_room.message() => match message {
                        Ok(Some(RoomMessage { kind: Some(room_message::Kind::HostAccepted(_)) })) => {
                            if let (Some(ready), Some(tokens)) = (ready.lock().await.take(), tokens.take()) {
                                drop(ready.send(tokens));
                            }
                        }
                        Ok(Some(_)) => {}
                        Ok(None) | Err(_) => return anyhow::Ok(()),
                    },
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }
}

/// The order to host a match of a game with so many seats.
pub(crate) fn host(game: &str, config_json: &str, seats: u16) -> Host {
    let seat = |seat: u16| HostSeat {
        seat: u32::from(seat),
        player_id: format!("p-{seat}"),
        name: format!("player {seat}"),
        team: 0,
        tag: String::new(),
    };
    Host {
        match_id: "m-1".into(),
        epoch: 1,
        game: game.into(),
        config_json: config_json.into(),
        seed: 1,
        seats: (0..seats).map(seat).collect(),
        accept_within_ms: 5_000,
        max_seats: 0,
        queue: game.into(),
        journal_bytes: 0,
        spectators: 0,
        watch_delay_ms: 0,
        chat: false,
    }
}

fn token(key: &Key, routing: &str, seat: u16) -> String {
    let claim = SeatClaim {
        epoch: 1,
        match_id: "m-1".into(),
        player_id: format!("p-{seat}"),
        seat,
        expires_ms: u64::MAX,
        nonce: u64::from(seat),
        resume: false,
    };
    tokens::seal_seat(key, routing, &claim)
}
