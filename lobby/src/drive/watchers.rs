//! Who watches which ticket.

use std::collections::VecDeque;

use lobby_core::{IdMap, TicketEvent, TicketId, TicketState, TicketView, Time};

use super::feed::{Feeder, News};

/// Watchers of one ticket: the windows of one player. The oldest goes for a new one beyond it.
const PER_TICKET: usize = 8;

#[derive(Debug)]
struct Watcher {
    feeder: Feeder,
    /// Number of the last event told.
    told: u64,
}

#[derive(Debug)]
struct Watched {
    watchers: Vec<Watcher>,
    created: Time,
    waiting: bool,
}

/// All watchers.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    tickets: IdMap<TicketId, Watched>,
    /// All watched tickets, in the order of their next turn.
    turns: VecDeque<TicketId>,
}

impl Watchers {
    /// How many tickets are watched.
    pub(crate) fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Adds a watcher, and tells him what was so far.
    pub(crate) fn add(&mut self, ticket: TicketView, events: Vec<(u64, TicketEvent)>, feeder: Feeder) -> bool {
        let waiting = ticket.state == TicketState::Queued;
        let (id, created) = (ticket.ticket, ticket.created);
        let mut told = 0;
        let mut here = feeder.tell(News::Watching(Box::new(ticket)));
        for (number, event) in events {
            here = here && feeder.tell(News::Event(number, event));
            told = told.max(number);
        }
        if !here {
            return false;
        }
        let turns = &mut self.turns;
        let watched = self.tickets.entry(id).or_insert_with(|| {
            turns.push_back(id);
            Watched { watchers: Vec::with_capacity(1), created, waiting }
        });
        watched.waiting = waiting;
        if watched.watchers.len() >= PER_TICKET {
            watched.watchers.remove(0);
        }
        watched.watchers.push(Watcher { feeder, told });
        true
    }

    /// Tells an event. Answers when the ticket was created, where somebody watches it.
    pub(crate) fn notify(&mut self, ticket: TicketId, number: u64, event: &TicketEvent) -> Option<Time> {
        let watched = self.tickets.get_mut(&ticket)?;
        let ended = match event {
            TicketEvent::Queued | TicketEvent::Requeued { .. } => {
                watched.waiting = true;
                false
            }
            TicketEvent::Matched { .. } | TicketEvent::Assigned { .. } | TicketEvent::Connected { .. } => {
                watched.waiting = false;
                false
            }
            TicketEvent::Ended { .. } => true,
        };
        watched.watchers.retain_mut(|watcher| {
            if number <= watcher.told {
                return true;
            }
            watcher.told = number;
            watcher.feeder.tell(News::Event(number, event.clone()))
        });
        let created = watched.created;
        if ended || watched.watchers.is_empty() {
            self.tickets.remove(&ticket);
        }
        Some(created)
    }

    /// Tells how the wait goes.
    pub(crate) fn status(&mut self, ticket: TicketId, why: &lobby_core::Why) {
        if let Some(watched) = self.tickets.get_mut(&ticket) {
            watched.watchers.retain(|watcher| watcher.feeder.tell(News::Status(Box::new(why.clone()))));
        }
    }

    /// The ticket whose turn it is, and whether it waits. A ticket that nobody watches any more has no more turns.
    pub(crate) fn next_turn(&mut self) -> Option<(TicketId, bool)> {
        let ticket = self.turns.pop_front()?;
        let watched = self.tickets.get_mut(&ticket)?;
        watched.watchers.retain(|watcher| !watcher.feeder.has_left());
        if watched.watchers.is_empty() {
            self.tickets.remove(&ticket);
            return None;
        }
        self.turns.push_back(ticket);
        Some((ticket, watched.waiting))
    }

    /// Turns that a whole round takes.
    pub(crate) fn round(&self) -> usize {
        self.turns.len()
    }
}
