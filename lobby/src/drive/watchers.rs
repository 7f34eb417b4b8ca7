//! Who watches which ticket.

use std::collections::VecDeque;

use lobby_core::{IdMap, TicketEvent, TicketId, TicketState, TicketView, Time};

use super::feed::{Feeder, News};

/// Watchers of one ticket: the windows of one player. The oldest goes for a new one beyond it.
const PER_TICKET: usize = 8;

/// Each watched ticket has its turn once in so many ticks: a second.
const TICKS_A_ROUND: u64 = 10;
/// A watched ticket's lease is renewed at most once in so many ticks: five seconds of its thirty.
const RENEW_TICKS: u64 = 50;

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
    /// It had its seat since it waited last.
    assigned: bool,
    /// The tick in which its lease was renewed.
    renewed: u64,
}

/// What is due for a watched ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) ticket: TicketId,
    /// It waits: its watchers want to know how the wait goes.
    pub(crate) waiting: bool,
    /// Its lease is to be renewed.
    pub(crate) renew: bool,
}

/// All watchers.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    tickets: IdMap<TicketId, Watched>,
    /// All watched tickets, in the order of their next turn, and the tick in which it is due.
    turns: VecDeque<(TicketId, u64)>,
    tick: u64,
}

impl Watchers {
    /// How many tickets are watched.
    pub(crate) fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Adds a watcher, and tells him what was so far.
    pub(crate) fn add(&mut self, ticket: TicketView, events: Vec<(u64, TicketEvent)>, feeder: Feeder) -> bool {
        let waiting = ticket.state == TicketState::Queued;
        let assigned = matches!(ticket.state, TicketState::Assigned | TicketState::Connected);
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
        let (turns, due) = (&mut self.turns, self.tick + TICKS_A_ROUND);
        let watched = self.tickets.entry(id).or_insert_with(|| {
            turns.push_back((id, due));
            Watched { watchers: Vec::with_capacity(1), created, waiting, assigned, renewed: due }
        });
        watched.waiting = waiting;
        if watched.watchers.len() >= PER_TICKET {
            watched.watchers.remove(0);
        }
        watched.watchers.push(Watcher { feeder, told });
        true
    }

    /// Tells an event. Answers when the ticket was created, where somebody watches it and this ends its wait.
    pub(crate) fn notify(&mut self, ticket: TicketId, number: u64, event: &TicketEvent) -> Option<Time> {
        let watched = self.tickets.get_mut(&ticket)?;
        let ended = match event {
            TicketEvent::Queued | TicketEvent::Requeued { .. } => {
                (watched.waiting, watched.assigned) = (true, false);
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
        let ends_wait =
            matches!(event, TicketEvent::Assigned { .. }) && !std::mem::replace(&mut watched.assigned, true);
        let created = watched.created;
        if ended || watched.watchers.is_empty() {
            self.tickets.remove(&ticket);
        }
        ends_wait.then_some(created)
    }

    /// Tells how the wait goes.
    pub(crate) fn status(&mut self, ticket: TicketId, why: &lobby_core::Why) {
        if let Some(watched) = self.tickets.get_mut(&ticket) {
            watched.watchers.retain(|watcher| watcher.feeder.tell(News::Status(Box::new(why.clone()))));
        }
    }

    /// A tick has passed.
    pub(crate) fn tick(&mut self) {
        self.tick += 1;
    }

    /// A ticket whose turn is due. A ticket that nobody watches any more has no more turns.
    pub(crate) fn next_turn(&mut self) -> Option<Turn> {
        loop {
            let (ticket, _) = self.turns.pop_front_if(|(_, due)| *due <= self.tick)?;
            let Some(watched) = self.tickets.get_mut(&ticket) else { continue };
            watched.watchers.retain(|watcher| !watcher.feeder.has_left());
            if watched.watchers.is_empty() {
                self.tickets.remove(&ticket);
                continue;
            }
            self.turns.push_back((ticket, self.tick + TICKS_A_ROUND));
            let renew = self.tick >= watched.renewed + RENEW_TICKS;
            if renew {
                watched.renewed = self.tick;
            }
            return Some(Turn { ticket, waiting: watched.waiting, renew });
        }
    }
}

#[cfg(test)]
mod tests {
    use lobby_core::{EtaView, PlayerId};

    use super::super::feed::feed;
    use super::*;

    fn view(id: u64) -> TicketView {
        TicketView {
            ticket: TicketId(id),
            queue: "q".into(),
            players: [PlayerId(1)].into_iter().collect(),
            rating: 1500.0,
            state: TicketState::Queued,
            match_id: None,
            last_event: 1,
            created: Time(0),
            age: std::time::Duration::ZERO,
            open: false,
            eta: EtaView::default(),
        }
    }

    #[test]
    fn each_watched_ticket_has_one_turn_a_round() {
        let mut watchers = Watchers::default();
        let (feeder, feed) = feed();
        assert!(watchers.add(view(7), vec![(1, TicketEvent::Queued)], feeder));
        let mut turns = 0;
        for _ in 0..5 * TICKS_A_ROUND {
            watchers.tick();
            while watchers.next_turn().is_some() {
                turns += 1;
            }
        }
        assert_eq!(turns, 5);
        drop(feed);
        for _ in 0..TICKS_A_ROUND {
            watchers.tick();
            assert_eq!(watchers.next_turn(), None);
        }
        assert_eq!(watchers.len(), 0);
    }
}
