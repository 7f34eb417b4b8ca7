//! A player: what he wants, what he was told, and what he makes of it.

use std::collections::BTreeMap;

use lobby_core::{MatchId, PlayerId, RequestId, RoomId, TicketEvent, TicketId, Time};
use room_core::ConnId;

/// What he asked and has no answer to yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// For a ticket, by this key.
    Create(u64),
    /// To join an open game.
    Join(u64),
    /// For the events of his ticket.
    Watch(TicketId),
    /// To cancel it.
    Cancel(TicketId),
    /// What he has.
    Me,
    /// Where his seat is.
    Seat(MatchId),
    /// Which open games there are.
    Games,
}

/// Where he is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// Nowhere.
    Home,
    /// In a room, by this socket, until he has had enough.
    Room {
        /// Which.
        room: RoomId,
        /// His socket.
        conn: ConnId,
        /// His match.
        match_id: MatchId,
        /// When he leaves.
        enough: Time,
    },
}

/// A player.
pub struct Player {
    /// Who.
    pub id: PlayerId,
    /// His rating.
    pub rating: f32,
    /// The queue he likes.
    pub queue: &'static str,
    /// Whom he takes along, every other time.
    pub mate: Option<PlayerId>,
    /// His place among the members of a ticket, where he is not the first.
    pub places: BTreeMap<TicketId, usize>,
    /// What he waits to hear, since when.
    pub asked: Option<(RequestId, Asked, Time)>,
    /// His ticket, as far as he knows.
    pub ticket: Option<TicketId>,
    /// The key of the ticket he wants.
    pub key: u64,
    /// He asked for it, and does not know whether he has it.
    pub wants: bool,
    /// Where he is.
    pub at: At,
    /// Where his seat is said to be.
    pub seat: Option<(MatchId, RoomId, u64, u16)>,
    /// All he was told, by ticket and number.
    pub told: BTreeMap<TicketId, BTreeMap<u64, TicketEvent>>,
    /// When a ticket was created, as he was first told.
    pub created: BTreeMap<TicketId, Time>,
    /// Tickets of which he was told that they are cancelled.
    pub cancelled: Vec<TicketId>,
    /// He went away without a word until then.
    pub away: Time,
    /// When he acts next.
    pub next: Time,
    /// Tries to find the way back that failed in a row.
    pub lost: u32,
}

impl Player {
    /// Somebody at home.
    pub fn new(id: u64, rating: f32, queue: &'static str) -> Self {
        Self {
            id: PlayerId(id),
            rating,
            queue,
            mate: None,
            places: BTreeMap::new(),
            asked: None,
            ticket: None,
            key: id << 32,
            wants: false,
            at: At::Home,
            seat: None,
            told: BTreeMap::new(),
            created: BTreeMap::new(),
            cancelled: Vec::new(),
            away: Time::ZERO,
            next: Time::ZERO,
            lost: 0,
        }
    }

    /// The newest event he was told of a ticket.
    pub fn last(&self, ticket: TicketId) -> u64 {
        self.told.get(&ticket).and_then(|told| told.keys().next_back().copied()).unwrap_or(0)
    }

    /// His place among the members of a ticket.
    pub fn place(&self, ticket: TicketId) -> usize {
        self.places.get(&ticket).copied().unwrap_or(0)
    }

    /// He sees who a ticket is of.
    pub fn sees(&mut self, ticket: TicketId, players: &[PlayerId]) {
        if let Some(place) = players.iter().position(|player| *player == self.id) {
            self.places.insert(ticket, place);
        }
    }

    /// He is told an event of a ticket. What he was told once never becomes untrue.
    ///
    /// # Errors
    /// The promise that was broken.
    pub fn hear(&mut self, ticket: TicketId, number: u64, event: &TicketEvent) -> Result<(), String> {
        let told = self.told.entry(ticket).or_default();
        if let Some(before) = told.get(&number) {
            if before != event {
                return Err(format!("{}: event {number} of {ticket} was {before:?} and is {event:?}", self.id));
            }
            return Ok(());
        }
        told.insert(number, event.clone());
        if self.ticket != Some(ticket) {
            return Ok(());
        }
        match event {
            TicketEvent::Queued | TicketEvent::Matched { .. } | TicketEvent::Connected { .. } => {}
            TicketEvent::Assigned { match_id, room, epoch, seats } => {
                if let Some(&seat) = seats.get(self.place(ticket)) {
                    self.seat = Some((*match_id, *room, *epoch, seat));
                }
            }
            TicketEvent::Requeued { .. } => {
                self.seat = None;
                self.at = At::Home;
            }
            TicketEvent::Ended { .. } => {
                self.ticket = None;
                self.seat = None;
                self.at = At::Home;
            }
        }
        Ok(())
    }
}
