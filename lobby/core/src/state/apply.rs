//! What each event does. Nothing here decides, and nothing here fails: an event that does not fit the state is our own
//! fault, and better a lobby that stops than a player in two games.

use smallvec::SmallVec;

use super::{Match, MatchPhase, Queue, Room, Seat, SeatState, State, Ticket, TicketPhase};
use crate::effect::TicketEvent;
use crate::event::{Event, LostReason, MatchOutcome, Placement, RequeueReason, RoomEnd, Seating, TicketEnd};
use crate::ids::{MatchId, PlayerId, QueueId, RoomId, TicketId, put};
use crate::settings::Settings;
use crate::time::Time;

/// Seats of players who left that a match remembers, for its result; the oldest go first.
const LEFT_SEATS_KEPT: usize = 64;

impl State {
    /// Does what the event says. The events of a journal, in order, make the same state everywhere.
    pub fn apply(&mut self, event: &Event) {
        self.applied.0 += 1;
        self.news.clear();
        match event {
            Event::Configured { at, settings } => {
                self.passed(*at);
                self.configure(settings);
            }
            Event::TicketCreated { ticket, at, queue, open, key, party } => {
                self.passed(*at);
                self.drew(ticket.0);
                self.create_ticket(Ticket {
                    id: *ticket,
                    queue: *queue,
                    open: *open,
                    requeues: 0,
                    created: *at,
                    key: *key,
                    party: party.clone(),
                    phase: TicketPhase::Queued,
                    told: Vec::new(),
                    untold: 0,
                    lease: Time::ZERO,
                    node: 0,
                });
            }
            Event::TicketEnded { ticket, at, how } => {
                self.passed(*at);
                self.end_ticket(*ticket, *at, *how);
            }
            Event::MatchFormed { match_id, at, queue, seating, placement } => {
                self.passed(*at);
                self.drew(match_id.0);
                self.form(*match_id, *at, *queue, seating, *placement);
            }
            Event::MatchDissolved { match_id, at } => {
                self.passed(*at);
                self.dissolve(*match_id, *at);
            }
            Event::MatchPlaced { match_id, at, placement } => {
                self.passed(*at);
                self.place(*match_id, *placement);
            }
            Event::PlacementFailed { match_id, at, .. } => {
                self.passed(*at);
                self.unplace(*match_id);
            }
            Event::MatchStarted { match_id, at, .. } => {
                self.passed(*at);
                self.start(*match_id, *at);
            }
            Event::SeatsAsked { match_id, at, ticket, deadline, seats } => {
                self.passed(*at);
                self.ask_seats(*match_id, *ticket, *deadline, seats);
            }
            Event::SeatsConfirmed { match_id, at, ticket } => {
                self.passed(*at);
                self.confirm_seats(*match_id, *ticket);
            }
            Event::SeatsReturned { match_id, at, ticket, reason } => {
                self.passed(*at);
                self.return_seats(*match_id, *ticket, *at, *reason);
            }
            Event::SeatTaken { match_id, at, seat } => {
                self.passed(*at);
                self.take_seat(*match_id, *seat);
            }
            Event::SeatLeft { match_id, at, seat, player } => {
                self.passed(*at);
                self.leave_seat(*match_id, *seat, *player, *at);
            }
            Event::MatchEnded(outcome) => {
                self.passed(outcome.at);
                self.end_match(outcome);
            }
            Event::MatchLost { match_id, at, reason, .. } => {
                self.passed(*at);
                self.lose_match(*match_id, *at, *reason);
            }
            Event::RoomAdded { room, at, fleet, ours } => {
                self.passed(*at);
                self.drew(room.0);
                let (added, fleet) = (*at, fleet.clone());
                let room = Room {
                    id: *room,
                    fleet,
                    added,
                    ours: *ours,
                    proved: !ours,
                    credential: None,
                    draining: None,
                    hosts: None,
                };
                assert!(self.rooms.insert(room.id, room).is_none(), "a room was added twice");
            }
            Event::RoomCredential { room, hash } => self.room_mut(*room).credential = Some(*hash),
            Event::RoomProved { room, at } => {
                self.passed(*at);
                self.room_mut(*room).proved = true;
            }
            Event::RoomDraining { room, at, until } => {
                self.passed(*at);
                self.room_mut(*room).draining = Some(*until);
            }
            Event::RoomGone { room, at, how } => {
                self.passed(*at);
                self.remove_room(*room, *at, *how);
            }
            Event::MatchOrphaned { match_id, at, reason, .. } => {
                self.passed(*at);
                self.orphan(*match_id, *at, *reason);
            }
            Event::Forgot { at, tickets, matches } => {
                self.passed(*at);
                self.forget(*tickets, *matches);
            }
        }
    }

