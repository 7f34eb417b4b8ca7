//! What was promised. Only [`State::apply`] changes it.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::effect::TicketEvent;
use crate::event::{Event, LostReason, Placement, RoomEnd, TicketEnd};
use crate::ids::{IdMap, Ids, MatchId, PlayerId, QueueId, RoomId, TicketId};
use crate::name::{IdempotencyKey, Name};
use crate::party::{Party, Rating};
use crate::settings::Settings;
use crate::time::{Seq, Time};

/// Everything that survives a restart. A follower keeps one beside the journal to write snapshots from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub(crate) applied: Seq,
    pub(crate) ids: Ids,
    pub(crate) secret: [u8; 32],
    pub(crate) settings: Settings,
}

impl State {
    /// Nothing yet. The first event must be [`Event::Configured`].
    pub fn new(seed: [u8; 32]) -> Self {
        let mut base = [0; 8];
        base.copy_from_slice(&seed[..8]);
        Self { applied: Seq(0), ids: Ids::new(u64::from_le_bytes(base)), secret: seed, settings: Settings::default() }
    }

    /// The number of the last event applied.
    pub fn applied(&self) -> Seq {
        self.applied
    }

    /// Does what the event says. The events of a journal, in order, make the same state everywhere.
    pub fn apply(&mut self, event: &Event) {
        self.applied.0 += 1;
        if let Event::Configured { settings, .. } = event {
            self.settings = (**settings).clone();
        }
    }
}

/// A party that waits or plays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Where.
    pub queue: QueueId,
    /// For somebody to join it.
    pub open: bool,
    /// When it was created: its seniority.
    pub created: Time,
    /// Its idempotency key.
    pub key: Option<IdempotencyKey>,
    /// Who.
    pub party: Party,
    /// Where it is in its life.
    pub phase: TicketPhase,
}

/// Where a ticket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketPhase {
    /// Waits.
    Queued,
    /// Has a match that looks for a room; may still be cancelled.
    Formed(MatchId),
    /// Its match, or its late seat, waits for a room's answer.
    Placing(MatchId),
    /// The room has its seats.
    Assigned(MatchId),
    /// One of its players at least was in the room.
    Connected(MatchId),
    /// Over.
    Ended {
        /// How.
        how: TicketEnd,
        /// The match it led to.
        match_id: Option<MatchId>,
    },
}

/// The players who meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Its id.
    pub id: MatchId,
    /// Of which queue.
    pub queue: QueueId,
    /// When it was formed.
    pub formed: Time,
    /// Where it is in its life.
    pub phase: MatchPhase,
    /// Who sits where.
    pub seats: SmallVec<[Seat; 2]>,
}

/// Where a match is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MatchPhase {
    /// Looks for a room.
    Formed,
    /// A room was asked.
    Placing(Placement),
    /// Runs.
    Playing {
        /// Where.
        room: RoomId,
        /// Of which placement.
        epoch: u64,
        /// Since when.
        since: Time,
    },
    /// Has its result.
    Ended {
        /// Where it was.
        room: RoomId,
        /// Of which placement.
        epoch: u64,
        /// Since when.
        since: Time,
        /// When.
        at: Time,
    },
    /// Was cut.
    Lost {
        /// Why.
        reason: LostReason,
        /// When.
        at: Time,
    },
}

/// A place in a match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// Its number.
    pub seat: u16,
    /// The team.
    pub team: u8,
    /// Whose.
    pub player: PlayerId,
    /// Of which ticket.
    pub ticket: TicketId,
    /// His rating when he came.
    pub rating: Rating,
    /// Whether it is his.
    pub state: SeatState,
}

/// Whether a seat is its player's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeatState {
    /// Promised; the room has yet to confirm it.
    Asked,
    /// Held for him.
    Held,
    /// He was there.
    Taken,
    /// He left for good, or never came.
    Left,
}

/// A room that there is, or should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its fleet's name.
    pub fleet: Name,
    /// Since when.
    pub added: Time,
    /// Started by the lobby.
    pub ours: bool,
    /// It attached once at least.
    pub proved: bool,
    /// The hash of its secret.
    pub credential: Option<[u8; 32]>,
    /// It takes no new match, and the one it has may go on until then.
    pub draining: Option<Time>,
    /// The match placed in it.
    pub hosts: Option<MatchId>,
}

const _: Option<(TicketEvent, RoomEnd, IdMap<u64, u64>)> = None;
