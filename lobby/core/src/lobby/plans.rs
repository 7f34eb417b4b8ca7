//! Fleets: their counts, their plans, and the settings they and the queues follow.

use std::time::Duration;

use crate::effect::Effect;
use crate::event::{Event, RoomEnd, TicketEnd};
use crate::fleet::{Action, Fleet, plan};
use crate::ids::{QueueId, RoomId};
use crate::lobby::rooms::Class;
use crate::lobby::{Draining, Lobby, QueueLive, Timer};
use crate::name::Name;
use crate::settings::Settings;
use crate::state::TicketPhase;
use crate::time::Time;

/// The forecast looks back over about this many seconds.
const LOOK_BACK: f64 = 10.0;
/// What a room is thought to take before one was seen to start.
const COLD_START: Duration = Duration::from_secs(1);

/// What is live of a fleet.
#[derive(Debug)]
pub(super) struct FleetLive {
    pub(super) name: Name,
    pub(super) seen: Fleet,
    pub(super) dirty: bool,
    /// Matches formed less rooms freed, lately; decays.
    growth: f64,
    grown: Time,
    /// The timer set for it.
    check: Time,
}

impl FleetLive {
    fn new(name: Name) -> Self {
        let seen = Fleet { cold_start: COLD_START, ..Fleet::default() };
        Self { name, seen, dirty: true, growth: 0.0, grown: Time::ZERO, check: Time::MAX }
    }

    fn grow(&mut self, now: Time, by: f64) {
        self.growth *= (-now.seconds_since(self.grown) / LOOK_BACK).exp();
        self.growth = (self.growth + by).max(0.0);
        self.grown = now;
    }

    /// A room took this long until it attached.
    pub(super) fn started_in(&mut self, took: Duration) {
        self.seen.cold_start = (self.seen.cold_start * 3 + took) / 4;
    }

    pub(super) fn recount(&mut self, room: RoomId, ours: bool, before: Class, after: Class) {
        self.dirty = true;
        match before {
            Class::New => {}
            Class::Starting(since) => {
                self.seen.starting.remove(&(since, room));
                self.seen.rooms -= 1;
            }
            Class::Ready(since) => {
                self.seen.ready.remove(&(since, room));
                self.seen.ready_ours.remove(&(since, room));
                self.seen.rooms -= 1;
            }
            Class::Away => {
                self.seen.away -= 1;
                self.seen.rooms -= 1;
            }
            Class::Used => self.seen.rooms -= 1,
            Class::Leaving => self.seen.leaving -= 1,
        }
        match after {
            Class::New => {}
            Class::Starting(since) => {
                self.seen.starting.insert((since, room));
                self.seen.rooms += 1;
            }
            Class::Ready(since) => {
                self.seen.ready.insert((since, room));
                if ours {
                    self.seen.ready_ours.insert((since, room));
                }
                self.seen.rooms += 1;
            }
            Class::Away => {
                self.seen.away += 1;
                self.seen.rooms += 1;
            }
            Class::Used => self.seen.rooms += 1,
            Class::Leaving => self.seen.leaving += 1,
        }
        if let (Class::Used, Class::Ready(since)) = (before, after) {
            self.grow(since, -1.0);
        }
    }
}

impl Lobby {
    /// The place of a fleet, made if need be: a room may outlive its fleet's settings.
    pub(super) fn fleet_place(&mut self, name: &Name) -> u16 {
        let found = self.fleets.iter().position(|fleet| fleet.name == *name);
        found.unwrap_or_else(|| {
            self.fleets.push(FleetLive::new(name.clone()));
            self.fleets.len() - 1
        }) as u16
    }

    /// A match of the queue was formed.
    pub(super) fn formed_match(&mut self, queue: QueueId) {
        let now = self.now;
        if let Some(&fleet) = self.queues[usize::from(queue.0)].fleets.first() {
            self.fleets[usize::from(fleet)].grow(now, 1.0);
        }
    }

    /// More or fewer matches of the queue look for a room. They count for the first fleet that hosts it.
    pub(super) fn homeless_changed(&mut self, queue: QueueId, by: i32) {
        if let Some(&fleet) = self.queues[usize::from(queue.0)].fleets.first() {
            let fleet = &mut self.fleets[usize::from(fleet)];
            fleet.seen.homeless = fleet.seen.homeless.saturating_add_signed(by);
            fleet.dirty = true;
        }
    }

    pub(super) fn plan_dirty(&mut self) {
        for place in 0..self.fleets.len() {
            if std::mem::take(&mut self.fleets[place].dirty) {
                self.plan(place as u16);
            }
        }
    }

