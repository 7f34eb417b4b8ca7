//! A real room in a process of its own under a false lobby, and players whose frames are timed.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bellhop_game::Game;
use bellhop_proto::tokens::Key;
use bellhop_proto::v1::Host;
use futures_util::{SinkExt as _, StreamExt as _};
use room_client::Client;
use tokio_tungstenite::tungstenite::Message;

use crate::fanout::clients::{Socket, dial, get};
use crate::fanout::game::Fan;
use crate::fanout::lobby;
use crate::local::{free_port, programs};

/// How long the room may take to begin its match.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How often a player looks whether something is due.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A room with a match of so many seats.
pub(crate) struct Stage {
    room: Child,
    pub(crate) door: SocketAddr,
    private: SocketAddr,
    /// One for each seat; each opens it once.
    pub(crate) tokens: Vec<String>,
}

impl Stage {
    /// A room whose game is nothing but state that changes.
    pub(crate) async fn open(seats: u16) -> Result<Stage> {
        Stage::open_at(Ipv4Addr::LOCALHOST.into(), seats).await
    }

    /// The same with its door at this address.
    pub(crate) async fn open_at(at: IpAddr, seats: u16) -> Result<Stage> {
        Stage::of("bellhop-fan", lobby::host("fan", "null", seats), at).await
    }

    /// A room that hosts this, and whose door is at this address.
    pub(crate) async fn of(program: &str, match_: Host, at: IpAddr) -> Result<Stage> {
        let (lobby, running) = lobby::start(Key::generate(), match_).await?;
        let (door, private) = (SocketAddr::new(at, free_port()?.port()), free_port()?);
        let mut command = Command::new(programs()?.join(program));
        command.args(["--secret-stdin", "--room", "r-1", "--log", "warn", "--lobby", &format!("http://{lobby}")]);
        command.args(["--bind", &door.to_string(), "--private-listen", &private.to_string()]);
        let mut room = command.stdin(Stdio::piped()).spawn().context("starting the room")?;
        room.stdin.take().context("the room's input")?.write_all(b"bench\n")?;
        let mut stage = Stage { room, door, private, tokens: Vec::new() };
        let hosts = tokio::time::timeout(START_WITHIN, running).await;
        stage.tokens = hosts.context("the room does not begin its match")?.context("the false lobby")??;
        Ok(stage)
    }

    /// What the room counts under this name.
    pub(crate) async fn count(&self, name: &str) -> Result<f64> {
        let text = get(self.private, "/metrics").await?;
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        found.with_context(|| format!("the room does not tell {name}"))
    }

    /// Memory of the room, in bytes.
    pub(crate) fn rss(&self) -> Result<u64> {
        let pages = fs::read_to_string(format!("/proc/{}/statm", self.room.id()))?;
        let resident = pages.split(' ').nth(1).context("statm")?.parse::<u64>()?;
        Ok(resident * rustix::param::page_size() as u64)
    }

    /// Files that the room has open.
    pub(crate) fn files(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.room.id()))?.count())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone_already = self.room.kill();
        let _reaped = self.room.wait();
    }
}

/// A player with a client of his own.
pub(crate) struct Player<G: Game> {
    pub(crate) client: Client<G>,
    socket: Socket,
    begun: Instant,
}

impl<G: Game> Player<G> {
    pub(crate) async fn join(door: SocketAddr, token: &str) -> Result<Player<G>> {
        let socket = dial(door, token).await.context("taking a seat")?;
        let mut player = Player { client: Client::new(), socket, begun: Instant::now() };
        player.greet().await?;
        Ok(player)
    }

    /// The page without its socket, and that.
    pub(crate) fn without_socket(self) -> (Seated<G>, Socket) {
        (Seated { client: self.client, begun: self.begun }, self.socket)
    }

    async fn greet(&mut self) -> Result<()> {
        let hello = self.client.hello();
        Ok(self.socket.send(Message::binary(hello)).await?)
    }

    /// When the newest of what was read had come, by the wall clock.
    pub(crate) fn came(&self) -> Duration {
        self.socket.get_ref().came()
    }

    pub(crate) fn now_ms(&self) -> f64 {
        self.begun.elapsed().as_secs_f64() * 1e3
    }

    /// Plays on until the next state comes.
    pub(crate) async fn frame(&mut self) -> Result<()> {
        while !self.frame_by(Instant::now() + LOOK_EVERY).await? {}
        Ok(())
    }

    /// Plays on until the next state comes, or until then. Whether one came.
    pub(crate) async fn frame_by(&mut self, until: Instant) -> Result<bool> {
        let before = self.client.stats(0.0).frames;
        let mut late = false;
        while !late && self.client.stats(0.0).frames == before {
            match tokio::time::timeout_at(until.into(), self.socket.next()).await {
                Ok(Some(Ok(Message::Binary(bytes)))) => self.client.receive(&bytes, self.now_ms())?,
                Ok(Some(Ok(Message::Close(frame)))) => bail!("the room closed the socket: {frame:?}"),
                Ok(Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
                Ok(Some(Err(error))) => return Err(error).context("reading the socket"),
                Ok(None) => bail!("the room ended the socket without a word"),
                Err(_) => late = true,
            }
            for message in self.client.outgoing(self.now_ms()) {
                self.socket.send(Message::binary(message)).await?;
            }
        }
        // As a page does, if only to forget it.
        drop(self.client.news());
        Ok(self.client.stats(0.0).frames != before)
    }
}

/// A player without a socket.
pub(crate) struct Seated<G: Game> {
    client: Client<G>,
    begun: Instant,
}

impl<G: Game> Seated<G> {
    /// The same page on a new socket.
    pub(crate) async fn resume(self, door: SocketAddr) -> Result<Player<G>> {
        let token = self.client.resume_token().context("a resume token came with the welcome")?;
        let socket = dial(door, token).await.context("taking the seat again")?;
        let mut player = Player { client: self.client, socket, begun: self.begun };
        player.greet().await?;
        Ok(player)
    }
}

/// How evenly frames come to all who are watched: to their sockets, not to this process, which plays all of them.
#[derive(Default)]
pub(crate) struct Gaps {
    micros: Mutex<Vec<u32>>,
    /// The newest step that anybody saw.
    tick: AtomicU32,
}

impl Gaps {
    /// Plays and notes when frames come, until the room says no. Before the first of its socket counts, there is one more: stamps are
    /// turned on for the whole machine by the first socket that wants them, a moment later.
    pub(crate) async fn watch(self: Arc<Gaps>, mut player: Player<Fan>) -> Result<()> {
        player.frame().await?;
        let mut last = player.came();
        ensure!(last > Duration::ZERO, "this machine's kernel does not say when something came");
        loop {
            player.frame().await?;
            let now = player.came();
            let gap = u32::try_from(now.saturating_sub(last).as_micros()).unwrap_or(u32::MAX);
            last = now;
            self.micros.lock().unwrap_or_else(PoisonError::into_inner).push(gap);
            self.tick.fetch_max(player.client.tick(), Ordering::Relaxed);
        }
    }

    pub(crate) fn tick(&self) -> u32 {
        self.tick.load(Ordering::Relaxed)
    }

    /// Those since this was last asked.
    pub(crate) fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.micros.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The 99th percentile, in milliseconds.
pub(crate) fn p99_ms(gaps: &mut [u32]) -> Result<f64> {
    gaps.sort_unstable();
    let at = gaps.len().saturating_sub(1) * 99 / 100;
    Ok(f64::from(*gaps.get(at).context("no frames came")?) / 1e3)
}
