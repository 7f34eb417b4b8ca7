//! What the tests stand on: a room in this process, and players.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bellhop_game::Game;
use bellhop_room::{Ending, Proof, RoomProcess, Settings, Stop, game};
use bellhop_wire::CloseCode;
use clap::Parser as _;
use futures_util::{SinkExt as _, StreamExt as _};
use room_client::{Client, News};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::games::{Pulse, Tally};
use crate::lobby::{FalseLobby, Line, SECRET};

pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn within<T>(waiting: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, waiting).await.expect("in time")
}

/// A room in this process.
pub(crate) struct Under {
    pub(crate) address: SocketAddr,
    pub(crate) private: SocketAddr,
    pub(crate) stop: Stop,
    pub(crate) running: JoinHandle<anyhow::Result<Ending>>,
}

impl Under {
    pub(crate) async fn start(lobby: &FalseLobby, flags: &[&str]) -> Under {
        Under::try_start(lobby, flags).await.unwrap()
    }

    /// The same, where the flags may be wrong.
    pub(crate) async fn try_start(lobby: &FalseLobby, flags: &[&str]) -> anyhow::Result<Under> {
        let lobby = format!("http://{}", lobby.address);
        let mut args = vec!["room", "--secret-stdin", "--lobby", &lobby, "--private-listen", "127.0.0.1:0"];
        if !flags.contains(&"--room") {
            args.extend(["--room", "r-1"]);
        }
        args.extend(flags);
        let settings = Settings::try_parse_from(args).unwrap();
        let games = [game::<Pulse>(), game::<Tally>(), game::<bellhop_sketch::Sketch>()];
        let room = RoomProcess::bind(settings, Proof::Secret(SECRET.into()), &games).await?;
        let (address, private) = (room.address(), room.private_address().unwrap());
        let stop = Stop::default();
        let running = tokio::spawn(room.run(stop.clone()));
        Ok(Under { address, private, stop, running })
    }

    /// A room, attached, that hosts `game` with so many seats as match 1.
    pub(crate) async fn hosting(game: &str, config: &str, seats: u32) -> (FalseLobby, Under, Line) {
        let lobby = FalseLobby::start().await;
        let under = Under::start(&lobby, &[]).await;
        let mut line = lobby.line().await;
        assert_eq!(line.host(1, game, config, seats).await, Ok(1));
        (lobby, under, line)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}{path}", self.private)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn metric(&self, line: &str) -> f64 {
        let text = self.get("/metrics").await.1;
        let found = text.lines().find_map(|at| at.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or_default()
    }

    pub(crate) async fn until_metric(&self, line: &str, holds: impl Fn(f64) -> bool) {
        within(async {
            while !holds(self.metric(line).await) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a game socket.
pub(crate) async fn dial(at: SocketAddr, room: &str, token: &str) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("ws://{at}/rooms/{room}").into_client_request()?;
    let offered = format!("bellhop.v1, bellhop.token.{token}");
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(&offered).unwrap());
    let (socket, response) = within(tokio_tungstenite::connect_async(request)).await?;
    assert_eq!(response.headers()["sec-websocket-protocol"], "bellhop.v1");
    Ok(socket)
}

/// A player in a browser, but for the browser.
pub(crate) struct Player<G: Game> {
    pub(crate) client: Client<G>,
    pub(crate) socket: Socket,
    pub(crate) at: SocketAddr,
    origin: Instant,
    pub(crate) news: Vec<News<G::Event>>,
}

impl<G: Game> Player<G> {
    pub(crate) async fn join(at: SocketAddr, token: &str) -> Player<G> {
        let socket = dial(at, "r-1", token).await.unwrap();
        let mut player = Player { client: Client::new(), socket, at, origin: Instant::now(), news: Vec::new() };
        let hello = player.client.hello();
        player.send(hello).await;
        player
    }

    /// The same page on a new socket.
    pub(crate) async fn resume(&mut self) {
        let token = self.client.resume_token().unwrap().to_owned();
        self.socket = dial(self.at, "r-1", &token).await.unwrap();
        let hello = self.client.hello();
        self.send(hello).await;
    }

    pub(crate) fn now(&self) -> f64 {
        self.origin.elapsed().as_secs_f64() * 1_000.0
    }

    pub(crate) async fn send(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    /// Sends what is due.
    pub(crate) async fn pump(&mut self) {
        for bytes in self.client.outgoing(self.now()) {
            // A socket that closes meanwhile says so when it is read.
            drop(self.socket.send(Message::binary(bytes)).await);
        }
    }

    /// Plays on until something is true.
    pub(crate) async fn until(&mut self, holds: impl FnMut(&Player<G>) -> bool) {
        assert_eq!(self.play(holds).await, None, "the socket was closed");
    }

    /// Plays on until the room closes the socket; its code and reason.
    pub(crate) async fn until_closed(&mut self) -> (CloseCode, String) {
        self.play(|_| false).await.unwrap()
    }

    async fn play(&mut self, mut holds: impl FnMut(&Player<G>) -> bool) -> Option<(CloseCode, String)> {
        within(async {
            loop {
                self.news.extend(self.client.news());
                if holds(self) {
                    return None;
                }
                self.pump().await;
                let next = tokio::time::timeout(Duration::from_millis(50), self.socket.next()).await;
                match next {
                    Err(_) => {}
                    Ok(Some(Ok(Message::Binary(bytes)))) => self.client.receive(&bytes, self.now()).unwrap(),
                    Ok(Some(Ok(Message::Close(Some(frame))))) => {
                        self.news.extend(self.client.news());
                        let code = CloseCode::from_code(frame.code.into()).unwrap();
                        return Some((code, frame.reason.to_string()));
                    }
                    Ok(Some(Ok(_))) => {}
                    Ok(other) => panic!("the socket ended without a close frame: {other:?}"),
                }
            }
        })
        .await
    }

    /// Plays on until the first state has come.
    pub(crate) async fn until_state(&mut self) {
        self.until(|player| player.client.view().is_some()).await;
    }

    /// Plays on until so many more frames have come.
    pub(crate) async fn frames(&mut self, more: u64) {
        let target = self.client.stats(0.0).frames + more;
        self.until(|player| player.client.stats(0.0).frames >= target).await;
    }
}

/// Reads a socket until the close frame.
pub(crate) async fn closed(socket: &mut Socket) -> (CloseCode, String) {
    within(async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (CloseCode::from_code(frame.code.into()).unwrap(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("the socket ended without a close frame: {other:?}"),
            }
        }
    })
    .await
}

/// The status and kind of a refusal before the upgrade.
pub(crate) fn refusal(dialled: Result<Socket, tungstenite::Error>) -> (u16, String) {
    match dialled {
        Err(tungstenite::Error::Http(answer)) => {
            let body: serde_json::Value = serde_json::from_slice(answer.body().as_deref().unwrap()).unwrap();
            assert!(!body["detail"].as_str().unwrap().is_empty() && !body["hint"].as_str().unwrap().is_empty());
            let kind = body["type"].as_str().unwrap().strip_prefix("urn:bellhop:problem:").unwrap();
            (answer.status().as_u16(), kind.to_owned())
        }
        other => panic!("{other:?}"),
    }
}
