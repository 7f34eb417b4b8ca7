//! What was decided: the journal's content.
//!
//! Variants and fields are only ever added at the end, never renumbered or reused: an older journal is replayed by a
//! newer version.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ids::{MatchId, PlayerId, QueueId, RoomId, TicketId};
use crate::input::SeatResult;
use crate::name::{IdempotencyKey, Name};
use crate::party::{Party, Rating};
use crate::settings::Settings;
use crate::time::{Seq, Time};

/// Events in order, for one append.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The number of the first one.
    pub first: Seq,
    /// At least one.
    pub events: Vec<Event>,
}

impl Batch {
    /// The number of the last one.
    pub fn last(&self) -> Seq {
        Seq(self.first.0 + self.events.len() as u64 - 1)
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The settings are these from now on.
    Configured {
        /// When.
        at: Time,
        /// All of them.
        settings: Box<Settings>,
    },
    /// A party waits.
    TicketCreated {
        /// Its id.
        ticket: TicketId,
        /// When.
        at: Time,
        /// Where.
        queue: QueueId,
        /// For somebody to join it.
        open: bool,
        /// Its idempotency key.
        key: Option<IdempotencyKey>,
        /// Who.
        party: Party,
    },
    /// A ticket ended without being played.
    TicketEnded {
        /// Which.
        ticket: TicketId,
        /// When.
        at: Time,
        /// How.
        how: TicketEnd,
    },
    /// Tickets became a match. Seats are numbered by the order of tickets and of their members.
    MatchFormed {
        /// Its id.
        match_id: MatchId,
        /// When.
        at: Time,
        /// Of which queue.
        queue: QueueId,
        /// Who, in which team.
        seating: SmallVec<[Seating; 2]>,
        /// Where, if a room was ready.
        placement: Option<Placement>,
    },
    /// A match was taken apart before it was promised to anybody; its other tickets wait on.
    MatchDissolved {
        /// Which.
        match_id: MatchId,
        /// When.
        at: Time,
    },
    /// A match got a room, which has yet to accept.
    MatchPlaced {
        /// Which.
        match_id: MatchId,
        /// When.
        at: Time,
        /// Where.
        placement: Placement,
    },
    /// The room did not take it; it looks for another one.
    PlacementFailed {
        /// Which.
        match_id: MatchId,
        /// The placement that failed.
        epoch: u64,
        /// When.
        at: Time,
        /// Why.
        reason: RequeueReason,
    },
    /// The room took it: the seats are there.
    MatchStarted {
        /// Which.
        match_id: MatchId,
        /// The placement.
        epoch: u64,
        /// When.
        at: Time,
    },
    /// A ticket gets free seats of a running match; the room has yet to confirm them.
    SeatsAsked {
        /// The match.
        match_id: MatchId,
        /// When.
        at: Time,
        /// Who.
        ticket: TicketId,
        /// Until when the room confirms.
        deadline: Time,
        /// The seats, in the order of the ticket's members.
        seats: SmallVec<[u16; 4]>,
    },
    /// The room has the late joiners' seats.
    SeatsConfirmed {
        /// The match.
        match_id: MatchId,
        /// When.
        at: Time,
        /// Whose.
        ticket: TicketId,
    },
    /// The room did not confirm them; the ticket is back in its queue.
    SeatsReturned {
        /// The match.
        match_id: MatchId,
        /// When.
        at: Time,
        /// Whose.
        ticket: TicketId,
        /// Why.
        reason: RequeueReason,
    },
    /// A player is in the room for the first time.
    SeatTaken {
        /// The match.
        match_id: MatchId,
        /// When.
        at: Time,
        /// His seat.
        seat: u16,
    },
    /// A player left for good, or never came; his seat is free.
    SeatLeft {
        /// The match.
        match_id: MatchId,
        /// When.
        at: Time,
        /// His seat.
        seat: u16,
        /// Who it was.
        player: PlayerId,
    },
    /// A match has its result.
    MatchEnded(Box<MatchOutcome>),
    /// A match was cut; its tickets are back in their queue, or failed when that happened too often.
    MatchLost {
        /// Which.
        match_id: MatchId,
        /// The placement that died.
        epoch: u64,
        /// When.
        at: Time,
        /// Why.
        reason: LostReason,
    },
    /// A room is to be started, or was adopted.
    RoomAdded {
        /// Its id.
        room: RoomId,
        /// When.
        at: Time,
        /// Its fleet's name.
        fleet: Name,
        /// The lobby starts it. Otherwise somebody else did, and it came by itself.
        ours: bool,
    },
    /// The hash of a room's secret.
    RoomCredential {
        /// The room.
        room: RoomId,
        /// The hash.
        hash: [u8; 32],
    },
    /// A room of ours attached for the first time.
    RoomProved {
        /// The room.
        room: RoomId,
        /// When.
        at: Time,
    },
    /// A room takes no new match.
    RoomDraining {
        /// The room.
        room: RoomId,
        /// When.
        at: Time,
        /// Its match may go on until then.
        until: Time,
    },
    /// A room is not there any more. If it had a match, that one was lost before.
    RoomGone {
        /// The room.
        room: RoomId,
        /// When.
        at: Time,
        /// How.
        how: RoomEnd,
    },
    /// The oldest ended tickets and matches are no longer kept.
    Forgot {
        /// When.
        at: Time,
        /// How many tickets.
        tickets: u32,
        /// How many matches.
        matches: u32,
    },
    /// A match lost its room and goes on in another one, from its journal; everybody keeps his seat. From here it is
    /// placed like any other, by `MatchPlaced`, `PlacementFailed` and `MatchStarted`.
    MatchOrphaned {
        /// Which.
        match_id: MatchId,
        /// The placement that died.
        epoch: u64,
        /// When.
        at: Time,
        /// Why.
        reason: LostReason,
    },
}

/// A ticket's place in a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seating {
    /// Which.
    pub ticket: TicketId,
    /// Its team, from 0. Everybody for himself: 0.
    pub team: u8,
}

