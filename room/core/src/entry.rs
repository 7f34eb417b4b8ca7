//! The games a room has.

use bellhop_game::{Game, schema};

use crate::hosted::{Hosted, Match};

/// Starts a match of a game from its configuration and seed.
type Start = fn(&str, u64) -> Result<Box<dyn Match>, String>;

/// A game a room can host, whatever its types.
#[derive(Clone, Copy)]
pub struct GameEntry {
    /// Its name.
    pub name: &'static str,
    /// Hash over its wire types.
    pub schema: u64,
    /// Fewest players that make a match.
    pub min_seats: u16,
    /// Most players that fit.
    pub max_seats: u16,
    /// Steps per second; 0: event-driven.
    pub rate_hz: u32,
    pub(crate) start: Start,
}

impl std::fmt::Debug for GameEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GameEntry").field("name", &self.name).field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl GameEntry {
    /// Whether this is a configuration of the game; if not, what is wrong.
    ///
    /// # Errors
    /// The problem in words.
    pub fn check_config(&self, config_json: &str) -> Result<(), String> {
        (self.start)(config_json, 0).map(|_| ())
    }
}

/// The entry of a game.
pub fn game<G: Game>() -> GameEntry {
    GameEntry {
        name: G::NAME,
        schema: schema::<G>(),
        min_seats: G::MIN_SEATS,
        max_seats: G::MAX_SEATS,
        rate_hz: G::RATE_HZ,
        start: |config, seed| Ok(Box::new(Hosted::<G>::start(config, seed)?)),
    }
}
