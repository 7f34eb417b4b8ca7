//! The player's side of the game socket, for browsers and bots.
//!
//! A [`Client`] turns what the room sends into a view and news, and what the player does into messages. It has no
//! socket and no clock: bytes and milliseconds are handed in. The page runs it as WebAssembly (feature `web`,
//! `export_client!`), bots and tests as it is.

mod ahead;
mod bot;
mod client;
mod commands;
mod pace;
mod playout;
mod steps;
#[cfg(feature = "trial")]
mod trial;
#[cfg(feature = "web")]
pub mod web;

pub use bot::{Bot, BotEntry, bot};
pub use client::{Client, ClientStats, News, Seated, Watched};
#[cfg(feature = "trial")]
pub use trial::{Said, overhear, trial};
