//! The drive: one thread that owns the core, and the doors' way to it.
//!
//! What players ask and rooms report comes in through bounded queues; what the core decided goes to the journal's
//! thread, and only what is written is carried out. The drive never waits for the network.

pub(crate) mod feed;
pub(crate) mod inbox;
pub(crate) mod room;
mod turn;
mod watchers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bellhop_proto::tokens::Key;
use lobby_core::{Answer, Call, Input, PlayerId, Refusal, RoomId, Settings, Time};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use self::feed::{Feed, feed};
use self::inbox::{Answered, Bell, Reply, Report, Request, Senders};
use self::room::Directory;
pub(crate) use self::turn::{Drive, Parts};

/// A call is answered within this, or its caller is told that it was not. The journal writes in milliseconds; a disk
/// that needs longer is in trouble.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// When to come back after a refusal because the queue of requests is full: longer than it takes to empty it.
const COME_BACK_AFTER: Duration = Duration::from_millis(500);

/// Core time: since the journal's epoch, never back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    base: u64,
    start: Instant,
}

impl Clock {
    /// Goes on from the wall clock, or from the journal's newest time where that lies ahead.
    pub(crate) fn new(epoch_ms: u64, newest: u64) -> Clock {
        Clock::at(crate::players::unix_ms(), epoch_ms, newest)
    }

    /// The wall clock is asked once, and then never again: whoever sets it changes nothing while a lobby runs.
    fn at(wall_ms: u64, epoch_ms: u64, newest: u64) -> Clock {
        let wall = wall_ms.saturating_sub(epoch_ms).saturating_mul(1_000);
        Clock { base: wall.max(newest), start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Time {
        let since = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        Time(self.base.saturating_add(since))
    }
}

/// Something for the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClusterOrder {
    /// Start a room.
    Start { room: RoomId, fleet: lobby_core::Name },
    /// See to it that it is no more.
    Kill { room: RoomId },
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// The core refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// More callers than the lobby can answer.
    #[error("the lobby has more calls than it can answer")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// Not answered in time. What was asked may still happen.
    #[error("the lobby did not answer in time; what you asked for may still happen")]
    Late,
    /// The lobby is going down.
    #[error("the lobby is about to stop")]
    Stopped,
}

/// The way to the core, for doors and rooms.
#[derive(Clone)]
pub(crate) struct Core {
    senders: Senders,
    bell: Arc<Bell>,
    /// The settings in force.
    pub(crate) settings: Arc<ArcSwap<Settings>>,
    /// What opens the rooms' seats.
    pub(crate) rooms: Arc<Directory>,
    /// Grows with every change of the open games.
    pub(crate) open_games: watch::Receiver<u64>,
    streams: Arc<AtomicU64>,
    draining: Arc<AtomicBool>,
}

impl Core {
    /// Asks and waits for the answer.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let (sender, receiver) = oneshot::channel();
        self.request(Request { call, reply: Reply::Once(sender) })?;
        let answered: Answered = match tokio::time::timeout(ANSWER_WITHIN, receiver).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => return Err(CallError::Stopped),
            Err(_) => return Err(CallError::Late),
        };
        Ok(*answered?)
    }

    /// Creates a ticket and watches it.
    pub(crate) fn play(&self, call: Call) -> Result<Feed, CallError> {
        let (feeder, feed) = feed();
        self.request(Request { call, reply: Reply::Play(feeder) })?;
        Ok(feed)
    }

    /// Watches a ticket.
    pub(crate) fn watch(&self, ticket: lobby_core::TicketId, by: PlayerId, after: u64) -> Result<Feed, CallError> {
        let (feeder, feed) = feed();
        self.request(Request { call: Call::WatchTicket { ticket, by, after }, reply: Reply::Watch(feeder) })?;
        Ok(feed)
    }

    fn request(&self, request: Request) -> Result<(), CallError> {
        self.senders.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => CallError::Overloaded { retry_after: COME_BACK_AFTER },
            TrySendError::Closed(_) => CallError::Stopped,
        })?;
        self.bell.ring();
        Ok(())
    }

    /// Whether a new call would be refused: to be asked before any work is done for it.
    pub(crate) fn is_full(&self) -> bool {
        self.senders.requests.capacity() == 0
    }

    /// When to come back.
    pub(crate) fn overloaded() -> CallError {
        CallError::Overloaded { retry_after: COME_BACK_AFTER }
    }

    /// Reports what a room or the cluster said. Waits while many reports wait.
    pub(crate) async fn report(&self, report: Report) -> Result<(), CallError> {
        self.senders.reports.send(report).await.map_err(|_| CallError::Stopped)?;
        self.bell.ring();
        Ok(())
    }

    /// Whether the lobby was told to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Tells the core that the lobby is to stop.
    pub(crate) async fn drain(&self, rooms_too: bool, within: Duration) -> Result<(), CallError> {
        self.draining.store(true, Ordering::Release);
        self.report(Report::Input(Input::Drain { rooms_too, within })).await
    }

    /// A number for a new stream of a room, larger than any before in this process.
    pub(crate) fn next_stream(&self) -> lobby_core::StreamId {
        lobby_core::StreamId(self.streams.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Makes the drive and the way to it.
pub(crate) fn new(parts: Parts, gateways: Key, cluster: mpsc::Sender<ClusterOrder>) -> (Drive, Core) {
    let bell = Arc::new(Bell::new());
    let (senders, receivers) = inbox::queues();
    let (open_games_changed, open_games) = watch::channel(0);
    let rooms = Arc::new(Directory::default());
    let settings = Arc::new(ArcSwap::from_pointee(Settings::default()));
    let core = Core {
        senders,
        bell: bell.clone(),
        settings: settings.clone(),
        rooms: rooms.clone(),
        open_games,
        streams: Arc::new(AtomicU64::new(0)),
        draining: Arc::new(AtomicBool::new(false)),
    };
    let drive = Drive::new(parts, gateways, cluster, bell, receivers, rooms, settings, open_games_changed);
    (drive, core)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_whatever_the_wall_clock_says_at_a_restart() {
        let (epoch_ms, hour_ms) = (1_800_000_000_000, 3_600_000);
        let newest = 2 * hour_ms * 1_000;
        let began = |wall_ms| Clock::at(wall_ms, epoch_ms, newest).base;
        assert_eq!(began(epoch_ms + 2 * hour_ms + 5), newest + 5_000, "as time passed");
        assert_eq!(began(epoch_ms + 3 * hour_ms), newest + hour_ms * 1_000, "set forwards");
        assert_eq!(began(epoch_ms + hour_ms), newest, "set back");
        assert_eq!(began(epoch_ms - hour_ms), newest, "before the journal began");
        assert_eq!(began(0), newest, "a machine without a clock");
    }
}
