//! What the match thread says of itself, for those who tell others.
//!
//! It is a state and not a queue: whoever reads late reads what is true now. What must not be lost, results and
//! answers, stays until it was delivered.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use room_core::{MatchResult, SeatStatus, Seen, Stats};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::pace::Pace;

/// Answers to Host that wait for a stream; older ones are of placements the lobby has long given up.
const MAX_ANSWERS: usize = 16;

/// Longest journal of a match that is kept: hours of a busy one. Only its beginning can be played again then.
pub(crate) const MAX_JOURNAL_BYTES: usize = 8 << 20;

/// Results that wait for a lobby. With so many the room takes no new match.
pub(crate) const MAX_RESULTS: usize = 16;

/// The board.
#[derive(Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    /// Rings after each change, for the stream to the lobby.
    pub(crate) changed: Notify,
    /// Rings after each new piece of a journal.
    pub(crate) journaled: Notify,
    /// Cancelled by the end.
    pub(crate) over: CancellationToken,
}

/// What is on it.
#[derive(Default, Clone)]
pub(crate) struct State {
    /// The match that is here.
    pub(crate) running: Option<Running>,
    /// Takes no new match.
    pub(crate) draining: bool,
    pub(crate) answers: VecDeque<Answer>,
    /// How matches ended, with when; each stays until the lobby has it.
    pub(crate) results: VecDeque<(Instant, MatchResult)>,
    /// The journal of the match that is here and of those whose results wait, the newest last.
    pub(crate) journals: VecDeque<Journal>,
    pub(crate) pace: Pace,
    pub(crate) stats: Stats,
    pub(crate) ended: Option<Ending>,
}

impl State {
    /// A copy without what is large.
    pub(crate) fn said(&mut self) -> State {
        let journals = std::mem::take(&mut self.journals);
        let said = self.clone();
        self.journals = journals;
        said
    }
}

/// The match that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) match_id: String,
    pub(crate) epoch: u64,
    pub(crate) rate_hz: u32,
    /// Its clock runs.
    pub(crate) moving: bool,
    pub(crate) seats: Vec<SeatStatus>,
    pub(crate) history: Vec<Seen>,
}

/// The journal of a match so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) match_id: String,
    pub(crate) epoch: u64,
    /// Nothing is shown before the lobby has it.
    pub(crate) acknowledge: bool,
    pub(crate) bytes: Vec<u8>,
    /// It grew beyond the limit: the rest of the match is not in it.
    pub(crate) cut: bool,
}

impl Journal {
    /// Appends a piece, or says that there is no more room for any.
    pub(crate) fn append(&mut self, piece: &[u8]) {
        self.cut |= self.bytes.len() + piece.len() > MAX_JOURNAL_BYTES;
        if !self.cut {
            self.bytes.extend_from_slice(piece);
        }
    }
}

/// The answer to Host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) match_id: String,
    pub(crate) epoch: u64,
    pub(crate) refused: Option<String>,
}

/// How the match thread ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As it was told: drained or stopped.
    Drained,
    /// Nobody was there and no lobby wanted it.
    Unwanted,
    /// A fault of our own, with what is known of it.
    Failed(String),
}

impl Board {
    /// Looks.
    pub(crate) fn read(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes it and rings.
    pub(crate) fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.read());
        self.changed.notify_one();
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.write(|state| {
            if state.answers.len() == MAX_ANSWERS {
                state.answers.pop_front();
            }
            state.answers.push_back(answer);
        });
    }

    /// The match thread has ended, or the room leaves for another reason. The first one counts.
    pub(crate) fn end(&self, ending: Ending) {
        self.write(|state| {
            // A lobby that reads this knows at once that a match which ran is lost, and seats its players elsewhere.
            state.running = None;
            state.draining = true;
            state.ended = state.ended.take().or(Some(ending));
        });
        self.over.cancel();
    }
}
