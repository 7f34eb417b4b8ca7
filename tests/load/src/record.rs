//! What clients saw, one line of JSON each, in the order in which they saw it.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// One thing that one client saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since the record began.
    pub at_us: u64,
    /// Whose client it was.
    pub player: String,
    /// What it saw.
    #[serde(flatten)]
    pub saw: Saw,
}

/// What a client can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "saw", rename_all = "snake_case")]
pub enum Saw {
    /// The lobby promised a ticket.
    Ticket {
        /// The ticket.
        ticket: String,
    },
    /// A numbered event of a ticket.
    Event {
        /// The ticket.
        ticket: String,
        /// Its number.
        number: u64,
        /// Its kind: queued, matched, assigned, connected, requeued, ended.
        kind: String,
        /// The match it names, or nothing.
        match_id: String,
    },
    /// The answer to a cancel.
    Cancel {
        /// The ticket.
        ticket: String,
        /// cancelled, already_matched or already_ended.
        outcome: String,
        /// The match, where there is one.
        match_id: String,
    },
    /// A seat was opened: the game socket's welcome.
    Seated {
        /// The match.
        match_id: String,
        /// The seat.
        seat: u16,
    },
    /// The game socket closed.
    Closed {
        /// The match.
        match_id: String,
        /// The close code; 0: without one.
        code: u16,
        /// Whether the match had ended before, as the client saw it.
        ended: bool,
    },
    /// Frames of a live match came from a room, on one socket.
    Lived {
        /// The match.
        match_id: String,
        /// The room.
        room: String,
        /// When the first of them came, in microseconds since the record began.
        from_us: u64,
        /// When the last of them came.
        until_us: u64,
    },
    /// The longest time between two frames of the match, while it was live.
    Gap {
        /// The match.
        match_id: String,
        /// In microseconds.
        longest_us: u64,
    },
    /// The room said that the match was over.
    Ended {
        /// The match.
        match_id: String,
    },
    /// What the lobby said of a match when asked at the end.
    Match {
        /// The match.
        match_id: String,
        /// placing, playing, ended, lost or unknown.
        state: String,
        /// Seat, player and rank.
        seats: Vec<(u32, String, u32)>,
    },
    /// What the lobby said of a ticket when asked at the end.
    Final {
        /// The ticket.
        ticket: String,
        /// Its state, or unknown.
        state: String,
    },
}

/// A record that many clients write to.
#[derive(Debug)]
pub struct Record {
    begun: Instant,
    out: Mutex<BufWriter<File>>,
}

impl Record {
    /// Begins a record in a file.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> Result<Record> {
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Record { begun: Instant::now(), out: Mutex::new(BufWriter::new(file)) })
    }

    /// Writes one line.
    ///
    /// # Panics
    /// If the line cannot be written: a record with holes proves nothing.
    pub fn line(&self, player: &str, saw: Saw) {
        let at_us = self.moment(Instant::now());
        let line = Line { at_us, player: player.to_owned(), saw };
        let mut text = serde_json::to_string(&line).expect("a line is plain data");
        text.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(text.as_bytes()).expect("the record can be written");
    }

    /// A moment, in microseconds since the record began.
    pub fn moment(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX)
    }

    /// Everything written so far is in the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn flush(&self) -> Result<()> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).flush().context("writing the record")
    }
}

/// Reads a record.
///
/// # Errors
/// If the file cannot be read, or a line is not one of ours.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut lines = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = serde_json::from_str(&line?).with_context(|| format!("line {}", number + 1))?;
        lines.push(line);
    }
    Ok(lines)
}
