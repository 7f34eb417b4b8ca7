//! After a restart: what is live is made anew from what was promised.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use smallvec::SmallVec;

use crate::effect::Effect;
use crate::eta::Eta;
use crate::ids::IdMap;
use crate::lobby::rooms::Live;
use crate::lobby::{Lobby, QueueLive, Timer};
use crate::pool::Pool;
use crate::settings::QueueSettings;
use crate::state::{MatchPhase, State, TicketPhase};
use crate::time::Time;

impl QueueLive {
    pub(super) fn new(queue: &QueueSettings) -> Self {
        Self {
            pool: Pool::new(queue),
            eta: Eta::new(),
            open: BTreeSet::new(),
            open_told: false,
            homeless: BTreeSet::new(),
            running: BTreeSet::new(),
            joinable: BTreeSet::new(),
            fleets: SmallVec::new(),
        }
    }
}

impl Lobby {
    /// A lobby with a past: a snapshot with the journal's events applied. Everything in it is committed. Leases get a
    /// grace, and rooms the time to attach again. `now` is not before the last event's time.
    pub fn resume(state: State, now: Time) -> Self {
        let now = now.max(state.time());
        let committed = state.applied();
        let mut lobby = Self {
            state,
            now,
            woke: now,
            events: Vec::new(),
            effects: VecDeque::new(),
            committed,
            draining: None,
            starts_rooms: true,
            queues: Vec::new(),
            fleets: Vec::new(),
            lives: IdMap::default(),
            leases: VecDeque::new(),
            timers: BinaryHeap::new(),
            joinable: IdMap::default(),
            journals: BTreeSet::new(),
            kicked: BTreeMap::new(),
            groups: Vec::new(),
        };
        lobby.follow_settings();
        lobby.resume_rooms();
        lobby.resume_matches();
        lobby.resume_tickets();
        lobby
    }

    fn resume_rooms(&mut self) {
        let patience = self.state.settings.timing.reattach;
        let rooms: Vec<_> = self.state.rooms.values().cloned().collect();
        for room in rooms {
            let place = self.fleet_place(&room.fleet);
            self.lives.insert(room.id, Live::new(place, self.now, patience));
            if room.ours && !room.proved && room.credential.is_none() {
                // Decided, and nobody knows whether it was done: once more, it is idempotent.
                self.will(Effect::StartRoom { room: room.id, fleet: room.fleet });
            }
            self.reclass(room.id);
            self.watch(room.id);
        }
    }

    fn resume_matches(&mut self) {
        let again = self.now + self.state.settings.timing.reattach;
        let mut games: Vec<_> = self.state.matches().filter(|game| !game.is_over()).cloned().collect();
        games.sort_unstable_by_key(|game| (game.formed, game.id));
        for game in games {
            match game.phase {
                MatchPhase::Orphaned { .. } | MatchPhase::Moving { .. } | MatchPhase::Playing { .. } => {
                    self.runs(game.id)
                }
                MatchPhase::Formed | MatchPhase::Placing(_) | MatchPhase::Ended { .. } | MatchPhase::Lost { .. } => {}
            }
            match game.phase {
                MatchPhase::Formed | MatchPhase::Orphaned { .. } => {
                    self.queue_live(game.queue).homeless.insert((game.formed, game.id));
                    self.homeless_changed(game.queue, 1);
                    self.at(again, Timer::Recovery(game.id));
                }
                MatchPhase::Placing(placement) | MatchPhase::Moving { placement, .. } => {
                    self.at(again, Timer::Placement(game.id, placement.epoch));
                }
                MatchPhase::Playing { .. } => {
                    for (ticket, _) in game.asked {
                        self.at(again, Timer::Asked(game.id, ticket));
                    }
                }
                MatchPhase::Ended { .. } | MatchPhase::Lost { .. } => {}
            }
        }
    }

    fn resume_tickets(&mut self) {
        let mut tickets: Vec<_> = self
            .state
            .tickets
            .iter()
            .filter(|(_, ticket)| !ticket.is_over())
            .map(|(slot, ticket)| (ticket.created, ticket.id, slot, ticket.phase == TicketPhase::Queued))
            .collect();
        tickets.sort_unstable();
        let timing = &self.state.settings.timing;
        let due = self.now + timing.lease_grace.max(timing.lease);
        for (_, id, slot, queued) in tickets {
            let ticket = &mut self.state.tickets[slot];
            ticket.lease = due;
            ticket.node = 0;
            self.leases.push_back((due, id));
            if queued {
                self.enqueue(id, false);
            }
        }
    }

    /// How long rooms have to attach again after a restart; nothing is decided about them before.
    pub fn reattach_until(&self) -> Time {
        self.woke + self.state.settings.timing.reattach
    }
}