    fn passed(&mut self, at: Time) {
        self.time = self.time.max(at);
    }

    /// Counts an id as drawn, if it came from our source: an adopted room's did not.
    fn drew(&mut self, id: u64) {
        if id == self.ids.peek() {
            self.ids.drew();
        }
    }

    fn configure(&mut self, settings: &Settings) {
        self.settings = settings.clone();
        for queue in &mut self.queues {
            queue.retired = true;
        }
        for new in &settings.queues {
            match self.queues.iter_mut().find(|queue| queue.settings.name == new.name) {
                Some(queue) => {
                    queue.settings = new.clone();
                    queue.retired = false;
                }
                None => self.queues.push(Queue {
                    settings: new.clone(),
                    retired: false,
                    waiting: 0,
                    waiting_tickets: 0,
                    playing: 0,
                }),
            }
        }
        self.failures.retain(|fleet, _| settings.fleets.iter().any(|other| other.name == *fleet));
    }

    fn create_ticket(&mut self, ticket: Ticket) {
        let entry = self.tickets.vacant_entry();
        let known = put(&mut self.ticket_slots, ticket.id, entry.key() as u32);
        assert!(known.is_none(), "a ticket was created twice");
        for member in &ticket.party {
            let before = put(&mut self.bound, member.player, ticket.id);
            assert!(before.is_none(), "a player would have two live tickets");
        }
        let queue = &mut self.queues[usize::from(ticket.queue.0)];
        queue.waiting += u32::from(ticket.size());
        queue.waiting_tickets += 1;
        entry.insert(ticket);
    }

    /// Adds a ticket to, or takes it from, what its queue counts.
    pub(super) fn count(&mut self, queue: QueueId, phase: TicketPhase, size: u16, add: bool) {
        let queue = &mut self.queues[usize::from(queue.0)];
        let by = if add { 1 } else { u32::MAX }; // adding the largest number takes one away
        let players = u32::from(size).wrapping_mul(by);
        match phase {
            TicketPhase::Queued | TicketPhase::Formed(_) => {
                queue.waiting = queue.waiting.wrapping_add(players);
                queue.waiting_tickets = queue.waiting_tickets.wrapping_add(by);
            }
            TicketPhase::Placing(_) | TicketPhase::Assigned(_) | TicketPhase::Connected(_) => {
                queue.playing = queue.playing.wrapping_add(players);
            }
            TicketPhase::Ended { .. } => {}
        }
    }

    fn set_phase(&mut self, slot: usize, phase: TicketPhase) {
        let ticket = &mut self.tickets[slot];
        let (queue, size) = (ticket.queue, ticket.size());
        let before = std::mem::replace(&mut ticket.phase, phase);
        self.count(queue, before, size, false);
        self.count(queue, phase, size, true);
    }

    fn tell(&mut self, slot: usize, event: TicketEvent) {
        let keep = usize::from(self.settings.limits.ticket_events.max(1));
        let ticket = &mut self.tickets[slot];
        if ticket.told.len() >= keep {
            ticket.told.remove(0);
            ticket.untold += 1;
        }
        ticket.told.push(event);
        self.news.push((slot as u32, ticket.last_event()));
    }

