//! The frames of the game socket and the delta codec, without I/O.
//!
//! - [`Writer`] and [`Reader`] pack values bit by bit. Every read is bounded: a length is checked before anything
//!   is allocated, and what is left of the message is the most that can be asked for.
//! - [`Wire`] is what a value needs to travel; [`wire!`] derives it for structs and enums, together with a hash of
//!   their shape, so that two builds that would misunderstand each other find out in the hello.
//! - [`View`] is what a player sees: it travels whole once, and then as what changed.
//! - [`ToServer`] and [`ToClient`] are the messages, [`StateBody`] is the part of a state frame that all players of
//!   one view class share.

mod bits;
mod close;
mod hash;
pub mod limits;
mod meant;
mod message;
mod state;
mod value;
mod view;

pub use bits::{DecodeError, Reader, Writer};
pub use close::CloseCode;
pub use hash::{Fnv, schema_of};
pub use meant::Meant;
pub use message::{
    Ended, EndedSeat, Hello, Notice, Presence, RosterEntry, Said, ToClient, ToServer, Watching, Welcome,
};
pub use state::{StateBody, StateKind, StatePrefix};
pub use value::Wire;
pub use view::View;

/// Goes into every schema hash: changes when the frames themselves do.
pub const PROTOCOL: u64 = 2;
