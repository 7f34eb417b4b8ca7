//! What operators read is what is so, a second later at most: players who join, drop, come back and leave, and a room
//! that stands still.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bellhop_load::bots::{entry_of, open};
use bellhop_load::doors::{self, Guest};
use bellhop_load::local::Local;
use bellhop_proto::v1::operations_client::OperationsClient;
use bellhop_proto::v1::{self, ticket_event};
use futures_util::{SinkExt, StreamExt};
use room_client::Bot;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tonic::Request;
use tonic::transport::Channel;

/// Everything without a limit of its own comes within this, or not at all.
const SOON: Duration = Duration::from_secs(20);
/// So old may a count be.
const COUNTS_WITHIN: Duration = Duration::from_secs(1);
/// In this time a room that stands still is noticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Three meet, so that one may leave and the match goes on.
const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["snake"]
min_ready = 1
max_rooms = 2

[[queue]]
name = "threes"
game = "snake"
min_players = 3
max_players = 3
late_join = false
"#;

/// A player in a seat, who reads and does nothing else until told what to do.
struct Seated {
    end: oneshot::Sender<How>,
    playing: JoinHandle<Result<Box<dyn Bot>>>,
}

/// How a socket ends.
enum How {
    /// The connection is gone, without a word.
    Drop,
    /// With the word that gives the seat up.
    Leave,
}

impl Seated {
    async fn join(way: &v1::Assignment, mut player: Box<dyn Bot>) -> Result<Seated> {
        let mut socket = open(way).await?;
        socket.send(Message::binary(player.hello())).await?;
        let (end, mut ended) = oneshot::channel();
        let playing = tokio::spawn(async move {
            let begun = Instant::now();
            let mut look = tokio::time::interval(LOOK_EVERY);
            loop {
                let now_ms = begun.elapsed().as_secs_f64() * 1e3;
                tokio::select! {
                    how = &mut ended => {
                        if matches!(how, Ok(How::Leave)) {
                            socket.send(Message::binary(player.leave())).await?;
                        }
                        return Ok(player);
                    }
                    message = socket.next() => match message.context("the room closed the socket")?? {
                        Message::Binary(bytes) => player.receive(&bytes, now_ms)?,
                        Message::Close(frame) => bail!("the room closed the socket: {frame:?}"),
                        Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                    },
                    _ = look.tick() => {}
                }
                for message in player.outgoing(now_ms) {
                    socket.send(Message::binary(message)).await?;
                }
            }
        });
        Ok(Seated { end, playing })
    }

    async fn end(self, how: How) -> Result<Box<dyn Bot>> {
        // Who has ended already says why below.
        let _gone = self.end.send(how);
        self.playing.await?
    }
}

/// What is to be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Truth {
    live: u32,
    reserved: u32,
    dropped: u32,
}

/// The operators' side.
struct Operators {
    operations: OperationsClient<Channel>,
    token: String,
    metrics: String,
}

impl Operators {
    fn of(local: &Local) -> Result<Operators> {
        let token = std::fs::read_to_string(local.data().join("keys/operator.token"))?;
        Ok(Operators {
            operations: OperationsClient::new(doors::channel(&local.private_url())?),
            token: token.trim().to_owned(),
            metrics: format!("{}/metrics", local.private_url()),
        })
    }