    fn slot(&self, ticket: TicketId) -> usize {
        *self.ticket_slots.get(&ticket).expect("events name tickets that are kept") as usize
    }

    fn match_mut(&mut self, id: MatchId) -> &mut Match {
        let slot = *self.match_slots.get(&id).expect("events name matches that are kept");
        &mut self.matches[slot as usize]
    }

    pub(crate) fn room_mut(&mut self, id: RoomId) -> &mut Room {
        self.rooms.get_mut(&id).expect("events name rooms that there are")
    }

    fn unbind(&mut self, player: PlayerId, ticket: TicketId) {
        if self.bound.get(&player) == Some(&ticket) {
            self.bound.remove(&player);
        }
    }

    fn end_ticket(&mut self, id: TicketId, at: Time, how: TicketEnd) {
        let slot = self.slot(id);
        let match_id = self.tickets[slot].phase.match_id();
        assert!(!self.tickets[slot].is_over(), "a ticket would end twice");
        self.set_phase(slot, TicketPhase::Ended { how, match_id });
        for index in 0..self.tickets[slot].party.len() {
            self.unbind(self.tickets[slot].party[index].player, id);
        }
        self.ended_tickets.push_back((at, id));
        self.tell(slot, TicketEvent::Ended { how, match_id });
    }

    fn form(&mut self, id: MatchId, at: Time, queue: QueueId, seating: &[Seating], placement: Option<Placement>) {
        let mut seats: SmallVec<[Seat; 2]> = SmallVec::new();
        for place in seating {
            let slot = self.slot(place.ticket);
            let ticket = &self.tickets[slot];
            assert!(ticket.phase == TicketPhase::Queued, "a ticket would be in two matches");
            for member in &ticket.party {
                seats.push(Seat {
                    seat: seats.len() as u16,
                    team: place.team,
                    player: member.player,
                    ticket: place.ticket,
                    rating: member.rating,
                    state: SeatState::Asked,
                    result: None,
                    change: None,
                });
            }
            self.set_phase(slot, TicketPhase::Formed(id));
        }
        let game = Match { id, queue, formed: at, attempts: 0, phase: MatchPhase::Formed, seats, asked: Vec::new() };
        let entry = self.matches.vacant_entry();
        let known = put(&mut self.match_slots, id, entry.key() as u32);
        assert!(known.is_none(), "a match was formed twice");
        entry.insert(game);
        if let Some(placement) = placement {
            self.place(id, placement);
        }
    }

    fn place(&mut self, id: MatchId, placement: Placement) {
        assert!(placement.epoch > self.epoch, "placements are numbered upwards");
        self.epoch = placement.epoch;
        let room = self.room_mut(placement.room);
        assert!(room.hosts.is_none(), "a room would host two matches");
        room.hosts = Some(id);
        let game = self.match_mut(id);
        game.attempts += 1;
        if let MatchPhase::Orphaned { since, reason, at, .. } = game.phase {
            game.phase = MatchPhase::Moving { placement, since, reason, at };
            return;
        }
        assert!(game.phase == MatchPhase::Formed, "a match would be in two rooms");
        game.phase = MatchPhase::Placing(placement);
        let (first, players, tickets) = (game.attempts == 1, game.seats_held(), game.tickets());
        for ticket in tickets {
            let slot = self.slot(ticket);
            self.set_phase(slot, TicketPhase::Placing(id));
            if first {
                self.tell(slot, TicketEvent::Matched { match_id: id, players });
            }
        }
    }

    /// Takes the match from its room, if that still is there.
    fn vacate(&mut self, id: MatchId) {
        if let Some((room, _)) = self.match_mut(id).place()
            && let Some(room) = self.rooms.get_mut(&room)
            && room.hosts == Some(id)
        {
            room.hosts = None;
        }
    }

