//! The lobby: doors for players, rooms and operators around the pure core.

mod drive;
pub mod journal;
pub mod keys;
mod metrics;
pub mod players;
pub mod settings;
