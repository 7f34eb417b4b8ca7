//! `room/crash`: a room is killed with SIGKILL in the middle of a match; how long until its players play on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bellhop_proto::v1::Assignment;
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use room_client::Bot;
use rustix::process::Signal;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{LOOK_EVERY, Life, Plan, Socket, entry_of, open};
use crate::bench::{Bench, Report};
use crate::doors::channel;
use crate::local::Local;

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/crash",
    about: "SIGKILL of a room in the middle of a match of Snake, to the first frame from the room that goes on with it (p50 < 1,000 ms)",
    run,
};

/// Rooms killed, and the two players of each are measured.
const CRASHES: u32 = 12;
/// How often a player asks where his seat is now.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Frames seen before the room is killed: the match is under way.
const FRAMES_BEFORE: u64 = 10;
/// Longest a match may take to go on before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["snake"]
min_ready = 3
max_rooms = 12
breaker_failures = 0 # they are killed on purpose

[[queue]]
name = "pairs"
game = "snake"
min_players = 2
max_players = 2
window = { anybody = true } # the first always leaves: their ratings part
"#;

fn run(report: &mut Report<'_>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(report))
}

async fn measure(report: &mut Report<'_>) -> Result<()> {
    let local = Local::started(CONFIG).await?;
    let channel = channel(&local.gateway_url())?;
    let plan = |seed| Plan {
        queue: "pairs".into(),
        name: String::new(),
        seed,
        reaction_ms: 0.0,
        matches: 1,
        record: None,
        pulse: None,
    };
    let mut first = Life::begin(channel.clone(), plan(1)).await?;
    let mut second = Life::begin(channel, plan(2)).await?;
    let mut took = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    for round in 0..CRASHES {
        let (one, two) = (first.ask(round).await?, second.ask(round).await?);
        let crash = async {
            let (mut one, mut two) = tokio::try_join!(first.under_way(&one), second.under_way(&two))?;
            local.signal_room(&one.way.room_id, Signal::KILL)?;
            let killed = Instant::now();
            let took = tokio::try_join!(first.play_on(&mut one, killed), second.play_on(&mut two, killed))?;
            // With the first who leaves the match is over.
            let _closed_already = one.socket.send(Message::binary(one.player.leave())).await;
            tokio::join!(one.until_closed(), two.until_closed());
            anyhow::Ok(took)
        };
        let (one, two) = tokio::time::timeout(PATIENCE, crash).await.context("a match did not go on")??;
        for elapsed in [one, two] {
            took.saturating_record(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        }
    }
    report.headline(took.value_at_quantile(0.5) as f64 / 1e3, "ms");
    report.further("p99", took.value_at_quantile(0.99) as f64 / 1e3, "ms");
    Ok(())
}

/// A player on his seat.
struct Sitting {
    way: Assignment,
    player: Box<dyn Bot>,
    socket: Socket,
}

impl Sitting {
    async fn until_closed(&mut self) {
        while let Some(Ok(message)) = self.socket.next().await {
            if message.is_close() {
                break;
            }
        }
    }
}

impl Life {
    /// Waits for the seat, takes it and plays until the match is under way.
    async fn under_way(&mut self, ticket: &str) -> Result<Sitting> {
        let way = self.wait(ticket, &mut 0, &CancellationToken::new()).await?.context("the wait was stopped")?;
        let player = entry_of(&way)?.start(self.plan.seed, self.plan.reaction_ms);
        let socket = open(&way).await?;
        let mut sitting = Sitting { way, player, socket };
        let closed = self.frames(&mut sitting, FRAMES_BEFORE).await?;
        ensure!(!closed, "the room closed before it was killed");
        Ok(sitting)
    }

    /// The room was killed: comes back to the same match in another room; how long that took.
    async fn play_on(&mut self, sitting: &mut Sitting, killed: Instant) -> Result<Duration> {
        let dead = sitting.way.room_id.clone();
        loop {
            let seat = self.guest.seat(&sitting.way.match_id).await;
            if let Some(way) = seat.ok().filter(|way| way.room_id != dead) {
                ensure!(way.seat == sitting.way.seat, "the seat is another one");
                sitting.way = way;
                break;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        sitting.socket = open(&sitting.way).await?;
        let closed = self.frames(sitting, 1).await?;
        ensure!(!closed, "the other room closed");
        Ok(killed.elapsed())
    }

    /// Plays on one socket for so many frames more. True: it closed before.
    async fn frames(&mut self, sitting: &mut Sitting, more: u64) -> Result<bool> {
        let Sitting { player, socket, .. } = sitting;
        let enough = player.stats(self.now_ms()).frames + more;
        socket.send(Message::binary(player.hello())).await?;
        let mut look = tokio::time::interval(LOOK_EVERY);
        while player.stats(self.now_ms()).frames < enough {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => player.receive(&bytes, self.now_ms())?,
                    Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(true),
                },
                _ = look.tick() => {}
            }
            for message in player.outgoing(self.now_ms()) {
                socket.send(Message::binary(message)).await?;
            }
        }
        Ok(false)
    }
}