    fn unplace(&mut self, id: MatchId) {
        self.vacate(id);
        let game = self.match_mut(id);
        if let MatchPhase::Moving { placement: Placement { room, epoch, .. }, since, reason, at } = game.phase {
            game.phase = MatchPhase::Orphaned { room, epoch, since, reason, at };
            return;
        }
        game.phase = MatchPhase::Formed;
        for ticket in game.tickets() {
            let slot = self.slot(ticket);
            self.set_phase(slot, TicketPhase::Formed(id));
        }
    }

    fn dissolve(&mut self, id: MatchId, at: Time) {
        let slot = self.match_slots.remove(&id).expect("events name matches that are kept");
        let game = self.matches.remove(slot as usize);
        assert!(game.phase == MatchPhase::Formed, "only a match without a room is dissolved");
        let told = game.attempts > 0;
        for ticket in game.tickets() {
            if told {
                self.requeue(ticket, at, RequeueReason::Dissolved);
            } else {
                self.set_phase(self.slot(ticket), TicketPhase::Queued);
            }
        }
    }

    fn start(&mut self, id: MatchId, at: Time) {
        let game = self.match_mut(id);
        if let MatchPhase::Moving { placement: Placement { room, epoch, .. }, since, .. } = game.phase {
            game.phase = MatchPhase::Playing { room, epoch, since };
            return self.moved(id);
        }
        let MatchPhase::Placing(Placement { room, epoch, .. }) = game.phase else {
            unreachable!("only a match that waits for its room's answer starts")
        };
        game.phase = MatchPhase::Playing { room, epoch, since: at };
        game.attempts = 0;
        for seat in &mut game.seats {
            seat.state = SeatState::Held;
        }
        for ticket in game.tickets() {
            self.assign(id, ticket);
        }
    }

    fn assign(&mut self, id: MatchId, ticket: TicketId) {
        self.set_phase(self.slot(ticket), TicketPhase::Assigned(id));
        self.tell_seats(id, ticket);
    }

    fn tell_seats(&mut self, id: MatchId, ticket: TicketId) {
        let game = self.match_mut(id);
        let (room, epoch) = game.place().expect("seats are given in rooms");
        let seats = game.seats.iter().filter(|seat| seat.ticket == ticket).map(|seat| seat.seat).collect();
        self.tell(self.slot(ticket), TicketEvent::Assigned { match_id: id, room, epoch, seats });
    }

    /// The match is in another room: everybody has the seat he had, and is told where it is now.
    fn moved(&mut self, id: MatchId) {
        for ticket in self.match_mut(id).tickets() {
            if self.lives_in(ticket, id) {
                self.tell_seats(id, ticket);
            }
        }
    }

    fn orphan(&mut self, id: MatchId, at: Time, reason: LostReason) {
        self.vacate(id);
        let game = self.match_mut(id);
        let MatchPhase::Playing { room, epoch, since } = game.phase else {
            unreachable!("only a match that runs loses its room")
        };
        assert!(game.asked.is_empty(), "seats that were asked for are returned first");
        game.phase = MatchPhase::Orphaned { room, epoch, since, reason, at };
    }

    fn ask_seats(&mut self, id: MatchId, ticket: TicketId, deadline: Time, seats: &[u16]) {
        let slot = self.slot(ticket);
        assert!(self.tickets[slot].phase == TicketPhase::Queued, "a ticket would be in two matches");
        let party = self.tickets[slot].party.clone();
        assert!(party.len() == seats.len(), "a seat for each member");
        let game = self.match_mut(id);
        for (member, &seat) in party.iter().zip(seats) {
            let free = game.seats.iter().all(|other| other.seat != seat || other.state == SeatState::Left);
            assert!(free, "a seat would be given twice");
            game.seats.push(Seat {
                seat,
                team: 0,
                player: member.player,
                ticket,
                rating: member.rating,
                state: SeatState::Asked,
                result: None,
                change: None,
            });
        }
        game.asked.push((ticket, deadline));
        let players = game.seats_held();
        self.set_phase(slot, TicketPhase::Placing(id));
        self.tell(slot, TicketEvent::Matched { match_id: id, players });
    }

