//! A lobby to test, its players and a room.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use bellhop_proto::tokens::Key;
use bellhop_proto::v1::matchmaking_client::MatchmakingClient;
use bellhop_proto::v1::operations_client::OperationsClient;
use bellhop_proto::v1::players_client::PlayersClient;
use bellhop_proto::v1::rooms_client::RoomsClient;
use bellhop_proto::v1::{self, lobby_message, room_message, ticket_event};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

/// Everything in these tests comes within this, or not at all.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// One-on-one matches of anybody, in rooms that attach by themselves.
pub(crate) const DUEL: &str = r#"
[[fleet]]
name = "test"
games = ["duel"]
min_ready = 0
max_rooms = 0

[[queue]]
name = "duel"
game = "duel"
window = { anybody = true }
open_games = true

[[queue]]
name = "closed"
game = "duel"
"#;

/// A lobby that runs.
pub(crate) struct Lobby {
    child: Child,
    pub(crate) data: PathBuf,
    pub(crate) public: String,
    pub(crate) private: String,
}

impl Lobby {
    /// With these settings, on this data directory.
    pub(crate) fn start(data: &Path, config: &str, more: &[&str]) -> Lobby {
        std::fs::create_dir_all(data).expect("the test's directory");
        let file = data.join("bellhop.toml");
        std::fs::write(&file, config).expect("the settings");
        let mut args = vec!["--config", file.to_str().expect("plain path")];
        if !more.contains(&"--room-command") {
            args.extend(["--start-rooms", "false"]);
        }
        args.extend(more);
        match Lobby::try_start(data, &args) {
            Ok(lobby) => lobby,
            Err(said) => panic!("the lobby did not start: {said}"),
        }
    }

    /// What it said, where it does not start.
    pub(crate) fn try_start(data: &Path, args: &[&str]) -> Result<Lobby, String> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bellhop-lobby"))
            .args(["--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--log-format", "json"])
            .args(["--snapshot-seconds", "1", "--head-seconds", "1", "--drain-seconds", "1", "--data"])
            .arg(data)
            .args(args)
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("the lobby's program");
        let mut lines = BufReader::new(child.stderr.take().expect("its log"));
        let (said, ready) = channel();
        std::thread::spawn(move || {
            let mut all = String::new();
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                if let Ok(json) = serde_json::from_str::<serde_json::Value>(&line)
                    && json["message"] == "lobby is ready"
                {
                    let address = |port: &str| format!("http://{}", json[port].as_str().unwrap_or_default());
                    let _ = said.send(Ok((address("public"), address("private"))));
                    // Its pipe must not fill up, and a test that fails shows what it said.
                    for line in lines.lines().map_while(Result::ok) {
                        eprintln!("{line}");
                    }
                    return;
                }
                all.push_str(&line);
                line.clear();
            }
            let _ = said.send(Err(all));
        });
        match ready.recv_timeout(SOON).expect("the lobby says something") {
            Ok((public, private)) => Ok(Lobby { child, data: data.to_owned(), public, private }),
            Err(said) => {
                child.wait().expect("it has ended");
                Err(said)
            }
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// kill -9.
    pub(crate) fn kill(mut self) -> PathBuf {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
        self.data.clone()
    }

    /// Waits until it has ended by itself; how.
    pub(crate) async fn ended(mut self) -> Option<i32> {
        within("the lobby's end", async || self.child.try_wait().expect("a child").map(|status| status.code())).await
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(self.public.clone()).expect("a URL").connect().await.expect("the public port")
    }

    pub(crate) async fn private_channel(&self) -> Channel {
        Channel::from_shared(self.private.clone()).expect("a URL").connect().await.expect("the private port")
    }

    /// Operations with this token; the operators' own if empty.
    pub(crate) async fn operations(&self) -> (OperationsClient<Channel>, String) {
        let token = std::fs::read_to_string(self.data.join("keys/operator.token")).expect("the token");
        (OperationsClient::new(self.private_channel().await), token.trim().to_owned())
    }
}

impl Drop for Lobby {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until there is an answer.
pub(crate) async fn within<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + SOON;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < until, "{what} did not come in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A request with a bearer.
pub(crate) fn with<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    request
}

/// A player.
#[derive(Clone)]
pub(crate) struct Player {
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) players: PlayersClient<Channel>,
    pub(crate) matchmaking: MatchmakingClient<Channel>,
}

