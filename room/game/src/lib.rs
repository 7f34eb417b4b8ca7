//! What a game is: the trait that a platform team implements.
//!
//! A game is rules and nothing else. It meets no socket, no clock and no thread: the room calls it, one call at a
//! time, and it answers. The same code runs on the server and, as WebAssembly, in the browser, so it keeps to what
//! is the same on both: no `usize` in its state, no NaN, no `sin` or `exp` from std, no order of a `HashMap`.
//!
//! Everything has a default that suits a small game, so that a complete one stays under 150 lines:
//!
//! ```
//! use bellhop_game::{Context, Game, Illegal, Outcome, Seat, ViewClass, wire};
//!
//! wire! {
//!     /// Counts.
//!     #[derive(Debug, Clone, PartialEq, serde::Serialize)]
//!     pub struct Count {
//!         /// So far.
//!         pub total: u32,
//!     }
//! }
//! impl bellhop_game::View for Count {}
//!
//! /// Who counts to ten wins.
//! pub struct CountToTen(u32);
//!
//! impl Game for CountToTen {
//!     type Config = ();
//!     type Input = ();
//!     type Command = ();
//!     type Event = ();
//!     type View = Count;
//!     const NAME: &'static str = "count";
//!     const RATE_HZ: u32 = 0;
//!     const MIN_SEATS: u16 = 1;
//!     const MAX_SEATS: u16 = 4;
//!
//!     fn start(_: &(), _: u64) -> Self {
//!         CountToTen(0)
//!     }
//!     fn command(&mut self, seat: Seat, (): (), cx: &mut Context<()>) -> Result<(), Illegal> {
//!         self.0 += 1;
//!         if self.0 == 10 {
//!             cx.end(Outcome::winner(seat, "counted to ten"));
//!         }
//!         Ok(())
//!     }
//!     fn view(&self, _: ViewClass) -> Count {
//!         Count { total: self.0 }
//!     }
//! }
//! ```

mod game;
mod inputs;
mod outcome;
mod rng;

pub use bellhop_wire::{DecodeError, Presence, Reader, View, Wire, Writer, limits, schema_of, wire};
pub use game::{Context, Game, Illegal, Moves, Pose, Seat, ViewClass, Who, schema};
pub use inputs::{Inputs, Timed};
pub use outcome::{Outcome, Standing};
pub use rng::Rng;
