//! A match whose room died, taken up again from its journal.

use std::collections::BTreeMap;

use bellhop_game::{Outcome, Presence};

use crate::hosted::{At, Match};
use crate::journal::{Entries, Entry};
use crate::replay::Teller;
use crate::{GameEntry, HostError, JournalError, MatchSpec};

/// What a journal says of a match besides what its game knows.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// How far it came.
    pub(crate) at: At,
    /// Its clock ran.
    pub(crate) begun: bool,
    /// Who sat last in each seat.
    pub(crate) seats: BTreeMap<u16, PastSeat>,
    /// Who left, and whose seat another one took.
    pub(crate) replaced: Vec<(u16, String)>,
    /// Questions that the world outside had not answered, and how many were asked in all.
    pub(crate) unanswered: Vec<(u32, String)>,
    pub(crate) asked: u32,
    /// The game had come to its end.
    pub(crate) outcome: Option<Outcome>,
    /// Bytes of the journal that are whole.
    pub(crate) bytes: usize,
}

/// Somebody who came to a seat.
#[derive(Debug, Clone)]
pub(crate) struct PastSeat {
    pub(crate) player: String,
    pub(crate) name: String,
    pub(crate) team: u16,
    /// As the game was told last.
    pub(crate) presence: Presence,
    /// Commands dealt with.
    pub(crate) commands: u64,
}

/// What becomes of a match that these rules play otherwise than those of the room it was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangedRules {
    /// It is not taken up: nobody finds himself in a state that never was.
    #[default]
    Refuse,
    /// It goes on as it would have come with these rules: for who works on them while he plays.
    Accept,
}

/// Plays a match up to where its journal ends.
pub(crate) fn recover(
    entry: &GameEntry,
    spec: &MatchSpec,
    changed: ChangedRules,
) -> Result<(Box<dyn Match>, Past), HostError> {
    let mut entries = Entries::new(&spec.journal)?;
    let Some(Entry::Start { game: name, schema, config_json, seed }) = entries.next()? else {
        return Err(JournalError::Headless.into());
    };
    if name != spec.game || seed != spec.seed {
        return Err(HostError::OtherJournal);
    }
    if schema != entry.schema {
        return Err(JournalError::OtherVersion { game: name, theirs: schema, ours: entry.schema }.into());
    }
    let mut game = (entry.start)(&config_json, seed).map_err(JournalError::Config)?;
    let mut teller = Teller { at: At::default(), rate_hz: entry.rate_hz };
    let mut past = Past::default();
    let mut players: BTreeMap<u16, String> = BTreeMap::new();
    let mut commands: BTreeMap<u16, u64> = BTreeMap::new();
    while let Some(told) = entries.next()? {
        match &told {
            Entry::Check(theirs) => {
                let ours = game.state_check();
                if ours != *theirs && changed == ChangedRules::Refuse {
                    return Err(JournalError::Diverged { tick: teller.at.tick, theirs: *theirs, ours }.into());
                }
            }
            Entry::Seated { seat, player } => drop(players.insert(*seat, player.clone())),
            Entry::Dealt { seat, commands: dealt } => drop(commands.insert(*seat, *dealt)),
            Entry::Join { seat, name, team } => {
                let player = players.get(seat).cloned().unwrap_or_default();
                commands.remove(seat);
                let (name, team) = (name.clone(), *team);
                let came = PastSeat { player, name, team, presence: Presence::Live, commands: 0 };
                if let Some(before) = past.seats.insert(*seat, came) {
                    past.replaced.push((*seat, before.player));
                }
            }
            Entry::Presence { seat, presence } => {
                if let Some(sat) = past.seats.get_mut(seat) {
                    sat.presence = *presence;
                }
            }
            Entry::Answer { question, .. } => past.unanswered.retain(|(asked, _)| asked != question),
            Entry::Steps(_) | Entry::Later(_) | Entry::Command { .. } => past.begun = true,
            Entry::Start { .. }
            | Entry::Input { .. }
            | Entry::ClearInput { .. }
            | Entry::Timeout
            | Entry::Drain { .. }
            | Entry::End { .. } => {}
        }
        teller.tell(game.as_mut(), told);
        for ask in game.take_asks() {
            past.asked += 1;
            past.unanswered.push(ask);
        }
        past.outcome = past.outcome.or_else(|| game.take_outcome());
    }
    for (seat, dealt) in commands {
        if let Some(sat) = past.seats.get_mut(&seat) {
            sat.commands = dealt;
        }
    }
    (past.at, past.bytes) = (teller.at, entries.offset());
    Ok((game, past))
}
