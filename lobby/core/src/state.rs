//! What was promised. Only [`State::apply`] changes it.

mod apply;
mod stored;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use slab::Slab;
use smallvec::SmallVec;

use crate::effect::TicketEvent;
use crate::event::{LostReason, Placement, RatingChange, TicketEnd};
use crate::ids::{IdMap, Ids, MatchId, PlayerId, QueueId, RoomId, TicketId};
use crate::name::{IdempotencyKey, Name};
use crate::party::{Party, Rating};
use crate::settings::{FleetSettings, QueueSettings, Settings};
use crate::time::{Seq, Time};

/// Everything that survives a restart. A follower keeps one beside the journal to write snapshots from: serialised, two
/// equal states are equal bytes.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) applied: Seq,
    pub(crate) time: Time,
    pub(crate) ids: Ids,
    pub(crate) secret: [u8; 32],
    pub(crate) epoch: u64,
    pub(crate) settings: Settings,
    pub(crate) queues: Vec<Queue>,
    pub(crate) tickets: Slab<Ticket>,
    pub(crate) matches: Slab<Match>,
    pub(crate) rooms: BTreeMap<RoomId, Room>,
    /// Starts that failed, by fleet, as far back as its breaker looks.
    pub(crate) failures: BTreeMap<Name, VecDeque<Time>>,
    pub(crate) ended_tickets: VecDeque<(Time, TicketId)>,
    pub(crate) ended_matches: VecDeque<(Time, MatchId)>,
    // Derived from the above.
    pub(crate) ticket_slots: IdMap<TicketId, u32>,
    pub(crate) match_slots: IdMap<MatchId, u32>,
    /// The live ticket of each player: the one that binds him.
    pub(crate) bound: IdMap<PlayerId, TicketId>,
    /// What the last event told whom; taken by the live core, cleared otherwise.
    pub(crate) news: Vec<(u32, u64)>,
}

/// A queue that is, or was, in the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) settings: QueueSettings,
    /// No longer in the settings.
    pub(crate) retired: bool,
    /// Players that wait, those of open games included. Derived.
    #[serde(skip)]
    pub(crate) waiting: u32,
    /// Tickets that wait. Derived.
    #[serde(skip)]
    pub(crate) waiting_tickets: u32,
    /// Players in its matches. Derived.
    #[serde(skip)]
    pub(crate) playing: u32,
}

/// A party that waits or plays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Where.
    pub queue: QueueId,
    /// For somebody to join it.
    pub open: bool,
    /// Times it went back because a room failed.
    pub requeues: u16,
    /// When it was created: its seniority.
    pub created: Time,
    /// Its idempotency key.
    pub key: Option<IdempotencyKey>,
    /// Who.
    pub party: Party,
    /// Where it is in its life.
    pub phase: TicketPhase,
    /// What it was told after its first event, `Queued`.
    pub(crate) told: Vec<TicketEvent>,
    /// How many of those are not kept any more.
    pub(crate) untold: u64,
    /// When its lease ends. Not promised.
    #[serde(skip)]
    pub(crate) lease: Time,
    /// Its place in its queue's pool, plus one; 0: none. Not promised.
    #[serde(skip)]
    pub(crate) node: u32,
}

impl Ticket {
    /// Number of its newest event.
    pub fn last_event(&self) -> u64 {
        1 + self.untold + self.told.len() as u64
    }

    /// The number of its oldest event that is kept.
    pub fn oldest_event(&self) -> u64 {
        if self.untold == 0 { 1 } else { 2 + self.untold }
    }

    /// The event of this number, if it is kept.
    pub fn event(&self, number: u64) -> Option<TicketEvent> {
        match number {
            0 => None,
            1 => (self.untold == 0).then_some(TicketEvent::Queued),
            _ => self.told.get(usize::try_from(number.checked_sub(2 + self.untold)?).ok()?).cloned(),
        }
    }

    /// The mean rating of its party.
    pub fn rating(&self) -> f32 {
        match self.party.as_slice() {
            [only] => only.rating.value,
            party => party.iter().map(|member| member.rating.value).sum::<f32>() / party.len() as f32,
        }
    }

    /// Players in it.
    pub fn size(&self) -> u16 {
        self.party.len() as u16
    }