impl Player {
    pub(crate) async fn arrive(lobby: &Lobby, name: &str) -> Player {
        let channel = lobby.channel().await;
        let mut players = PlayersClient::new(channel.clone());
        let guest = v1::CreateGuestRequest { name: name.into() };
        let session = players.create_guest(guest).await.expect("a guest").into_inner();
        let id = session.player.expect("the guest").id;
        Player { token: session.token, id, players, matchmaking: MatchmakingClient::new(channel) }
    }

    /// The same player at a lobby that was started again.
    pub(crate) async fn again(&self, lobby: &Lobby) -> Player {
        let channel = lobby.channel().await;
        Player {
            players: PlayersClient::new(channel.clone()),
            matchmaking: MatchmakingClient::new(channel),
            ..self.clone()
        }
    }

    pub(crate) fn with<T>(&self, message: T) -> Request<T> {
        with(&self.token, message)
    }

    pub(crate) async fn ticket(&mut self, queue: &str, key: &str) -> Result<v1::Ticket, Status> {
        let wish = ticket(queue, key);
        Ok(self.matchmaking.create_ticket(self.with(wish)).await?.into_inner())
    }

    pub(crate) async fn play(&mut self, queue: &str) -> Result<Events, Status> {
        Ok(Events(self.matchmaking.play(self.with(ticket(queue, ""))).await?.into_inner()))
    }

    pub(crate) async fn watch(&mut self, ticket_id: &str, after: u64) -> Result<Events, Status> {
        let wish = v1::WatchTicketRequest { ticket_id: ticket_id.into(), after };
        Ok(Events(self.matchmaking.watch_ticket(self.with(wish)).await?.into_inner()))
    }

    pub(crate) async fn look(&mut self, ticket_id: &str) -> Result<v1::Ticket, Status> {
        let wish = v1::GetTicketRequest { ticket_id: ticket_id.into() };
        Ok(self.matchmaking.get_ticket(self.with(wish)).await?.into_inner())
    }

    pub(crate) async fn me(&mut self) -> v1::Player {
        self.players.get_me(self.with(v1::GetMeRequest {})).await.expect("the player").into_inner()
    }

    pub(crate) async fn seat(&mut self, match_id: &str) -> Result<v1::Assignment, Status> {
        let wish = v1::GetSeatRequest { match_id: match_id.into() };
        Ok(self.matchmaking.get_seat(self.with(wish)).await?.into_inner())
    }

    pub(crate) async fn look_at(&mut self, match_id: &str) -> Result<v1::Match, Status> {
        let wish = v1::GetMatchRequest { match_id: match_id.into() };
        Ok(self.matchmaking.get_match(self.with(wish)).await?.into_inner())
    }
}

pub(crate) fn ticket(queue: &str, key: &str) -> v1::CreateTicketRequest {
    v1::CreateTicketRequest { queue: queue.into(), idempotency_key: key.into(), ..v1::CreateTicketRequest::default() }
}

/// A ticket's events.
pub(crate) struct Events(pub(crate) Streaming<v1::TicketEvent>);

impl Events {
    /// The next one that is numbered; `None`: the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<(u64, ticket_event::Kind)> {
        loop {
            let next = tokio::time::timeout(SOON, self.0.message()).await.expect("an event in time");
            let event = next.expect("the stream holds")?;
            match event.kind.expect("an event") {
                ticket_event::Kind::Status(_) => {}
                kind => return Some((event.number, kind)),
            }
        }
    }

    pub(crate) async fn assigned(&mut self) -> v1::Assignment {
        loop {
            if let ticket_event::Kind::Assigned(assignment) = self.next().await.expect("an assignment").1 {
                return assignment;
            }
        }
    }
}

/// A room that plays nothing.
pub(crate) struct Room {
    up: mpsc::Sender<v1::RoomMessage>,
    down: Streaming<v1::LobbyMessage>,
    pub(crate) key: Key,
    pub(crate) id: String,
    pub(crate) hosted: Option<v1::Host>,
    reports: u64,
}

impl Room {
    pub(crate) async fn attach(lobby: &Lobby) -> Room {
        Room::attach_as(lobby, "", Key::generate(), None).await.expect("the room is taken")
    }

    /// As the room it was before.
    pub(crate) async fn attach_again(lobby: &Lobby, before: &Room) -> Room {
        let running = before.hosted.as_ref().map(|host| v1::Running {
            match_id: host.match_id.clone(),
            epoch: host.epoch,
            seats: seats(host, v1::seat_report::Presence::Live),
        });
        let mut room =
            Room::attach_as(lobby, &before.id, before.key.clone(), running).await.expect("the room is taken again");
        room.hosted = before.hosted.clone();
        room
    }