    /// Brings the rooms there are nearer to the rooms there should be.
    fn plan(&mut self, place: u16) {
        let now = self.now;
        let fleet = &mut self.fleets[usize::from(place)];
        let Some(target) = self.state.fleet(&fleet.name) else {
            // Its settings are gone: its free rooms go.
            let free: Vec<RoomId> = fleet.seen.ready.iter().map(|&(_, room)| room).collect();
            return free.into_iter().for_each(|room| self.drain_room(room, None, true));
        };
        if self.draining.is_some() {
            return;
        }
        fleet.grow(now, 0.0);
        fleet.seen.woke = self.woke;
        fleet.seen.matches_per_second = fleet.growth / LOOK_BACK;
        let failures = self.state.failures.get(&fleet.name);
        let recent = failures.into_iter().flatten().filter(|at| now.since(**at) < target.breaker_window);
        fleet.seen.failures = (recent.clone().count() as u32, recent.min().copied().unwrap_or_default());
        let actions = plan(target, &fleet.seen, now);
        let name = fleet.name.clone();
        for action in actions {
            match action {
                Action::Start if !self.starts_rooms => {}
                Action::Start => {
                    if self.state.rooms.len() >= self.state.settings.limits.rooms as usize {
                        break;
                    }
                    let room = RoomId(self.state.ids.peek());
                    self.add_room(room, name.clone(), true);
                    self.will(Effect::StartRoom { room, fleet: name.clone() });
                }
                Action::Drain(room) => self.drain_room(room, None, true),
                Action::GiveUp(room) => {
                    self.will(Effect::KillRoom { room });
                    self.room_gone(room, RoomEnd::NotStarted);
                }
            }
        }
        // What was done is no reason to plan again: the next plan would be empty. But time may be one.
        let fleet = &mut self.fleets[usize::from(place)];
        fleet.dirty = false;
        let Some(target) = self.state.fleet(&fleet.name) else { return };
        let due = fleet.seen.deadline(target, now).max(Time(now.0 + 1));
        if due < Time::MAX && (due < fleet.check || fleet.check <= now) {
            fleet.check = due;
            self.at(due, Timer::Fleet(place));
        }
    }

    /// All settings are these from now on. They were checked.
    pub(super) fn configure(&mut self, settings: Settings) {
        let before: Vec<_> = self.state.queues.iter().map(|queue| queue.settings.clone()).collect();
        self.decide(Event::Configured { at: self.now, settings: Box::new(settings) });
        self.follow_settings();
        for (index, before) in before.into_iter().enumerate() {
            let queue = &self.state.queues[index];
            if queue.retired {
                self.close_queue(QueueId(index as u16));
            } else if queue.settings != before {
                self.reopen_queue(QueueId(index as u16));
            }
        }
        let places = 0..self.fleets.len();
        places.for_each(|place| self.fleets[place].dirty = true);
    }

    /// What is live of queues and fleets, for those that are new; and who hosts what.
    pub(super) fn follow_settings(&mut self) {
        for fleet in self.state.settings.fleets.clone() {
            self.fleet_place(&fleet.name);
        }
        for known in &self.state.queues[self.queues.len()..] {
            self.queues.push(QueueLive::new(&known.settings));
        }
        let mut homeless = vec![0u32; self.fleets.len()];
        for (live, known) in self.queues.iter_mut().zip(&self.state.queues) {
            let queue = &known.settings;
            let hosts = |fleet: &&FleetLive| {
                let named = queue.fleet.as_ref().is_none_or(|name| *name == fleet.name);
                let fleets = self.state.settings.fleets.iter();
                named && fleets.filter(|other| other.name == fleet.name).any(|other| other.games.contains(&queue.game))
            };
            let places = self.fleets.iter().enumerate().filter(|(_, fleet)| hosts(fleet));
            live.fleets = places.map(|(place, _)| place as u16).collect();
            if let Some(&first) = live.fleets.first() {
                homeless[usize::from(first)] += live.homeless.len() as u32;
            }
        }
        for (fleet, homeless) in self.fleets.iter_mut().zip(homeless) {
            fleet.seen.homeless = homeless;
            fleet.dirty = true;
        }
    }

    /// The queue's rules changed: who waits, waits by the new ones.
    fn reopen_queue(&mut self, queue: QueueId) {
        let fresh = QueueLive::new(&self.state.queue(queue).settings);
        self.queue_live(queue).pool = fresh.pool;
        let games: Vec<_> = self.queues[usize::from(queue.0)].homeless.iter().map(|&(_, id)| id).collect();
        for game in games {
            // One that ran goes on, though nobody can queue there any more.
            if self.state.match_(game).is_some_and(|game| game.phase == crate::state::MatchPhase::Formed) {
                drop(self.dissolve(game));
            }
        }
        for ticket in self.waiting_in(queue) {
            if let Some(ticket) = self.state.ticket_mut(ticket) {
                ticket.node = 0;
            }
            if self.state.ticket(ticket).is_some_and(|ticket| !ticket.open) {
                self.enqueue(ticket, false);
            }
        }
        let games: Vec<_> = self.state.matches().filter(|game| game.queue == queue).map(|game| game.id).collect();
        games.into_iter().for_each(|game| self.seats_changed(game));
    }

    /// The queue is no more: who waits is told. Who plays, plays on.
    fn close_queue(&mut self, queue: QueueId) {
        for ticket in self.waiting_in(queue) {
            self.end_waiting(ticket, TicketEnd::QueueRemoved);
        }
    }

    /// Tickets that wait there, the oldest first.
    fn waiting_in(&self, queue: QueueId) -> Vec<crate::ids::TicketId> {
        let waits = |ticket: &&crate::state::Ticket| {
            ticket.queue == queue && matches!(ticket.phase, TicketPhase::Queued | TicketPhase::Formed(_))
        };
        let mut tickets: Vec<_> =
            self.state.tickets().filter(waits).map(|ticket| (ticket.created, ticket.id)).collect();
        tickets.sort_unstable();
        tickets.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn drain(&mut self, rooms_too: bool, within: Duration) {
        let rooms_too = rooms_too || self.draining.is_some_and(|before| before.rooms_too);
        self.draining = Some(Draining { rooms_too, within });
        if rooms_too {
            let rooms: Vec<_> = self.state.rooms.keys().copied().collect();
            for room in rooms {
                let within = self.draining.map(|draining| draining.within);
                if self.state.room(room).is_some_and(|room| !room.proved) {
                    self.will(Effect::KillRoom { room });
                    self.room_gone(room, RoomEnd::Released);
                } else {
                    self.drain_room(room, within, true);
                }
            }
        }
    }
}