    fn confirm_seats(&mut self, id: MatchId, ticket: TicketId) {
        let game = self.match_mut(id);
        game.asked.retain(|(asked, _)| *asked != ticket);
        for seat in game.seats.iter_mut().filter(|seat| seat.ticket == ticket && seat.state == SeatState::Asked) {
            seat.state = SeatState::Held;
        }
        self.assign(id, ticket);
    }

    fn return_seats(&mut self, id: MatchId, ticket: TicketId, at: Time, reason: RequeueReason) {
        let game = self.match_mut(id);
        game.asked.retain(|(asked, _)| *asked != ticket);
        // First back, by what the seats say; then the seats go.
        self.requeue(ticket, at, reason);
        self.match_mut(id).seats.retain(|seat| seat.ticket != ticket);
    }

    fn take_seat(&mut self, id: MatchId, number: u16) {
        let game = self.match_mut(id);
        let seat = game.seats.iter_mut().find(|seat| seat.seat == number && seat.state == SeatState::Held);
        let seat = seat.expect("events name seats that are held");
        seat.state = SeatState::Taken;
        let (player, ticket) = (seat.player, seat.ticket);
        let slot = self.slot(ticket);
        self.set_phase(slot, TicketPhase::Connected(id));
        self.tell(slot, TicketEvent::Connected { match_id: id, player });
    }

    fn leave_seat(&mut self, id: MatchId, number: u16, player: PlayerId, at: Time) {
        let game = self.match_mut(id);
        let held = |seat: &&mut Seat| seat.seat == number && seat.player == player && seat.state != SeatState::Left;
        let seat = game.seats.iter_mut().find(held).expect("events name seats that are held");
        seat.state = SeatState::Left;
        let ticket = seat.ticket;
        let rest = game.seats.iter().any(|seat| seat.ticket == ticket && seat.state != SeatState::Left);
        if !rest {
            game.asked.retain(|(asked, _)| *asked != ticket);
        }
        let many = game.seats.iter().filter(|seat| seat.state == SeatState::Left).count() > LEFT_SEATS_KEPT;
        self.unbind(player, ticket);
        if !rest {
            self.end_ticket(ticket, at, TicketEnd::Done);
        }
        if many {
            // Only of tickets that are over: the others are known by it to have lost a member.
            let game = self.match_(id).expect("just seen");
            let oldest =
                game.seats.iter().position(|seat| seat.state == SeatState::Left && !self.lives_in(seat.ticket, id));
            if let Some(oldest) = oldest {
                self.match_mut(id).seats.remove(oldest);
            }
        }
    }

    fn end_match(&mut self, outcome: &MatchOutcome) {
        self.vacate(outcome.match_id);
        let game = self.match_mut(outcome.match_id);
        let MatchPhase::Playing { room, epoch, since } = game.phase else {
            unreachable!("only a match that runs has a result")
        };
        game.phase = MatchPhase::Ended { room, epoch, since, at: outcome.at };
        for seat in &mut game.seats {
            let result = outcome.seats.iter().find(|result| result.seat == seat.seat && result.player == seat.player);
            seat.result = result.map(|result| (result.rank, result.score));
            seat.change = outcome.changes.iter().find(|change| change.player == seat.player).copied();
        }
        let tickets = game.tickets();
        self.ended_matches.push_back((outcome.at, outcome.match_id));
        for ticket in tickets {
            if self.lives_in(ticket, outcome.match_id) {
                self.end_ticket(ticket, outcome.at, TicketEnd::Done);
            }
        }
    }

    /// The ticket is not over, and this is its match. A ticket that ended early may even be forgotten.
    pub(crate) fn lives_in(&self, ticket: TicketId, id: MatchId) -> bool {
        self.ticket(ticket).is_some_and(|ticket| !ticket.is_over() && ticket.phase.match_id() == Some(id))
    }

