//! Seats, ticks, deltas, resume and drain as one pure state machine.
//!
//! A [`Room`] knows the games it can host and hosts one match at a time. The shell tells it what happened
//! ([`Room::host`], [`Room::admit`], [`Room::receive`], [`Room::disconnected`], [`Room::blocked`] …) and that time
//! passed ([`Room::advance`]), then carries out what [`Room::poll`] says until it says nothing more, and comes back
//! at [`Room::deadline`]. There is no clock, no socket and no thread in here.

mod bucket;
mod conn;
mod entry;
mod events;
mod frame;
mod hosted;
mod journal;
mod playback;
mod playing;
mod recorded;
mod recover;
mod replay;
mod room;
mod seat;
mod tape;
mod time;
mod types;
mod views;

pub use bellhop_game::ViewClass;
pub use bellhop_wire::{CloseCode, Presence};
pub use entry::{GameEntry, game};
pub use frame::Frame;
pub use journal::{JournalError, MAGIC as JOURNAL_MAGIC, MAX_CHUNK_BYTES};
pub use playback::{Playback, PlaybackSeat};
pub use recover::ChangedRules;
pub use replay::{Replayed, replay};
pub use room::Room;
pub use time::Time;
pub use types::limits;
pub use types::{
    AdmitError, Audience, Claim, ConnId, HostError, MatchResult, MatchSpec, Output, ResumeClaim, SeatResult, SeatSpec,
    SeatStatus, SeatsError, Seen, Stats, Status, WatchClaim,
};
