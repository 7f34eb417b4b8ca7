//! Who waits together, and how well they play.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ids::PlayerId;
use crate::name::Name;

/// How well a player plays one game, on the scale that starts at 1500.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// The estimate.
    pub value: f32,
    /// One standard deviation of it.
    pub deviation: f32,
    /// How erratic the results are (Glicko-2).
    pub volatility: f32,
    /// Rated matches so far.
    pub matches: u32,
}

impl Default for Rating {
    /// A player nobody has seen play.
    fn default() -> Self {
        Self { value: 1500.0, deviation: 350.0, volatility: 0.06, matches: 0 }
    }
}

impl Rating {
    /// A settled rating, for tests and simulations.
    pub fn of(value: f32) -> Self {
        Self { value, ..Self::default() }
    }
}

/// A player of a party, as he was when the ticket was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub player: PlayerId,
    /// What others see.
    pub name: Name,
    /// Tells equal names apart, as the 4821 in `Ada#4821`.
    pub tag: u16,
    /// His rating in the queue's game.
    pub rating: Rating,
}

/// The players of a ticket: one, mostly, and then nothing is allocated for it.
pub type Party = SmallVec<[Member; 1]>;
