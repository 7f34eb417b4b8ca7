//! Sketch: two players, and more as teams of two, draw one picture.
//!
//! Each gets a series of prompts that the other does not see; the two series fit together into one picture. All marks
//! lie in one log that only grows: strokes, fills and undoings, in the order in which the room took them. The picture
//! is what the log draws, the same on every page. A clock moves from prompt to prompt; after the last one, or when all
//! say that they are done, the picture is the result and everybody reads what the other was told.

mod bot;
mod log;
mod mark;
mod rules;
mod scenes;
mod series;
mod view;

pub use log::{Entry, Hand, Log, Mark};
pub use mark::{Brush, HEIGHT, Point, Points, WIDTH};
pub use rules::{Command, Config, Phase, Sketch};
pub use scenes::BUILT_IN;
pub use series::{Scene, UnfitError};
pub use view::Sheet;

/// Every limit of a match, with where its number comes from.
pub mod limits {
    /// Most players: two teams of two.
    pub const MAX_SEATS: u16 = 4;
    /// Points that one seat may draw: 100 a second for two minutes. With all seats full, everything drawn fits one message.
    pub const MAX_POINTS: u32 = 12_000;
    /// Strokes and fills of one seat.
    pub const MAX_MARKS: u32 = 1_000;
    /// Entries of one seat in the log: 20 pieces of stroke a second for two minutes, and every undoing.
    pub const MAX_ENTRIES: u32 = 5_000;
    /// Points of one command: a page sends some five, and a whole stroke after a broken connection.
    pub const MAX_POINTS_AT_ONCE: usize = 512;
    /// The widest brush.
    pub const MAX_RADIUS: u8 = 60;
    /// Fewest and most prompts of a series.
    pub const MIN_PROMPTS: usize = 3;
    /// See [`MIN_PROMPTS`].
    pub const MAX_PROMPTS: usize = 8;
    /// Longest prompt in characters: two lines on a phone.
    pub const MAX_PROMPT_CHARS: usize = 120;
}

#[cfg(feature = "web")]
room_client::export_client!(crate::Sketch);