    /// It has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, TicketPhase::Ended { .. })
    }
}

impl State {
    /// Nothing yet. The first event must be [`Event::Configured`](crate::Event::Configured).
    pub fn new(seed: [u8; 32]) -> Self {
        let mut base = [0; 8];
        base.copy_from_slice(&seed[..8]);
        Self {
            applied: Seq(0),
            time: Time::ZERO,
            ids: Ids::new(u64::from_le_bytes(base)),
            secret: seed,
            epoch: 0,
            settings: Settings::default(),
            queues: Vec::new(),
            tickets: Slab::new(),
            matches: Slab::new(),
            rooms: BTreeMap::new(),
            failures: BTreeMap::new(),
            ended_tickets: VecDeque::new(),
            ended_matches: VecDeque::new(),
            ticket_slots: IdMap::default(),
            match_slots: IdMap::default(),
            bound: IdMap::default(),
            news: Vec::new(),
        }
    }

    /// The number of the last event applied.
    pub fn applied(&self) -> Seq {
        self.applied
    }

    /// The time of the last event applied. A core resumed from this state is never handed an earlier one.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A ticket that lives or is still kept.
    pub fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.ticket_slots.get(&id).map(|&slot| &self.tickets[slot as usize])
    }

    /// A match that lives or is still kept.
    pub fn match_(&self, id: MatchId) -> Option<&Match> {
        self.match_slots.get(&id).map(|&slot| &self.matches[slot as usize])
    }

    /// A room that there is.
    pub fn room(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(&id)
    }

    /// All rooms, by id.
    pub fn rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }

    /// All tickets that live or are kept, in no particular order.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.iter().map(|(_, ticket)| ticket)
    }

    /// All matches that live or are kept, in no particular order.
    pub fn matches(&self) -> impl Iterator<Item = &Match> {
        self.matches.iter().map(|(_, game)| game)
    }

    /// The live ticket that binds a player.
    pub fn ticket_of(&self, player: PlayerId) -> Option<TicketId> {
        self.bound.get(&player).copied()
    }

    /// Tickets that live.
    pub fn live_tickets(&self) -> usize {
        self.tickets.len() - self.ended_tickets.len()
    }

    /// Matches that live.
    pub fn live_matches(&self) -> usize {
        self.matches.len() - self.ended_matches.len()
    }

    pub(crate) fn ticket_mut(&mut self, id: TicketId) -> Option<&mut Ticket> {
        self.ticket_slots.get(&id).map(|&slot| &mut self.tickets[slot as usize])
    }

    pub(crate) fn queue(&self, id: QueueId) -> &Queue {
        &self.queues[usize::from(id.0)]
    }

    pub(crate) fn queue_id(&self, name: &str) -> Option<QueueId> {
        let found = self.queues.iter().position(|queue| !queue.retired && &*queue.settings.name == name);
        found.map(|index| QueueId(index as u16))
    }

    pub(crate) fn fleet(&self, name: &str) -> Option<&FleetSettings> {
        self.settings.fleets.iter().find(|fleet| &*fleet.name == name)
    }

    /// The seed of a match: nobody can tell it from the ids he sees.
    pub(crate) fn match_seed(&self, id: MatchId) -> u64 {
        // Not the half that the ids come from: that one can be told from them.
        let word = |from: usize| self.secret[from..from + 8].iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        siphash([word(16), word(24)], id.0)
    }
}