/// A match's try at a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Where.
    pub room: RoomId,
    /// Grows with every placement of this lobby.
    pub epoch: u64,
    /// Until when the room accepts.
    pub deadline: Time,
}

/// How a ticket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketEnd {
    /// Its player gave up.
    Cancelled,
    /// Nobody watched it for the length of its lease.
    Expired,
    /// Its queue was removed.
    QueueRemoved,
    /// Rooms died under its matches too often.
    RequeuedTooOften,
    /// The match it led to has ended, or its players left it.
    Done,
}

impl TicketEnd {
    /// The reason, in words; empty where the state says it all.
    pub fn text(self) -> &'static str {
        match self {
            Self::Cancelled | Self::Done => "",
            Self::Expired => "nobody watched the ticket any more",
            Self::QueueRemoved => "the queue was removed",
            Self::RequeuedTooOften => "the rooms of its matches failed too often",
        }
    }
}

/// Why tickets or a match went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequeueReason {
    /// The room did not answer in time.
    NoAnswer,
    /// The room refused.
    Refused,
    /// The room's stream broke or it died.
    RoomLost,
    /// The match in the room was lost.
    MatchLost(LostReason),
    /// The match ended before the seats were confirmed.
    MatchEnded,
    /// The match was taken apart before a room took it.
    Dissolved,
}

impl RequeueReason {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoAnswer => "the room did not answer in time",
            Self::Refused => "the room refused the match",
            Self::RoomLost => "the room was lost",
            Self::MatchLost(reason) => reason.text(),
            Self::MatchEnded => "the match ended first",
            Self::Dissolved => "the match found no room",
        }
    }
}

/// Why a match was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LostReason {
    /// Its room's process ended.
    RoomDied,
    /// Its room was not heard of.
    RoomSilent,
    /// Its room attached again without it.
    RoomForgot,
    /// Its room did not attach again after the lobby's restart.
    NotReattached,
    /// An operator stopped its room.
    Stopped,
    /// Its room's drain time was over.
    DrainedAway,
}

impl LostReason {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::RoomDied => "the room died",
            Self::RoomSilent => "the room was not heard of any more",
            Self::RoomForgot => "the room no longer runs the match",
            Self::NotReattached => "the room did not come back after a restart of the lobby",
            Self::Stopped => "an operator stopped the room",
            Self::DrainedAway => "the room was drained and its time was over",
        }
    }
}

/// How a room ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomEnd {
    /// It ended by itself, in order.
    Exited,
    /// It crashed, or was killed from outside.
    Crashed,
    /// It could not be started, or did not attach in time.
    NotStarted,
    /// The lobby told it to go: drained, stopped, or not needed.
    Released,
    /// It was silent for so long that it was given up.
    Abandoned,
}

/// How a match ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchOutcome {
    /// Which.
    pub match_id: MatchId,
    /// Of which placement.
    pub epoch: u64,
    /// When.
    pub at: Time,
    /// Its queue's name.
    pub queue: Name,
    /// Its game.
    pub game: Name,
    /// How each one did.
    pub seats: Vec<SeatResult>,
    /// What that does to ratings; empty if it was not rated.
    pub changes: Vec<RatingChange>,
    /// How long it took.
    pub duration: Duration,
    /// Why it ended.
    pub reason: Name,
    /// Turn-based games: the events of the whole match, as JSON.
    pub events_json: Vec<Name>,
}

/// What a match does to a player's rating in its game.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatingChange {
    /// Whose.
    pub player: PlayerId,
    /// As his ticket carried it.
    pub before: Rating,
    /// With this match counted.
    pub after: Rating,
}