    async fn rooms(&mut self) -> Result<Vec<v1::Room>> {
        let mut request = Request::new(v1::ListRoomsRequest::default());
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.token).parse()?);
        Ok(self.operations.list_rooms(request).await?.into_inner().rooms)
    }

    async fn room(&mut self, match_id: &str) -> Result<Option<v1::Room>> {
        Ok(self.rooms().await?.into_iter().find(|room| room.match_id == match_id))
    }

    async fn metric(&self, name: &str) -> Result<String> {
        let text = reqwest::get(&self.metrics).await?.text().await?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        Ok(line.trim().to_owned())
    }

    /// Operations and metrics say so within a second, and say that the room is well.
    async fn say(&mut self, match_id: &str, truth: Truth) -> Result<()> {
        let begun = Instant::now();
        loop {
            let room = self.room(match_id).await?.context("the room is not listed")?;
            let said = Truth { live: room.seats_live, reserved: room.seats_reserved, dropped: room.seats_dropped };
            let counted = self.metric("lobby_fleet_players{fleet=\"default\"}").await?;
            let sick = self.metric("lobby_fleet_unhealthy_rooms{fleet=\"default\"}").await?;
            if said == truth && counted == truth.live.to_string() && room.healthy && sick == "0" {
                assert!(begun.elapsed() < COUNTS_WITHIN, "{truth:?} only after {:?}", begun.elapsed());
                return Ok(());
            }
            if begun.elapsed() > SOON {
                bail!("operations say {said:?}, metrics {counted} players, not {truth:?}; healthy: {}", room.healthy);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Three guests with their seats, and the tickets that led to them.
async fn three(local: &Local) -> Result<Vec<(Guest, String, v1::Assignment)>> {
    let mut three = Vec::new();
    for _ in 0..3 {
        let mut guest = Guest::arrive(doors::channel(&local.gateway_url())?, "").await?;
        let ticket = guest.create("threes", "").await?.id;
        three.push((guest, ticket, v1::Assignment::default()));
    }
    for (guest, ticket, way) in &mut three {
        *way = tokio::time::timeout(SOON, assigned(guest, ticket)).await.context("no seat in time")??;
    }
    Ok(three)
}

async fn assigned(guest: &mut Guest, ticket: &str) -> Result<v1::Assignment> {
    let mut events = guest.watch(ticket, 0).await?;
    loop {
        let event = events.message().await?.context("the stream ended")?;
        if let Some(ticket_event::Kind::Assigned(way)) = event.kind {
            return Ok(way);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_the_truth_a_second_after_every_join_drop_and_leave() -> Result<()> {
    let local = Local::started(CONFIG).await?;
    let mut operators = Operators::of(&local)?;
    let mut three = three(&local).await?;
    let match_id = three[0].2.match_id.clone();
    operators.say(&match_id, Truth { live: 0, reserved: 3, dropped: 0 }).await?;

    let mut seated = Vec::new();
    for (nth, (_, _, way)) in three.iter().enumerate() {
        seated.push(Seated::join(way, entry_of(way)?.start(nth as u64, 0.0)).await?);
        let live = nth as u32 + 1;
        operators.say(&match_id, Truth { live, reserved: 3 - live, dropped: 0 }).await?;
    }

    let player = seated.pop().context("three are seated")?.end(How::Drop).await?;
    operators.say(&match_id, Truth { live: 2, reserved: 0, dropped: 1 }).await?;
    // Back by the page's way: a fresh token for the held seat.
    let way = three[2].0.seat(&match_id).await?;
    let third = Seated::join(&way, player).await?;
    operators.say(&match_id, Truth { live: 3, reserved: 0, dropped: 0 }).await?;

    third.end(How::Leave).await?;
    operators.say(&match_id, Truth { live: 2, reserved: 0, dropped: 0 }).await
}

/// A process that stands still; goes on, or rather ends, with the test.
struct Stopped(Pid);

impl Stopped {
    fn room(local: &Local, room: &str) -> Result<Stopped> {
        local.signal_room(room, Signal::STOP)?;
        Ok(Stopped(local.room_pid(room)?))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _gone_already = kill_process(self.0, Signal::KILL);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_stands_still_is_noticed_and_its_match_goes_on_in_another_one() -> Result<()> {
    let local = Local::started(CONFIG).await?;
    let mut operators = Operators::of(&local)?;
    let mut three = three(&local).await?;
    let (match_id, room) = (three[0].2.match_id.clone(), three[0].2.room_id.clone());
    let mut seated = Vec::new();
    for (nth, (_, _, way)) in three.iter().enumerate() {
        seated.push(Seated::join(way, entry_of(way)?.start(nth as u64, 0.0)).await?);
    }
    operators.say(&match_id, Truth { live: 3, reserved: 0, dropped: 0 }).await?;

    let begun = Instant::now();
    let _stopped = Stopped::room(&local, &room)?;
    let still = loop {
        let rooms = operators.rooms().await?;
        let found = rooms.into_iter().find(|found| found.id == room).context("the room is not listed")?;
        if !found.healthy || begun.elapsed() > SOON {
            break found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let noticed = begun.elapsed();
    assert!(!still.healthy && still.unhealthy_reason == "silent", "{still:?}");
    assert_eq!(operators.metric("lobby_fleet_unhealthy_rooms{fleet=\"default\"}").await?, "1");
    assert!(noticed < NOTICED_WITHIN, "noticed only after {noticed:?}");

    // Everybody has his seat, in another room.
    let mut back = Vec::new();
    for (nth, (guest, _, before)) in three.iter_mut().enumerate() {
        let elsewhere = async {
            loop {
                match guest.seat(&match_id).await {
                    Ok(way) if way.room_id != room => return way,
                    Ok(_) | Err(_) => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
        };
        let way = tokio::time::timeout(SOON, elsewhere).await.context("no way into another room")?;
        assert_eq!((&way.match_id, way.seat), (&match_id, before.seat));
        back.push(Seated::join(&way, entry_of(&way)?.start(nth as u64, 0.0)).await?);
    }
    let all_are_back = async {
        while operators.room(&match_id).await?.is_none_or(|room| room.seats_live < 3) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(SOON, all_are_back).await.context("the match does not go on with all of them")?
}
