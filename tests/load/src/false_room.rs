//! Rooms without a game: they attach, confirm every match and end it at once.

use anyhow::{Context, Result, bail};
use bellhop_proto::v1::rooms_client::RoomsClient;
use bellhop_proto::v1::{
    GameInfo, Health, Hello, HostAccepted, MatchResult, Ready, Report, RoomMessage, SeatReport, SeatResult,
    lobby_message, room_message, seat_report,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::transport::Channel;

use crate::doors::channel;

/// Messages that wait to be sent on one stream: a room answers each message of the lobby with at most three.
const UP_QUEUE: usize = 64;

/// What a false room says of itself.
#[derive(Debug, Clone)]
pub struct FalseRoom {
    /// The id that the lobby gave it; empty: it has none yet.
    pub room: String,
    /// Its fleet.
    pub fleet: String,
    /// The fleet's token, or its pod's.
    pub token: String,
    /// The game it pretends to host.
    pub game: String,
    /// Most seats of that game.
    pub max_seats: u32,
}

impl FalseRoom {
    /// Attaches, and hosts until the stream ends.
    ///
    /// # Errors
    /// If it cannot attach, or the stream breaks.
    pub async fn run(self, channel: Channel) -> Result<()> {
        let (up, outgoing) = mpsc::channel(UP_QUEUE);
        up.send(message(room_message::Kind::Hello(self.hello()))).await?;
        let mut request = Request::new(ReceiverStream::new(outgoing));
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.token.trim()).parse()?);
        let mut down = RoomsClient::new(channel).attach(request).await.context("attaching")?.into_inner();
        let mut sequence = 0;
        let mut playing = None;
        while let Some(told) = down.message().await? {
            match told.kind {
                Some(lobby_message::Kind::Host(host)) => {
                    let (match_id, epoch) = (host.match_id.clone(), host.epoch);
                    up.send(message(room_message::Kind::HostAccepted(HostAccepted { match_id, epoch }))).await?;
                    up.send(message(room_message::Kind::Result(result(&host)))).await?;
                    playing = Some(host);
                }
                Some(lobby_message::Kind::ResultAck(_)) => {
                    playing = None;
                    up.send(message(room_message::Kind::Ready(Ready {}))).await?;
                }
                Some(lobby_message::Kind::Heartbeat(_)) => {
                    sequence += 1;
                    up.send(message(room_message::Kind::Report(report(sequence, playing.as_ref())))).await?;
                }
                Some(lobby_message::Kind::Stop(_) | lobby_message::Kind::Drain(_)) => return Ok(()),
                Some(
                    lobby_message::Kind::Welcome(_)
                    | lobby_message::Kind::AddSeats(_)
                    | lobby_message::Kind::WantBundle(_)
                    | lobby_message::Kind::JournalKept(_)
                    | lobby_message::Kind::JournalPiece(_)
                    | lobby_message::Kind::ReleaseSeats(_)
                    | lobby_message::Kind::KickSeats(_)
                    | lobby_message::Kind::CallOff(_),
                )
                | None => {}
            }
        }
        Ok(())
    }

    fn hello(&self) -> Hello {
        Hello {
            room_id: self.room.clone(),
            fleet: self.fleet.clone(),
            address: "127.0.0.1:9".to_owned(),
            seat_key: vec![7; 32],
            games: vec![GameInfo {
                name: self.game.clone(),
                schema: 1,
                min_seats: 2,
                max_seats: self.max_seats,
                rate_hz: 0,
                bundle: String::new(),
                bundle_bytes: 0,
            }],
            running: None,
            draining: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Runs rooms of a fleet, each with a connection of its own: one for each line `ROOM TOKEN` of standard input, until that
/// ends.
///
/// # Errors
/// If a line is none, or a room ends before.
pub async fn run_all(lobby: &str, fleet: &str, game: &str) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut rooms = JoinSet::new();
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                let (room, token) = line.split_once(' ').context("a line is ROOM TOKEN")?;
                let (fleet, game) = (fleet.to_owned(), game.to_owned());
                let room = FalseRoom { room: room.to_owned(), fleet, token: token.to_owned(), game, max_seats: 2 };
                rooms.spawn(room.run(channel(lobby)?));
            }
            Some(ended) = rooms.join_next() => {
                ended??;
                bail!("a room was told to go");
            }
        }
    }
}

fn message(kind: room_message::Kind) -> RoomMessage {
    RoomMessage { kind: Some(kind) }
}

fn result(host: &bellhop_proto::v1::Host) -> MatchResult {
    let seats = host
        .seats
        .iter()
        .map(|seat| SeatResult { seat: seat.seat, player_id: seat.player_id.clone(), rank: seat.seat + 1, score: 0 })
        .collect();
    MatchResult {
        match_id: host.match_id.clone(),
        epoch: host.epoch,
        seats,
        rated: true,
        duration_ms: 1,
        reason: String::new(),
        events_json: Vec::new(),
    }
}

fn report(sequence: u64, playing: Option<&bellhop_proto::v1::Host>) -> Report {
    let seats = playing.map_or_else(Vec::new, |host| {
        let live = |seat: &bellhop_proto::v1::HostSeat| SeatReport {
            seat: seat.seat,
            player_id: seat.player_id.clone(),
            presence: seat_report::Presence::Live.into(),
        };
        host.seats.iter().map(live).collect()
    });
    Report {
        sequence,
        match_id: playing.map(|host| host.match_id.clone()).unwrap_or_default(),
        epoch: playing.map_or(0, |host| host.epoch),
        seats,
        health: Some(Health::default()),
        draining: false,
        events: Vec::new(),
    }
}
