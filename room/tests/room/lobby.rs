//! A false lobby: the Rooms service, with a test in place of decisions.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bellhop_proto::tokens::{self, Key, Routing, SeatClaim, WatchClaim};
use bellhop_proto::v1::rooms_server::{Rooms, RoomsServer};
use bellhop_proto::v1::{self, LobbyMessage, RoomMessage, lobby_message, room_message};
use tokio::net::TcpSocket;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use crate::support::within;

/// Who may watch each match.
pub(crate) const SPECTATORS: u32 = 3;
pub(crate) const SECRET: &str = "the room's secret";

/// One stream of a room.
pub(crate) struct Line {
    pub(crate) hello: v1::Hello,
    to_room: mpsc::Sender<Result<LobbyMessage, Status>>,
    from_room: Streaming<RoomMessage>,
}

/// The lobby's side of one room.
pub(crate) struct FalseLobby {
    pub(crate) address: SocketAddr,
    /// Seals routing parts.
    pub(crate) key: Key,
    lines: Arc<Mutex<mpsc::Receiver<Line>>>,
    serving: JoinHandle<()>,
}

struct Doors(mpsc::Sender<Line>);

#[tonic::async_trait]
impl Rooms for Doors {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<LobbyMessage, Status>> + Send>>;

    async fn attach(&self, request: Request<Streaming<RoomMessage>>) -> Result<Response<Self::AttachStream>, Status> {
        let bearer = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        if bearer != Some(&format!("Bearer {SECRET}")) {
            return Err(Status::unauthenticated("not our room"));
        }
        let mut from_room = request.into_inner();
        let first = from_room.message().await?.and_then(|message| message.kind);
        let Some(room_message::Kind::Hello(hello)) = first else { return Err(Status::invalid_argument("no hello")) };
        let (to_room, outgoing) = mpsc::channel(64);
        self.0.send(Line { hello, to_room, from_room }).await.map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }
}

/// For a port that is closed and opened again: on an address from which nothing else of this machine connects, or a
/// connection could have taken the port meanwhile.
pub(crate) const OPENED_AGAIN: &str = "127.0.0.2:0";

impl FalseLobby {
    pub(crate) async fn start() -> FalseLobby {
        let (send, lines) = mpsc::channel(8);
        let (address, serving) = serve(OPENED_AGAIN.parse().unwrap(), send);
        FalseLobby { address, key: Key::generate(), lines: Arc::new(Mutex::new(lines)), serving }
    }

    /// Cuts every stream and closes the port, as a kill would.
    pub(crate) async fn die(&mut self) {
        self.serving.abort();
        drop((&mut self.serving).await);
    }

    /// Opens the port again.
    pub(crate) fn rise(&mut self) {
        let (send, lines) = mpsc::channel(8);
        let (address, serving) = serve(self.address, send);
        assert_eq!(address, self.address);
        self.lines = Arc::new(Mutex::new(lines));
        self.serving = serving;
    }

    /// The next stream of the room, welcomed.
    pub(crate) async fn line(&self) -> Line {
        let line = within(async { self.lines.lock().await.recv().await }).await.unwrap();
        let room = if line.hello.room_id.is_empty() { "r-given".to_owned() } else { line.hello.room_id.clone() };
        let routing =
            tokens::seal_routing(&self.key, &Routing { room: room.clone(), address: line.hello.address.clone() });
        line.say(lobby_message::Kind::Welcome(v1::Welcome { room_id: room, heartbeat_ms: 1_000, routing })).await;
        line
    }
}

impl Drop for FalseLobby {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn serve(at: SocketAddr, lines: mpsc::Sender<Line>) -> (SocketAddr, JoinHandle<()>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(at).unwrap();
    let listener = socket.listen(16).unwrap();
    let address = listener.local_addr().unwrap();
    // Connections live in tasks of their own; when the accepting task is aborted, dropping its stream must cut them.
    let (cut, _) = tokio::sync::watch::channel(());
    let cut = Arc::new(cut);
    let incoming =
        TcpListenerStream::new(listener).map(move |stream| stream.map(|stream| Cuttable::new(stream, cut.subscribe())));
    let serving = async move {
        let server = tonic::transport::Server::builder().add_service(RoomsServer::new(Doors(lines)));
        server.serve_with_incoming(incoming).await.unwrap();
    };
    (address, tokio::spawn(serving))
}

/// A connection that breaks when its server is gone.
struct Cuttable {
    stream: tokio::net::TcpStream,
    cut: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Cuttable {
    fn new(stream: tokio::net::TcpStream, mut alive: tokio::sync::watch::Receiver<()>) -> Cuttable {
        let cut = Box::pin(async move { while alive.changed().await.is_ok() {} });
        Cuttable { stream, cut }
    }
}

impl tonic::transport::server::Connected for Cuttable {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl tokio::io::AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return std::task::Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl tokio::io::AsyncWrite for Cuttable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Line {
    pub(crate) async fn say(&self, kind: lobby_message::Kind) {
        self.to_room.send(Ok(LobbyMessage { kind: Some(kind) })).await.unwrap();
    }