    fn lose_match(&mut self, id: MatchId, at: Time, reason: LostReason) {
        self.vacate(id);
        let game = self.match_mut(id);
        let last = match game.phase {
            MatchPhase::Orphaned { room, epoch, .. } => Some((room, epoch)),
            MatchPhase::Formed
            | MatchPhase::Placing(_)
            | MatchPhase::Playing { .. }
            | MatchPhase::Ended { .. }
            | MatchPhase::Lost { .. }
            | MatchPhase::Moving { .. } => game.place(),
        };
        let (room, epoch) = last.expect("only a match that was in a room is lost");
        game.phase = MatchPhase::Lost { room, epoch, reason, at };
        game.asked.clear();
        let tickets = game.tickets();
        self.ended_matches.push_back((at, id));
        for ticket in tickets {
            if self.lives_in(ticket, id) {
                self.requeue(ticket, at, RequeueReason::MatchLost(reason));
            }
        }
    }

    /// Back into the queue with seniority, without those who left; or over, if that happened too often.
    fn requeue(&mut self, id: TicketId, at: Time, reason: RequeueReason) {
        let slot = self.slot(id);
        let gone: SmallVec<[PlayerId; 4]> = {
            let ticket = &self.tickets[slot];
            let players = ticket.party.iter().map(|member| member.player);
            players.filter(|&player| self.has_left(player, ticket)).collect()
        };
        if !gone.is_empty() {
            let ticket = &mut self.tickets[slot];
            let (queue, phase, size) = (ticket.queue, ticket.phase, ticket.size());
            ticket.party.retain(|member| !gone.contains(&member.player));
            let left = ticket.size();
            self.count(queue, phase, size, false);
            self.count(queue, phase, left, true);
        }
        let ticket = &mut self.tickets[slot];
        ticket.requeues += 1;
        let too_often = ticket.requeues > self.settings.limits.requeues;
        self.set_phase(slot, TicketPhase::Queued);
        self.tell(slot, TicketEvent::Requeued { reason });
        if too_often {
            self.end_ticket(id, at, TicketEnd::RequeuedTooOften);
        }
    }

    /// The player gave up his seat in the match his ticket led to.
    pub(super) fn has_left(&self, player: PlayerId, ticket: &Ticket) -> bool {
        let Some(game) = ticket.phase.match_id().and_then(|id| self.match_(id)) else { return false };
        let mut seats = game.seats.iter().filter(|seat| seat.player == player && seat.ticket == ticket.id).peekable();
        seats.peek().is_some() && seats.all(|seat| seat.state == SeatState::Left)
    }

    fn remove_room(&mut self, id: RoomId, at: Time, how: RoomEnd) {
        let room = self.rooms.remove(&id).expect("events name rooms that there are");
        assert!(room.hosts.is_none(), "a room's match is lost before the room is gone");
        let failed = match how {
            RoomEnd::NotStarted => true,
            RoomEnd::Crashed => room.ours && !room.proved,
            RoomEnd::Exited | RoomEnd::Released | RoomEnd::Abandoned => false,
        };
        let Some(fleet) = self.settings.fleets.iter().find(|fleet| fleet.name == room.fleet) else { return };
        if !failed || fleet.breaker_failures == 0 {
            return;
        }
        let (keep, window) = (fleet.breaker_failures as usize, fleet.breaker_window);
        let failures = self.failures.entry(room.fleet).or_default();
        failures.push_back(at);
        while failures.len() > keep || failures.front().is_some_and(|&first| at.since(first) > window) {
            failures.pop_front();
        }
    }

    fn forget(&mut self, tickets: u32, matches: u32) {
        for _ in 0..tickets {
            let (_, id) = self.ended_tickets.pop_front().expect("only what is kept is forgotten");
            let slot = self.ticket_slots.remove(&id).expect("ended tickets are kept");
            self.tickets.remove(slot as usize);
        }
        for _ in 0..matches {
            let (_, id) = self.ended_matches.pop_front().expect("only what is kept is forgotten");
            let slot = self.match_slots.remove(&id).expect("ended matches are kept");
            self.matches.remove(slot as usize);
        }
    }
}