    pub(crate) async fn attach_as(
        lobby: &Lobby,
        id: &str,
        key: Key,
        running: Option<v1::Running>,
    ) -> Result<Room, Status> {
        let hello = v1::Hello {
            room_id: id.into(),
            fleet: "test".into(),
            address: "127.0.0.1:9".into(),
            seat_key: key.as_bytes().to_vec(),
            games: vec![v1::GameInfo { name: "duel".into(), min_seats: 1, max_seats: 2, ..v1::GameInfo::default() }],
            running,
            draining: false,
            version: "test".into(),
        };
        let token = std::fs::read_to_string(lobby.data.join("keys/fleet-test.token")).expect("the fleet's token");
        Room::attach_with(lobby, token.trim(), hello, key).await
    }

    pub(crate) async fn attach_with(lobby: &Lobby, token: &str, hello: v1::Hello, key: Key) -> Result<Room, Status> {
        let (up, out) = mpsc::channel(64);
        up.send(message(room_message::Kind::Hello(hello))).await.expect("room for a hello");
        let mut client = RoomsClient::new(lobby.private_channel().await);
        let down = client.attach(with(token, ReceiverStream::new(out))).await?.into_inner();
        let mut room = Room { up, down, key, id: String::new(), hosted: None, reports: 0 };
        let welcome = room.next(|kind| match kind {
            lobby_message::Kind::Welcome(welcome) => Some(welcome),
            _ => None,
        });
        room.id = welcome.await?.room_id;
        Ok(room)
    }

    pub(crate) async fn say(&mut self, kind: room_message::Kind) {
        self.up.send(message(kind)).await.expect("the stream holds");
    }

    /// The next message of a kind.
    pub(crate) async fn next<T>(&mut self, pick: impl Fn(lobby_message::Kind) -> Option<T>) -> Result<T, Status> {
        loop {
            let next = tokio::time::timeout(SOON, self.down.message()).await.expect("a message in time");
            let kind = next?.ok_or_else(|| Status::unavailable("the stream ended"))?.kind;
            if let Some(picked) = kind.and_then(&pick) {
                return Ok(picked);
            }
        }
    }

    /// Takes the next match and says that all are there.
    pub(crate) async fn host(&mut self) -> v1::Host {
        let host = self.next(|kind| match kind {
            lobby_message::Kind::Host(host) => Some(host),
            _ => None,
        });
        let host = host.await.expect("a match");
        let accepted = v1::HostAccepted { match_id: host.match_id.clone(), epoch: host.epoch };
        self.say(room_message::Kind::HostAccepted(accepted)).await;
        self.hosted = Some(host.clone());
        host
    }

    pub(crate) async fn report(&mut self, presence: v1::seat_report::Presence) {
        self.reports += 1;
        let host = self.hosted.clone().unwrap_or_default();
        let report = v1::Report {
            sequence: self.reports,
            seats: seats(&host, presence),
            match_id: host.match_id,
            epoch: host.epoch,
            ..v1::Report::default()
        };
        self.say(room_message::Kind::Report(report)).await;
    }

    /// The first seat wins; waits for the acknowledgement.
    pub(crate) async fn finish(&mut self) -> v1::Host {
        let host = self.hosted.take().expect("a match is hosted");
        let seats = host.seats.iter().map(|seat| v1::SeatResult {
            seat: seat.seat,
            player_id: seat.player_id.clone(),
            rank: seat.seat + 1,
            score: 1 - i64::from(seat.seat),
        });
        let result = v1::MatchResult {
            match_id: host.match_id.clone(),
            epoch: host.epoch,
            seats: seats.collect(),
            rated: true,
            duration_ms: 5,
            reason: "over".into(),
            events_json: vec![r#"{"moved":1}"#.into()],
        };
        self.say(room_message::Kind::Result(result)).await;
        let acknowledged = self.next(|kind| match kind {
            lobby_message::Kind::ResultAck(ack) => Some(ack),
            _ => None,
        });
        assert_eq!(acknowledged.await.expect("an acknowledgement").match_id, host.match_id);
        self.say(room_message::Kind::Ready(v1::Ready {})).await;
        host
    }
}

fn seats(host: &v1::Host, presence: v1::seat_report::Presence) -> Vec<v1::SeatReport> {
    let report = |seat: &v1::HostSeat| v1::SeatReport {
        seat: seat.seat,
        player_id: seat.player_id.clone(),
        presence: presence as i32,
    };
    host.seats.iter().map(report).collect()
}

fn message(kind: room_message::Kind) -> v1::RoomMessage {
    v1::RoomMessage { kind: Some(kind) }
}