    /// The next message that is what was asked for.
    pub(crate) async fn hear<T>(&mut self, mut pick: impl FnMut(room_message::Kind) -> Option<T>) -> T {
        within(async {
            loop {
                let kind = self.from_room.message().await.unwrap().unwrap().kind.unwrap();
                if let Some(found) = pick(kind) {
                    return found;
                }
            }
        })
        .await
    }

    /// A report of which this holds.
    pub(crate) async fn report(&mut self, mut holds: impl FnMut(&v1::Report) -> bool) -> v1::Report {
        self.hear(
            |kind| if let room_message::Kind::Report(report) = kind { Some(report).filter(&mut holds) } else { None },
        )
        .await
    }

    pub(crate) async fn result(&mut self) -> v1::MatchResult {
        self.hear(|kind| if let room_message::Kind::Result(result) = kind { Some(result) } else { None }).await
    }

    /// The answer to Host: the reason, if it was refused.
    pub(crate) async fn answer(&mut self) -> Result<u64, String> {
        self.hear(|kind| {
            if let room_message::Kind::HostAccepted(accepted) = kind {
                Some(Ok(accepted.epoch))
            } else if let room_message::Kind::HostRefused(refused) = kind {
                Some(Err(refused.reason))
            } else {
                None
            }
        })
        .await
    }

    /// Hosts a match with so many seats.
    pub(crate) async fn host(&mut self, epoch: u64, game: &str, config: &str, seats: u32) -> Result<u64, String> {
        self.order(epoch, game, config, seats).await;
        self.answer().await
    }

    /// The same, without waiting for the answer.
    pub(crate) async fn order(&mut self, epoch: u64, game: &str, config: &str, seats: u32) {
        let host = v1::Host {
            match_id: format!("m-{epoch}"),
            epoch,
            game: game.into(),
            config_json: config.into(),
            seed: 7,
            seats: (0..seats).map(seat).collect(),
            accept_within_ms: 1_000,
            max_seats: 0,
            queue: "test".into(),
            journal_bytes: 0,
            spectators: SPECTATORS,
            watch_delay_ms: 0,
            chat: true,
        };
        self.say(lobby_message::Kind::Host(host)).await;
    }

    /// A token to watch a match with.
    pub(crate) fn watch_token(&self, lobby: &FalseLobby, epoch: u64, viewer: &str) -> String {
        let claim = WatchClaim {
            epoch,
            match_id: format!("m-{epoch}"),
            viewer_id: viewer.to_owned(),
            expires_ms: now_ms() + 30_000,
            nonce: rand_nonce(),
        };
        let key = Key::from_bytes(&self.hello.seat_key).unwrap();
        let routing = Routing { room: "r-1".into(), address: self.hello.address.clone() };
        tokens::seal_watch(&key, &tokens::seal_routing(&lobby.key, &routing), &claim)
    }

    /// More seats for match 1, which has begun with its first.
    pub(crate) async fn add(&mut self, seats: std::ops::Range<u32>) {
        let count = seats.end as usize;
        let add = v1::AddSeats { match_id: "m-1".into(), epoch: 1, seats: seats.map(seat).collect() };
        self.say(lobby_message::Kind::AddSeats(add)).await;
        self.report(|report| report.seats.len() == count).await;
    }

    pub(crate) async fn acknowledge(&self, result: &v1::MatchResult) {
        let ack = v1::ResultAck { match_id: result.match_id.clone(), epoch: result.epoch };
        self.say(lobby_message::Kind::ResultAck(ack)).await;
    }

    /// A join token for a seat.
    pub(crate) fn token(&self, lobby: &FalseLobby, epoch: u64, seat: u16) -> String {
        self.token_with(lobby, epoch, seat, |_| {})
    }

    pub(crate) fn token_with(
        &self,
        lobby: &FalseLobby,
        epoch: u64,
        seat: u16,
        change: impl FnOnce(&mut SeatClaim),
    ) -> String {
        let mut claim = SeatClaim {
            epoch,
            match_id: format!("m-{epoch}"),
            player_id: format!("p-{seat}"),
            seat,
            expires_ms: now_ms() + 30_000,
            nonce: rand_nonce(),
            resume: false,
        };
        change(&mut claim);
        let room = if self.hello.room_id.is_empty() { "r-given" } else { &self.hello.room_id };
        let routing = Routing { room: room.into(), address: self.hello.address.clone() };
        let key = Key::from_bytes(&self.hello.seat_key).unwrap();
        tokens::seal_seat(&key, &tokens::seal_routing(&lobby.key, &routing), &claim)
    }
}

fn seat(seat: u32) -> v1::HostSeat {
    v1::HostSeat { seat, player_id: format!("p-{seat}"), name: format!("player {seat}"), team: 0, tag: "0000".into() }
}

pub(crate) fn now_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}

fn rand_nonce() -> u64 {
    getrandom::u64().unwrap()
}
