//! The lobby: doors for players, rooms and operators around the pure core.

mod cluster;
pub mod config;
mod doors;
mod drive;
pub mod journal;
pub mod keys;
mod metrics;
mod ops;
pub mod players;
mod rooms;
mod run;
pub mod settings;
pub mod telemetry;

pub use run::run;
