//! Multiplayer Snake.
//!
//! A match is a few rounds. A bite is a point, and to be the last one alive is worth some more; whoever first has
//! enough points wins, or has the most after the last round. Late joiners enter at the next round. The snake of a
//! player whose connection broke steers itself, carefully, until he is back.

mod bot;
mod codec;
mod rules;
mod view;

pub use rules::{Config, Snake};
pub use view::{Board, Cell, Death, Heading, Phase, SnakeEvent, SnakeView};

#[cfg(feature = "web")]
room_client::export_client!(crate::Snake);
