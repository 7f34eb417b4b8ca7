//! The game room: one authoritative loop behind one WebSocket door.
//!
//! A room hosts one match at a time for the lobby it is attached to, and stands on its own: the lobby may die while
//! people play. A platform team's own room is its games and this crate:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     bellhop_room::main(&[room_core::game::<MyGame>()])
//! }
//! ```
//!
//! - [`owner`] is the thread that owns the match and its sockets: in between it reads them, and it alone writes to them.
//! - [`door`] checks tokens and upgrades; [`socket`] reads one game socket, by [`arrival`]; [`outlet`] writes one.
//! - [`model`] carries the questions of games to a language model, where one is set up.
//! - [`attach`] is the stream to the lobby. It reads the [`board`], on which the match thread says what is true.

mod arrival;
mod attach;
mod board;
mod bundle;
mod door;
mod frame;
mod inbox;
mod metrics;
mod model;
mod outlet;
mod owner;
mod pace;
mod private;
mod process;
mod refusal;
mod replay;
mod settings;
mod socket;
mod translate;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bellhop_proto::tokens::Key;
use room_core::{GameEntry, Room};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use board::Ending;
pub use process::main;
pub use room_core::{GameEntry as Game, game};
pub use settings::{Proof, Recycle, Settings};

/// After the match thread has ended, its last result gets at least this long to reach the lobby ...
const DELIVER_WITHIN: Duration = Duration::from_secs(5);
/// ... and at most this long, however long matches may drain: a lobby that is replaced is back by then, and one that was
/// removed for good must not hold up the end of its rooms.
const DELIVER_WITHIN_AT_MOST: Duration = Duration::from_secs(60);

/// Who this room is, as the lobby said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    pub(crate) room: String,
    /// Routing part of this room's tokens.
    pub(crate) routing: String,
}

/// What the parts of one room share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) proof: Proof,
    pub(crate) games: Vec<GameEntry>,
    pub(crate) bundles: Vec<bundle::Bundle>,
    pub(crate) address: String,
    pub(crate) key: Key,
    pub(crate) inbox: inbox::Inbox<owner::ToMatch>,
    pub(crate) board: board::Board,
    pub(crate) metrics: metrics::Metrics,
    pub(crate) tasks: TaskTracker,
    /// Those who read game sockets, on the match thread.
    pub(crate) readers: TaskTracker,
    /// For what the match thread wants done elsewhere.
    pub(crate) runtime: Handle,
    pub(crate) model: Option<model::Model>,
    identity: Mutex<Identity>,
    tries: Mutex<Tries>,
    wake_on_input: AtomicBool,
}

impl Shared {
    pub(crate) fn identity(&self) -> Identity {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn identify(&self, identity: Identity) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// Whether a seat of the match of this epoch may open another socket now.
    pub(crate) fn may_try(&self, epoch: u64, seat: u16, now: Instant) -> bool {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).take(epoch, seat, now)
    }

    /// Whether an input should wake the match thread: in a game without a clock nothing else does.
    pub(crate) fn wakes_on_input(&self) -> bool {
        self.wake_on_input.load(Ordering::Relaxed)
    }

    pub(crate) fn wake_on_input(&self, wake: bool) {
        self.wake_on_input.store(wake, Ordering::Relaxed);
    }
}

/// How often the seats of the newest match were tried. A new match has new players: their seats begin afresh.
#[derive(Default)]
struct Tries {
    epoch: u64,
    /// Seats are few, so the list is short.
    seats: BTreeMap<u16, socket::Bucket>,
}

impl Tries {
    fn take(&mut self, epoch: u64, seat: u16, now: Instant) -> bool {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.seats.clear();
        }
        let fresh = || socket::Bucket::of(door::SEAT_PER_SECOND, door::SEAT_BURST);
        self.seats.entry(seat).or_insert_with(fresh).take(now, 1)
    }
}

/// A room whose ports are open.
pub struct RoomProcess {
    shared: Arc<Shared>,
    door: TcpListener,
    private: Option<TcpListener>,
    address: SocketAddr,
    private_address: Option<SocketAddr>,
}

/// Tells a room from outside what a signal tells a process.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// No new match; the one that runs may finish.
    pub drain: CancellationToken,
    /// End now.
    pub stop: CancellationToken,
}

impl RoomProcess {
    /// Opens the ports and reads the bundles.
    ///
    /// # Errors
    /// When a port cannot be opened, the room's address is not clear, or a bundle cannot be read.
    pub async fn bind(settings: Settings, proof: Proof, games: &[GameEntry]) -> anyhow::Result<RoomProcess> {
        let model = model::Model::from_settings(&settings)?;
        let door = listen(settings.bind, "--bind").await?;
        let address = door.local_addr().context("reading the room's address")?;
        let private = match settings.private_listen {
            Some(at) => Some(listen(at, "--private-listen").await?),
            None => None,
        };
        let private_address = match &private {
            Some(private) => Some(private.local_addr().context("reading the private address")?),
            None => None,
        };
        let mut bundles = Vec::new();
        if let Some(dir) = &settings.bundles {
            for entry in games {
                bundles.extend(bundle::Bundle::find(dir, entry.name)?);
            }
        }
        let identity = Identity { room: settings.room.clone(), routing: String::new() };
        let shared = Arc::new(Shared {
            address: settings.address(address)?,
            games: games.to_vec(),
            bundles,
            proof,
            key: Key::generate(),
            inbox: inbox::Inbox::new(),
            board: board::Board::default(),
            metrics: metrics::Metrics::default(),
            tasks: TaskTracker::new(),
            readers: TaskTracker::new(),
            runtime: Handle::current(),
            model,
            identity: Mutex::new(identity),
            tries: Mutex::default(),
            wake_on_input: AtomicBool::new(false),
            settings,
        });
        Ok(RoomProcess { shared, door, private, address, private_address })
    }

