//! What waits for the drive, and how it sleeps.
//!
//! Three bounded queues in order of urgency: what the journal has written, what rooms and cluster report, what players
//! ask. A full queue of requests refuses at once; reports wait, and so slow down the room that sends them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::Thread;
use std::time::Duration;

use lobby_core::{Answer, Call, Hello, Input, Refusal, RoomId, StreamId};
use tokio::sync::{mpsc, oneshot};

use super::feed::Feeder;
use super::room::RoomEnd;

/// Requests that may wait: a fifth of a second's worth at 20,000 a second. More are refused with when to come back.
pub(crate) const REQUESTS_WAITING: usize = 4_096;
/// Reports of rooms and cluster that may wait; then their streams are read more slowly.
const REPORTS_WAITING: usize = 8_192;

/// What a caller gets.
pub(crate) type Answered = Result<Box<Answer>, Refusal>;

/// Who gets the answer.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A caller who waits.
    Once(oneshot::Sender<Answered>),
    /// A caller who creates a ticket and watches it.
    Play(Feeder),
    /// A caller who watches.
    Watch(Feeder),
}

/// A call at a door.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) call: Call,
    pub(crate) reply: Reply,
}

/// News from rooms and cluster.
pub(crate) enum Report {
    /// A room's stream opened.
    Attach { stream: StreamId, hello: Box<Hello>, end: Box<RoomEnd> },
    /// Anything else that the core hears.
    Input(Input),
    /// A room's message was understood but its stream must go: it does not read.
    Stuck { stream: StreamId, room: RoomId },
}

const AWAKE: u8 = 0;
/// Anything wakes it.
const ASLEEP: u8 = 1;
/// An append is under way: only its end wakes it, and what comes meanwhile goes into the next one.
const WRITING: u8 = 2;

/// The bell that wakes the drive's thread.
#[derive(Debug)]
pub(crate) struct Bell {
    state: AtomicU8,
    thread: OnceLock<Thread>,
}

impl Bell {
    pub(crate) fn new() -> Bell {
        Bell { state: AtomicU8::new(AWAKE), thread: OnceLock::new() }
    }

    /// To be called once by the thread that sleeps.
    pub(crate) fn belongs_to_this_thread(&self) {
        let _set_once = self.thread.set(std::thread::current());
    }

    /// Something came in that can wait for the append under way.
    pub(crate) fn ring(&self) {
        if self.state.compare_exchange(ASLEEP, AWAKE, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.unpark();
        }
    }

    /// The append has ended.
    pub(crate) fn ring_loud(&self) {
        if self.state.swap(AWAKE, Ordering::SeqCst) != AWAKE {
            self.unpark();
        }
    }

    fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Sleeps until rung or `at_most` has passed. `anything` is asked once more before: what came in meanwhile has not
    /// rung.
    pub(crate) fn sleep(&self, writing: bool, at_most: Duration, anything: impl Fn() -> bool) {
        let state = if writing { WRITING } else { ASLEEP };
        self.state.store(state, Ordering::SeqCst);
        if !anything() {
            std::thread::park_timeout(at_most);
        }
        self.state.store(AWAKE, Ordering::SeqCst);
    }
}

/// The doors' ends of the queues.
#[derive(Debug, Clone)]
pub(crate) struct Senders {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) reports: mpsc::Sender<Report>,
}

/// The drive's ends.
pub(crate) struct Receivers {
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) reports: mpsc::Receiver<Report>,
}

pub(crate) fn queues() -> (Senders, Receivers) {
    let (requests, requests_out) = mpsc::channel(REQUESTS_WAITING);
    let (reports, reports_out) = mpsc::channel(REPORTS_WAITING);
    (Senders { requests, reports }, Receivers { requests: requests_out, reports: reports_out })
}
