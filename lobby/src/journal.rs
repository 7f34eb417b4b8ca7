//! The journal: what the core decided, on disk before anybody is told.
//!
//! One thread appends: what came in while it wrote goes into its next transaction together. Another one follows with
//! snapshots: it reads the newest one, plays the journal over it and writes the next, so the drive never waits for it.

pub mod codec;
pub mod snapshot;
pub mod store;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lobby_core::{Batch, Event, Seq, State, Time};
use tracing::{info, warn};

use self::snapshot::{Snapshot, Snapshots};
use self::store::{JournalError, Store};
use crate::keys::DataDir;
use crate::metrics::Metrics;
use crate::players::{Players, unix_ms};

/// Appends that may wait. The drive has one under way at a time.
const APPENDS_WAITING: usize = 4;
/// Fewer events than this are not worth a snapshot.
const SNAPSHOT_AT_LEAST: u64 = 200;
/// So many events make a snapshot due whatever the time: a start replays them in some seconds.
const SNAPSHOT_AT_MOST: u64 = 4_000_000;

struct Append {
    time: Time,
    batch: Batch,
}

/// The drive's end of the journal.
pub(crate) struct Journal {
    appends: SyncSender<Append>,
    written: Arc<AtomicU64>,
    bell: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>,
}

impl Journal {
    /// Number of the last event that is on disk.
    pub(crate) fn written(&self) -> Arc<AtomicU64> {
        self.written.clone()
    }

    /// What to call after each append.
    pub(crate) fn on_written(&self, bell: impl Fn() + Send + Sync + 'static) {
        let _set_once = self.bell.set(Box::new(bell));
    }

    /// Hands a batch over. False: the journal has stopped.
    pub(crate) fn append(&self, time: Time, batch: Batch) -> bool {
        self.appends.send(Append { time, batch }).is_ok()
    }
}

/// What the journal's threads need.
pub(crate) struct Writer {
    store: Arc<Store<Event>>,
    snapshots: Snapshots,
    appends: Receiver<Append>,
    written: Arc<AtomicU64>,
    bell: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>,
    /// Records before this number are needless.
    cut: Arc<AtomicU64>,
    players: Arc<Players>,
    metrics: Arc<Metrics>,
    /// The last event in the newest snapshot.
    snapshot: u64,
}

/// What was promised before this start.
pub(crate) struct Recovered {
    pub(crate) state: State,
    /// Nothing was: the journal is new.
    pub(crate) is_new: bool,
    pub(crate) seed: [u8; 32],
    pub(crate) epoch_ms: u64,
    /// Core time of the newest event.
    pub(crate) newest: u64,
}

/// Opens the journal and brings state and players to where it ends.
pub(crate) fn open(
    data: &DataDir,
    players: Arc<Players>,
    metrics: Arc<Metrics>,
) -> Result<(Recovered, Journal, Writer), anyhow::Error> {
    let store = Arc::new(Store::<Event>::open(&data.path("journal.redb"), unix_ms())?);
    let snapshots = Snapshots::new(data.path("snapshots"));
    let seed = store.seed()?;
    let started = Instant::now();
    let (mut state, mut newest) = newest_state(&snapshots, seed)?;
    let from = state.applied().0 + 1;

    // The players' file may have followed less far than the snapshot reaches.
    let unfollowed = players.followed().max(1).min(from);
    let mut unseen = Vec::new();
    let next = store
        .replay(unfollowed, |number, time, event| {
            if number >= from {
                state.apply(&event);
                newest = time;
            }
            if matches!(event, Event::MatchEnded(_)) {
                unseen.push((number, event));
            }
        })
        .context("could not replay the journal")?;
    assert_eq!(state.applied().0 + 1, next.max(from), "a replayed journal ends where its state does");
    for (number, event) in unseen {
        players.follow(number, vec![event]);
    }
    let events = next.saturating_sub(from);
    info!(events, took_ms = started.elapsed().as_millis() as u64, "journal is replayed");

    let written = Arc::new(AtomicU64::new(state.applied().0));
    let bell = Arc::new(OnceLock::new());
    let (appends, receiver) = sync_channel(APPENDS_WAITING);
    let recovered = Recovered { is_new: state.applied() == Seq(0), seed, epoch_ms: store.epoch_ms()?, newest, state };
    let journal = Journal { appends, written: written.clone(), bell: bell.clone() };
    let cut = Arc::new(AtomicU64::new(0));
    let writer =
        Writer { store, snapshots, appends: receiver, written, bell, cut, players, metrics, snapshot: from - 1 };
    Ok((recovered, journal, writer))
}

