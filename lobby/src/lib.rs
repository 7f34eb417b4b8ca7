//! The lobby: doors for players, rooms and operators around the pure core.

pub mod journal;
pub mod keys;
pub mod settings;
