//! A match, watched again from its journal: forwards, backwards, through anybody's eyes.

use bellhop_game::{Game, Seat, ViewClass, schema};

use crate::hosted::{At, Hosted, Match as _};
use crate::journal::{Entries, Entry, JournalError};
use crate::replay::Teller;

/// Somebody who sat in the match.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlaybackSeat {
    /// His seat.
    pub seat: u16,
    /// His name.
    pub name: String,
    /// His team, counted from 0.
    pub team: u16,
}

/// A match that can be watched at any of its moments.
///
/// Going forwards plays on; going backwards plays again from the beginning, which takes a moment for a long match.
pub struct Playback<G: Game> {
    entries: Vec<Entry>,
    config: G::Config,
    config_json: String,
    seed: u64,
    seats: Vec<PlaybackSeat>,
    duration_ms: u64,
    ended: Option<String>,
    // Where it is now.
    game: Hosted<G>,
    teller: Teller,
    next: usize,
    /// Steps of the next entry that were made already.
    stepped: u32,
    told: u64,
}

impl<G: Game> Playback<G> {
    /// Reads a journal of this game. `config` reads a configuration from JSON: a browser has that already, and what it
    /// has need not be in the page's part of a game.
    ///
    /// # Errors
    /// [`JournalError`], but for `Diverged`: that is for [`replay`](crate::replay()) to find.
    pub fn open(bytes: &[u8], config: impl Fn(&str) -> Result<G::Config, String>) -> Result<Playback<G>, JournalError> {
        let mut reader = Entries::new(bytes)?;
        let Some(Entry::Start { game: name, schema: theirs, config_json, seed }) = reader.next()? else {
            return Err(JournalError::Headless);
        };
        if name != G::NAME {
            return Err(JournalError::UnknownGame { game: name, have: G::NAME.to_owned() });
        }
        let ours = schema::<G>();
        if theirs != ours {
            return Err(JournalError::OtherVersion { game: name, theirs, ours });
        }
        let (mut entries, mut seats, mut ended) = (Vec::new(), Vec::new(), None);
        let (mut steps, mut waited_ms) = (0u64, 0u64);
        while let Some(entry) = reader.next()? {
            ended = None;
            match &entry {
                Entry::Steps(more) => steps += u64::from(*more),
                Entry::Later(ms) => waited_ms += ms,
                Entry::Join { seat, name, team } => {
                    seats.push(PlaybackSeat { seat: *seat, name: name.clone(), team: *team });
                }
                Entry::End { reason } => ended = Some(reason.clone()),
                Entry::Start { .. }
                | Entry::Answer { .. }
                | Entry::Presence { .. }
                | Entry::Input { .. }
                | Entry::ClearInput { .. }
                | Entry::Command { .. }
                | Entry::Timeout
                | Entry::Drain { .. }
                | Entry::Seated { .. }
                | Entry::Dealt { .. }
                | Entry::Check(_) => {}
            }
            entries.push(entry);
        }
        let duration_ms = if G::RATE_HZ > 0 { steps * 1_000 / u64::from(G::RATE_HZ) } else { waited_ms };
        let config = config(&config_json).map_err(JournalError::Config)?;
        let game = Hosted::begin(&config, String::new(), seed);
        let teller = Teller { at: At::default(), rate_hz: G::RATE_HZ };
        let mut playback = Playback {
            entries,
            config,
            config_json,
            seed,
            seats,
            duration_ms,
            ended,
            game,
            teller,
            next: 0,
            stepped: 0,
            told: 0,
        };
        playback.forward(0);
        Ok(playback)
    }

    /// Who sat in the match, in the order in which they came.
    pub fn seats(&self) -> &[PlaybackSeat] {
        &self.seats
    }

    /// The configuration of the match, as JSON.
    pub fn config_json(&self) -> &str {
        &self.config_json
    }

    /// How long the match was, in its own milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    /// Why it ended, where the journal has its end.
    pub fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// The moment it is at.
    pub fn now_ms(&self) -> u64 {
        self.teller.at.now_ms
    }

    /// Goes to a moment of the match.
    pub fn seek(&mut self, ms: u64) {
        if ms < self.teller.at.now_ms {
            self.game = Hosted::begin(&self.config, String::new(), self.seed);
            self.teller.at = At::default();
            (self.next, self.stepped) = (0, 0);
        }
        self.forward(ms);
    }

    /// Plays on until just before what comes later than `ms`.
    fn forward(&mut self, ms: u64) {
        while let Some(entry) = self.entries.get(self.next) {
            if let Entry::Steps(steps) = entry {
                if self.stepped == *steps {
                    (self.next, self.stepped) = (self.next + 1, 0);
                    continue;
                }
                let next = (u64::from(self.teller.at.tick) + 1) * 1_000 / u64::from(G::RATE_HZ.max(1));
                if next > ms {
                    return;
                }
                self.teller.step(&mut self.game);
                self.stepped += 1;
                continue;
            }
            if let Entry::Later(later) = entry
                && self.teller.at.now_ms + later > ms
            {
                return;
            }
            self.teller.tell(&mut self.game, entry.clone());
            self.next += 1;
        }
    }

    /// What is seen now from a seat, or by somebody who does not play.
    pub fn view(&self, seat: Option<u16>) -> G::View {
        self.game.seen(self.class(seat))
    }

    /// What was told to a seat, or to all, since this was last asked. Nothing after a jump.
    pub fn take_events(&mut self, seat: Option<u16>) -> Vec<G::Event> {
        let (class, told) = (self.class(seat), self.told);
        self.told = self.game.events(class);
        if told > self.told { Vec::new() } else { self.game.told(class, told) }
    }

    /// Forgets what was told so far: before the first [`Playback::take_events`] after a jump or for other eyes.
    pub fn skip_events(&mut self, seat: Option<u16>) {
        self.told = self.game.events(self.class(seat));
    }

    fn class(&self, seat: Option<u16>) -> ViewClass {
        seat.map_or(ViewClass::Spectator, |seat| self.game.class_of(Seat(seat).0))
    }
}