/// SipHash-2-4 of one word.
fn siphash(key: [u64; 2], word: u64) -> u64 {
    let mut v = [
        key[0] ^ 0x736f_6d65_7073_6575,
        key[1] ^ 0x646f_7261_6e64_6f6d,
        key[0] ^ 0x6c79_6765_6e65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    let rounds = |v: &mut [u64; 4], count| {
        for _ in 0..count {
            v[0] = v[0].wrapping_add(v[1]);
            v[2] = v[2].wrapping_add(v[3]);
            v[1] = v[1].rotate_left(13) ^ v[0];
            v[3] = v[3].rotate_left(16) ^ v[2];
            v[0] = v[0].rotate_left(32);
            v[2] = v[2].wrapping_add(v[1]);
            v[0] = v[0].wrapping_add(v[3]);
            v[1] = v[1].rotate_left(17) ^ v[2];
            v[3] = v[3].rotate_left(21) ^ v[0];
            v[2] = v[2].rotate_left(32);
        }
    };
    for part in [word, 8 << 56] {
        v[3] ^= part;
        rounds(&mut v, 2);
        v[0] ^= part;
    }
    v[2] ^= 0xff;
    rounds(&mut v, 4);
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_made_by_siphash() {
        // The reference's vector for the input 00 01 .. 07.
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(siphash(key, 0x0706_0504_0302_0100), 0x93f5_f579_9a93_2462);
    }

    #[test]
    fn what_stands_in_memory_by_the_million_is_small() {
        assert!(size_of::<Ticket>() <= 224, "{}", size_of::<Ticket>());
    }
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

impl TicketPhase {
    /// Its match, if it has one.
    pub fn match_id(self) -> Option<MatchId> {
        match self {
            Self::Queued => None,
            Self::Formed(id) | Self::Placing(id) | Self::Assigned(id) | Self::Connected(id) => Some(id),
            Self::Ended { match_id, .. } => match_id,
        }
    }

    /// It counts as waiting: it may be cancelled.
    pub fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::Formed(_))
    }
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
    /// Rooms that were asked so far; once it ran: asked to go on with it.
    pub attempts: u16,
    /// Where it is in its life.
    pub phase: MatchPhase,
    /// Who sits where. A number may stand here several times, but only once without `Left`.
    pub seats: SmallVec<[Seat; 2]>,
    /// Late joiners whose seats the room has yet to confirm, and until when.
    pub asked: Vec<(TicketId, Time)>,
}

impl Match {
    /// The room and placement it is bound to now.
    pub fn place(&self) -> Option<(RoomId, u64)> {
        match self.phase {
            MatchPhase::Placing(Placement { room, epoch, .. })
            | MatchPhase::Moving { placement: Placement { room, epoch, .. }, .. }
            | MatchPhase::Playing { room, epoch, .. } => Some((room, epoch)),
            MatchPhase::Formed | MatchPhase::Orphaned { .. } | MatchPhase::Ended { .. } | MatchPhase::Lost { .. } => {
                None
            }
        }
    }

    /// The placement whose answer is awaited.
    pub fn placing(&self) -> Option<Placement> {
        match self.phase {
            MatchPhase::Placing(placement) | MatchPhase::Moving { placement, .. } => Some(placement),
            MatchPhase::Formed
            | MatchPhase::Playing { .. }
            | MatchPhase::Orphaned { .. }
            | MatchPhase::Ended { .. }
            | MatchPhase::Lost { .. } => None,
        }
    }

    /// It is over, in one way or the other.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, MatchPhase::Ended { .. } | MatchPhase::Lost { .. })
    }

    /// Seats that are somebody's.
    pub fn seats_held(&self) -> u16 {
        self.seats.iter().filter(|seat| seat.state != SeatState::Left).count() as u16
    }

    /// Its tickets, each once, in the order of their seats.
    pub(crate) fn tickets(&self) -> SmallVec<[TicketId; 8]> {
        let mut tickets = SmallVec::new();
        for seat in &self.seats {
            if !tickets.contains(&seat.ticket) {
                tickets.push(seat.ticket);
            }
        }
        tickets
    }
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
        /// Where it was.
        room: RoomId,
        /// Of which placement.
        epoch: u64,
        /// Why.
        reason: LostReason,
        /// When.
        at: Time,
    },
    /// Lost its room while it ran, and looks for another one that goes on with it. Its seats are held.
    Orphaned {
        /// Where it was last, or was last to be.
        room: RoomId,
        /// Of which placement.
        epoch: u64,
        /// Since when it runs.
        since: Time,
        /// Why it lost its room.
        reason: LostReason,
        /// When it lost the room it ran in.
        at: Time,
    },
    /// A room was asked to go on with it.
    Moving {
        /// Where.
        placement: Placement,
        /// Since when it runs.
        since: Time,
        /// Why it lost its room.
        reason: LostReason,
        /// When it lost the room it ran in.
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
    /// His rank and points, once it has ended.
    pub result: Option<(u16, i64)>,
    /// What it did to his rating.
    pub change: Option<RatingChange>,
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