fn newest_state(snapshots: &Snapshots, seed: [u8; 32]) -> Result<(State, u64)> {
    for snapshot in snapshots.read()? {
        match postcard::from_bytes::<State>(&snapshot.state) {
            Ok(state) if state.applied().0 + 1 == snapshot.next => return Ok((state, snapshot.time)),
            Ok(_) | Err(_) => warn!(next = snapshot.next, "snapshot cannot be read, trying the one before"),
        }
    }
    Ok((State::new(seed), 0))
}

impl Writer {
    /// The follower that writes snapshots, to be run on a thread of its own beside [`Writer::run`].
    pub(crate) fn follower(&self, every: Duration) -> Follower {
        Follower {
            store: self.store.clone(),
            snapshots: self.snapshots.clone(),
            written: self.written.clone(),
            cut: self.cut.clone(),
            players: self.players.clone(),
            every,
            snapshot: self.snapshot,
        }
    }

    /// Appends until the drive is gone.
    pub(crate) fn run(self) -> Result<(), JournalError> {
        while let Ok(first) = self.appends.recv() {
            let started = Instant::now();
            let expected = first.batch.first.0;
            let mut batches = Vec::with_capacity(APPENDS_WAITING);
            let mut append = Some(first);
            while let Some(Append { time, batch }) = append {
                batches.push((time.0, batch.events));
                append = self.appends.try_recv().ok();
            }
            let cut = self.cut.load(Ordering::Acquire).min(self.players.followed());
            let next = self.store.append(expected, &batches, cut)?;
            // Ratings count before anybody hears of the result.
            let mut first = expected;
            for (_, events) in batches {
                let count = events.len() as u64;
                self.players.follow(first, events);
                first += count;
            }
            self.written.store(next - 1, Ordering::Release);
            if let Some(bell) = self.bell.get() {
                bell();
            }
            self.metrics.journal_append.observe(started.elapsed().as_secs_f64());
            self.metrics.journal_events.inc_by(next - expected);
        }
        Ok(())
    }
}

/// Writes snapshots behind the journal.
pub(crate) struct Follower {
    store: Arc<Store<Event>>,
    snapshots: Snapshots,
    written: Arc<AtomicU64>,
    cut: Arc<AtomicU64>,
    players: Arc<Players>,
    every: Duration,
    /// The last event in the newest snapshot.
    snapshot: u64,
}

impl Follower {
    /// Follows until `stop` is hung up.
    pub(crate) fn run(self, stop: &Receiver<()>) -> Result<()> {
        let mut last = self.snapshot;
        let mut since = Instant::now();
        loop {
            match stop.recv_timeout(self.every.min(Duration::from_secs(1))) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Err(error) = self.players.tidy() {
                warn!(error = %anyhow::Error::from(error), "could not tidy up among the players");
            }
            let news = self.written.load(Ordering::Acquire) - last;
            let due = news >= SNAPSHOT_AT_MOST || (news >= SNAPSHOT_AT_LEAST && since.elapsed() >= self.every);
            if due {
                last = self.write().context("could not write a snapshot")?;
                since = Instant::now();
            }
        }
    }

    fn write(&self) -> Result<u64> {
        let started = Instant::now();
        let (mut state, mut newest) = newest_state(&self.snapshots, self.store.seed()?)?;
        let next = self.store.replay(state.applied().0 + 1, |_, time, event| {
            state.apply(&event);
            newest = time;
        })?;
        let bytes = postcard::to_stdvec(&state).context("could not write the state down")?;
        let size = bytes.len();
        let cut = self.snapshots.write(&Snapshot { next, time: newest, state: bytes })?;
        self.cut.store(cut, Ordering::Release);
        info!(next, size, took_ms = started.elapsed().as_millis() as u64, "snapshot is written");
        Ok(next - 1)
    }
}
