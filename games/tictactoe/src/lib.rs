//! Tic-tac-toe.
//!
//! Two seats, a clock for each side. The state is the fold of events: a command is checked, becomes an event, and the
//! event alone changes the state, on the server and on both pages. After a game either player may offer a rematch;
//! with both offers the next game begins, with the other side first. The match ends when one of them wants no more,
//! or the time for offers is over.

mod bot;
mod rules;
mod state;
mod view;

pub use rules::{Command, Config, TicTacToe};
pub use state::{End, Event, Moment, Phase, State};
pub use view::Table;

#[cfg(feature = "web")]
room_client::export_client!(crate::TicTacToe);