    /// Where game sockets come in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where probes and scrapers reach it, if they may.
    pub fn private_address(&self) -> Option<SocketAddr> {
        self.private_address
    }

    /// Runs until it was drained, stopped, is wanted no more, or failed.
    ///
    /// # Errors
    /// When the match thread cannot be started.
    pub async fn run(self, stop: Stop) -> anyhow::Result<Ending> {
        let RoomProcess { shared, door, private, .. } = self;
        let seed = getrandom::u64().context("drawing a seed")?;
        let room = Room::new(&shared.games, seed).with_changed_rules(shared.settings.changed_rules.into());
        let (thread, sockets) = start_match_thread(Arc::clone(&shared), room)?;
        let sockets = sockets.await.context("the match thread ended at once")??;

        let doors = tokio::spawn(door::accept(door, Arc::clone(&shared), sockets));
        let private = private.map(|at| tokio::spawn(private::serve(at, Arc::clone(&shared))));
        let mut attached = tokio::spawn(attach::stay(Arc::clone(&shared)));
        let signals = tokio::spawn(pass_signals(Arc::clone(&shared), stop));

        shared.board.over.cancelled().await;
        doors.abort();
        signals.abort();
        let deliver_within = Duration::from_secs(shared.settings.drain_seconds);
        let deliver_within = deliver_within.clamp(DELIVER_WITHIN, DELIVER_WITHIN_AT_MOST);
        if tokio::time::timeout(deliver_within, &mut attached).await.is_err() {
            tracing::warn!("the lobby did not take the last result in time");
            attached.abort();
        }
        if let Some(private) = private {
            private.abort();
        }
        drop(shared.inbox.close());
        drop(tokio::task::spawn_blocking(|| thread.join()).await);
        let ending = shared.board.read().ended.clone().unwrap_or(Ending::Drained);
        Ok(ending)
    }
}

/// The match thread, and where its sockets are to be read.
type MatchThread = (JoinHandle<()>, oneshot::Receiver<anyhow::Result<Handle>>);

/// The thread that owns the match. What it says last stands on the board, however it ends.
fn start_match_thread(shared: Arc<Shared>, room: Room) -> anyhow::Result<MatchThread> {
    let (ready, sockets_are_ready) = oneshot::channel();
    let run = move || {
        let sockets = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .event_interval(READERS_IN_A_TURN)
            .build();
        let sockets = match sockets {
            Ok(sockets) => sockets,
            Err(error) => return drop(ready.send(Err(error).context("preparing to read sockets"))),
        };
        drop(ready.send(Ok(sockets.handle().clone())));
        let mut owner = owner::Owner::new(Arc::clone(&shared), room);
        let ran = std::panic::catch_unwind(AssertUnwindSafe(|| owner.run(&sockets)));
        let ending = match ran {
            Ok(()) => Ending::Drained,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
                tracing::error!(text, "the match thread failed");
                Ending::Failed(text.to_owned())
            }
        };
        for left in shared.inbox.close() {
            owner::refuse(&shared.board, left);
        }
        let in_order = ending == Ending::Drained;
        shared.board.end(ending);
        if in_order {
            // Who has not read our last words yet may do so.
            shared.readers.close();
            drop(sockets.block_on(async { tokio::time::timeout(socket::LINGER, shared.readers.wait()).await }));
        }
    };
    let thread = std::thread::Builder::new()
        .name("match".into())
        .stack_size(MATCH_STACK_BYTES)
        .spawn(run)
        .context("starting the match thread")?;
    Ok((thread, sockets_are_ready))
}

/// So many sockets are read before the match is looked at again.
const READERS_IN_A_TURN: u32 = 1_024;

/// Games keep their state on the heap; only pages that are touched cost memory.
const MATCH_STACK_BYTES: usize = 1 << 20;

async fn pass_signals(shared: Arc<Shared>, stop: Stop) {
    let within = Duration::from_secs(shared.settings.drain_seconds);
    let drain = async {
        stop.drain.cancelled().await;
        if shared.inbox.push(owner::ToMatch::Drain { within }, true).is_err() {
            tracing::warn!("the match thread takes nothing");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = drain => {}
        () = stop.stop.cancelled() => {
            let reason = "the room was stopped".to_owned();
            if shared.inbox.push(owner::ToMatch::Stop { reason }, true).is_err() {
                tracing::warn!("the match thread takes nothing");
            }
        }
    }
}

async fn listen(at: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(at).await.map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            let port = at.port();
            anyhow::anyhow!("port {port} is taken: stop what listens on {at}, or choose another with {flag} HOST:PORT")
        } else {
            anyhow::Error::new(source).context(format!("cannot listen on {at} (from {flag})"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_of_the_next_match_may_be_tried_afresh() {
        let mut tries = Tries::default();
        let now = Instant::now();
        let burst = door::SEAT_BURST as usize;
        assert_eq!((0..2 * burst).filter(|_| tries.take(1, 0, now)).count(), burst, "a seat is tried too often");
        assert!(tries.take(1, 1, now), "the other seat is not to blame");
        assert!(tries.take(2, 0, now), "nor is who sits there in the next match");
        assert!((0..2 * burst).any(|_| !tries.take(1, 0, now)), "an old token does not begin afresh");
    }
}
