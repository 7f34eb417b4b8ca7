//! The stored form of the state: in order of ids, so that equal states are equal bytes; indices are made anew.

use std::collections::{BTreeMap, VecDeque};

use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use slab::Slab;

use super::{Match, Queue, Room, State, Ticket};
use crate::ids::{Ids, MatchId, RoomId, TicketId};
use crate::name::Name;
use crate::settings::Settings;
use crate::time::{Seq, Time};

#[derive(Serialize)]
struct Borrowed<'a> {
    applied: Seq,
    time: Time,
    ids: Ids,
    secret: [u8; 32],
    epoch: u64,
    settings: &'a Settings,
    queues: &'a [Queue],
    tickets: InOrder<'a, Ticket>,
    matches: InOrder<'a, Match>,
    rooms: &'a BTreeMap<RoomId, Room>,
    failures: &'a BTreeMap<Name, VecDeque<Time>>,
    ended_tickets: &'a VecDeque<(Time, TicketId)>,
    ended_matches: &'a VecDeque<(Time, MatchId)>,
}

#[derive(Deserialize)]
struct Owned {
    applied: Seq,
    time: Time,
    ids: Ids,
    secret: [u8; 32],
    epoch: u64,
    settings: Settings,
    queues: Vec<Queue>,
    tickets: Vec<Ticket>,
    matches: Vec<Match>,
    rooms: BTreeMap<RoomId, Room>,
    failures: BTreeMap<Name, VecDeque<Time>>,
    ended_tickets: VecDeque<(Time, TicketId)>,
    ended_matches: VecDeque<(Time, MatchId)>,
}

/// The items of a slab by id.
struct InOrder<'a, T>(Vec<(u64, &'a T)>);

impl<'a, T> InOrder<'a, T> {
    fn new(items: &'a Slab<T>, id: impl Fn(&T) -> u64) -> Self {
        let mut sorted: Vec<_> = items.iter().map(|(_, item)| (id(item), item)).collect();
        sorted.sort_unstable_by_key(|(id, _)| *id);
        Self(sorted)
    }
}

impl<T: Serialize> Serialize for InOrder<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for (_, item) in &self.0 {
            seq.serialize_element(item)?;
        }
        seq.end()
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed {
            applied: self.applied,
            time: self.time,
            ids: self.ids,
            secret: self.secret,
            epoch: self.epoch,
            settings: &self.settings,
            queues: &self.queues,
            tickets: InOrder::new(&self.tickets, |ticket| ticket.id.0),
            matches: InOrder::new(&self.matches, |game| game.id.0),
            rooms: &self.rooms,
            failures: &self.failures,
            ended_tickets: &self.ended_tickets,
            ended_matches: &self.ended_matches,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Owned::deserialize(deserializer)?;
        let mut state = Self {
            applied: stored.applied,
            time: stored.time,
            ids: stored.ids,
            epoch: stored.epoch,
            settings: stored.settings,
            queues: stored.queues,
            rooms: stored.rooms,
            failures: stored.failures,
            ended_tickets: stored.ended_tickets,
            ended_matches: stored.ended_matches,
            ..Self::new(stored.secret)
        };
        for game in stored.matches {
            let slot = state.matches.vacant_key();
            state.match_slots.insert(game.id, slot as u32);
            state.matches.insert(game);
        }
        for ticket in stored.tickets {
            if !ticket.is_over() {
                state.count(ticket.queue, ticket.phase, ticket.size(), true);
                for member in &ticket.party {
                    if !state.has_left(member.player, &ticket) {
                        state.bound.insert(member.player, ticket.id);
                    }
                }
            }
            let slot = state.tickets.vacant_key();
            state.ticket_slots.insert(ticket.id, slot as u32);
            state.tickets.insert(ticket);
        }
        Ok(state)
    }
}
