//! A match, played again from its journal.

use bellhop_game::{Outcome, Who};

use crate::GameEntry;
use crate::hosted::{At, Match};
use crate::journal::{Entries, Entry, JournalError};

/// What became of a match that was played again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The game.
    pub game: String,
    /// Steps made.
    pub steps: u32,
    /// Milliseconds of the match.
    pub duration_ms: u64,
    /// Times that what all see was held against what was written down, and was the same.
    pub checks: u32,
    /// What all saw in the end comes to this.
    pub state: u64,
    /// Why it ended; `None`: the journal ends before the match.
    pub ended: Option<String>,
    /// What the game itself said of its end, if it said anything.
    pub outcome: Option<Outcome>,
}

/// Plays a match again.
///
/// # Errors
/// [`JournalError`], in each of its forms. The end of a journal that was cut off is no error.
pub fn replay(games: &[GameEntry], bytes: &[u8]) -> Result<Replayed, JournalError> {
    let mut entries = Entries::new(bytes)?;
    let Some(Entry::Start { game: name, schema, config_json, seed }) = entries.next()? else {
        return Err(JournalError::Headless);
    };
    let Some(entry) = games.iter().find(|entry| entry.name == name) else {
        let have = games.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
        return Err(JournalError::UnknownGame { game: name, have });
    };
    if entry.schema != schema {
        return Err(JournalError::OtherVersion { game: name, theirs: schema, ours: entry.schema });
    }
    let mut game = (entry.start)(&config_json, seed).map_err(JournalError::Config)?;
    let mut teller = Teller { at: At::default(), rate_hz: entry.rate_hz };
    let mut replayed =
        Replayed { game: name, steps: 0, duration_ms: 0, checks: 0, state: 0, ended: None, outcome: None };
    while let Some(entry) = entries.next()? {
        match entry {
            Entry::Check(theirs) => {
                let ours = game.state_check();
                if ours != theirs {
                    return Err(JournalError::Diverged { tick: teller.at.tick, theirs, ours });
                }
                replayed.checks += 1;
            }
            Entry::End { reason } => replayed.ended = Some(reason),
            told @ (Entry::Start { .. }
            | Entry::Steps(_)
            | Entry::Join { .. }
            | Entry::Presence { .. }
            | Entry::Input { .. }
            | Entry::ClearInput { .. }
            | Entry::Command { .. }
            | Entry::Timeout
            | Entry::Answer { .. }
            | Entry::Drain { .. }
            | Entry::Seated { .. }
            | Entry::Dealt { .. }
            | Entry::Later(_)) => {
                replayed.ended = None;
                teller.tell(game.as_mut(), told);
            }
        }
        replayed.outcome = replayed.outcome.or_else(|| game.take_outcome());
    }
    (replayed.steps, replayed.duration_ms, replayed.state) = (teller.at.tick, teller.at.now_ms, game.state_check());
    Ok(replayed)
}

/// Tells a game what it was told.
pub(crate) struct Teller {
    pub(crate) at: At,
    pub(crate) rate_hz: u32,
}

impl Teller {
    pub(crate) fn step(&mut self, game: &mut (impl Match + ?Sized)) {
        self.at.tick += 1;
        if self.rate_hz > 0 {
            self.at.now_ms = u64::from(self.at.tick) * 1_000 / u64::from(self.rate_hz);
        }
        game.step(self.at);
    }

    pub(crate) fn tell(&mut self, game: &mut (impl Match + ?Sized), entry: Entry) {
        match entry {
            Entry::Steps(steps) => (0..steps).for_each(|_| self.step(game)),
            Entry::Later(ms) => self.at.now_ms += ms,
            Entry::Join { seat, name, team } => game.join(self.at, seat, &Who { name, team }),
            Entry::Presence { seat, presence } => game.presence(self.at, seat, presence),
            // What the room took once it takes again.
            Entry::Input { seat, bytes } => drop(game.input(seat, &bytes)),
            Entry::ClearInput { seat } => game.clear_input(seat),
            Entry::Command { seat, bytes } => drop(game.command(self.at, seat, &bytes)),
            Entry::Timeout => game.timeout(self.at),
            Entry::Answer { question, answer } => game.answer(self.at, question, answer.as_deref()),
            Entry::Drain { within_ms } => game.drain(self.at, within_ms),
            Entry::Start { .. } | Entry::Check(_) | Entry::End { .. } | Entry::Seated { .. } | Entry::Dealt { .. } => {}
        }
    }
}
