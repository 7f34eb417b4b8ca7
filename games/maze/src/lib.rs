//! A maze in the dark.
//!
//! In every round one player haunts and the others collect sparks; who carries enough of them escapes through a gate.
//! Then the roles swap, until everybody has haunted. Each player is shown what his line of sight reaches and nothing
//! else: whatever he cannot see never leaves the room. Only directions travel up; the room moves and collides.

mod body;
mod bot;
mod codec;
mod light;
mod map;
mod rules;
mod show;
mod sight;
mod view;

pub use body::{Body, Way};
pub use light::{outline, sees, sees_body};
pub use map::{Cell, HALF, Map, TILE};
pub use rules::{Config, Maze};
pub use view::{Fate, MazeEvent, Own, Phase, Score, Seen, Sight};

#[cfg(feature = "web")]
room_client::export_client!(crate::Maze);
