//! Where tickets become a match, and a match gets its room.

use std::time::Duration;

use crate::effect::{Effect, HostOrder, HostSeat};
use crate::event::{Event, LostReason, MatchOutcome, Placement, RequeueReason, Seating};
use crate::ids::{MatchId, QueueId, RoomId, TicketId};
use crate::input::MatchReport;
use crate::lobby::recover::REPLAY_WITHIN;
use crate::lobby::{Lobby, Timer};
use crate::pool::Group;
use crate::ratings::{Standing, rate};
use crate::settings::Shape;
use crate::state::{Match, MatchPhase, Seat, SeatState};
use crate::time::Time;

/// Free rooms looked at for one that hosts the game: a fleet's rooms are alike, so the first one mostly does.
const ROOMS_TRIED: usize = 16;

impl Lobby {
    /// Makes a match of tickets that wait: here a ticket becomes a match.
    pub(super) fn form(&mut self, queue: QueueId, group: &Group) {
        let match_id = MatchId(self.state.ids.peek());
        let now = self.now;
        let mut seating = smallvec::SmallVec::new();
        for &(slot, team) in group {
            let ticket = &mut self.state.tickets[slot as usize];
            ticket.node = 0;
            let waited = now.since(ticket.created);
            seating.push(Seating { ticket: ticket.id, team });
            self.queues[usize::from(queue.0)].eta.waited(waited);
        }
        let placement = self.free_room(queue).map(|room| self.placement(room, match_id));
        self.decide(Event::MatchFormed { match_id, at: now, queue, seating, placement });
        self.formed_match(queue);
        match placement {
            Some(placement) => self.host(match_id, placement),
            None => {
                self.queue_live(queue).homeless.insert((now, match_id));
                self.homeless_changed(queue, 1);
            }
        }
    }

    fn placement(&self, room: RoomId, id: MatchId) -> Placement {
        Placement { room, epoch: self.state.epoch + 1, deadline: self.now + self.placement_patience(id) }
    }

    /// A room answers within this, when it is asked for this match.
    fn placement_patience(&self, id: MatchId) -> Duration {
        let begun = self.state.match_(id).is_some_and(|game| match game.phase {
            MatchPhase::Formed | MatchPhase::Placing(_) => false,
            MatchPhase::Orphaned { .. }
            | MatchPhase::Moving { .. }
            | MatchPhase::Playing { .. }
            | MatchPhase::Ended { .. }
            | MatchPhase::Lost { .. } => true,
        });
        if begun { REPLAY_WITHIN } else { self.state.settings.timing.placement }
    }

    /// A free room for a match of this queue: the one that was busy last, so that the others may go when they are too many.
    fn free_room(&self, queue: QueueId) -> Option<RoomId> {
        if self.draining.is_some() {
            return None;
        }
        let settings = &self.state.queue(queue).settings;
        let fleets = self.queues[usize::from(queue.0)].fleets.iter();
        let mut ready =
            fleets.flat_map(|&fleet| self.fleets[usize::from(fleet)].seen.ready.iter().rev().take(ROOMS_TRIED));
        ready.find(|(_, room)| self.lives.get(room).is_some_and(|live| live.hosts(settings))).map(|&(_, room)| room)
    }

    /// Asks the room of a placed match to host it.
    fn host(&mut self, id: MatchId, placement: Placement) {
        self.reclass(placement.room);
        self.at(placement.deadline, Timer::Placement(id, placement.epoch));
        if let Some(order) = self.host_order(id) {
            self.will(Effect::Host { room: placement.room, order: Box::new(order) });
        }
    }

    fn host_order(&self, id: MatchId) -> Option<HostOrder> {
        let game = self.state.match_(id)?;
        let (_, epoch) = game.place()?;
        let settings = &self.state.queue(game.queue).settings;
        Some(HostOrder {
            match_id: id,
            epoch,
            queue: settings.name.clone(),
            game: settings.game.clone(),
            config_json: settings.config_json.clone(),
            seed: self.state.match_seed(id),
            seats: self.host_seats(game, |_| true),
            max_seats: settings.shape.max_players().max(game.seats_held()),
            accept_within: game.placing().map_or(Duration::ZERO, |placement| placement.deadline.since(self.now)),
            spectators: settings.audience(),
            watch_delay: settings.watch_delay,
            chat: settings.chat,
            recovers: matches!(game.phase, MatchPhase::Moving { .. }),
        })
    }

    /// Seats with the names of who sits in them.
    pub(super) fn host_seats(&self, game: &Match, wanted: impl Fn(&Seat) -> bool) -> Vec<HostSeat> {
        let seats = game.seats.iter().filter(|seat| seat.state != SeatState::Left && wanted(seat));
        let named = |seat: &Seat| {
            let ticket = self.state.ticket(seat.ticket)?;
            let member = ticket.party.iter().find(|member| member.player == seat.player)?;
            let (name, tag) = (member.name.clone(), member.tag);
            Some(HostSeat { seat: seat.seat, player: seat.player, name, tag, team: seat.team })
        };
        seats.filter_map(named).collect()
    }

    /// A room became free: the match that looks for one longest gets it.
    pub(super) fn house(&mut self, room: RoomId) {
        if self.draining.is_some() {
            return;
        }
        let Some(live) = self.lives.get(&room) else { return };
        let queues = self.queues.iter().zip(&self.state.queues).filter(|(queue, known)| {
            queue.fleets.contains(&live.fleet) && !queue.homeless.is_empty() && live.hosts(&known.settings)
        });
        let oldest = queues.filter_map(|(queue, _)| queue.homeless.first()).min().copied();
        if let Some((formed, id)) = oldest
            && let Some(game) = self.state.match_(id)
        {
            let queue = game.queue;
            self.queue_live(queue).homeless.remove(&(formed, id));
            self.homeless_changed(queue, -1);
            let placement = self.placement(room, id);
            self.decide(Event::MatchPlaced { match_id: id, at: self.now, placement });
            self.host(id, placement);
        }
    }

    pub(super) fn placement_due(&mut self, id: MatchId, epoch: u64) {
        let placing = self.state.match_(id).and_then(Match::placing);
        if let Some(placement) = placing
            && placement.epoch == epoch
        {
            let due = placement.deadline.max(self.woke + self.placement_patience(id));
            if due > self.now {
                return self.at(due, Timer::Placement(id, epoch));
            }
            // It may have taken it just now: then it is told, when it says so. Until then it gets no other one.
            if let Some(live) = self.lives.get_mut(&placement.room) {
                live.idle = false;
            }
            self.placement_failed(id, epoch, RequeueReason::NoAnswer);
        }
    }

    /// The room did not take the match: another one, or back into the queue when that happened too often.
    pub(super) fn placement_failed(&mut self, id: MatchId, epoch: u64, reason: RequeueReason) {
        let Some((room, _)) = self.state.match_(id).and_then(Match::place) else { return };
        self.decide(Event::PlacementFailed { match_id: id, epoch, at: self.now, reason });
        self.reclass(room);
        let Some(game) = self.state.match_(id) else { return };
        let (queue, formed) = (game.queue, game.formed);
        if let MatchPhase::Orphaned { .. } = game.phase {
            return self.rehouse(id);
        }
        if game.attempts >= self.state.settings.limits.placements {
            self.queue_live(queue).homeless.insert((formed, id));
            self.homeless_changed(queue, 1);
            for ticket in self.dissolve(id) {
                self.enqueue(ticket, true);
            }
            return;
        }
        self.look_for_room(id, queue, formed);
    }

    /// Places a match that has no room, or lets it wait for one.
    pub(super) fn look_for_room(&mut self, id: MatchId, queue: QueueId, formed: Time) {
        match self.free_room(queue) {
            Some(room) => {
                let placement = self.placement(room, id);
                self.decide(Event::MatchPlaced { match_id: id, at: self.now, placement });
                self.host(id, placement);
            }
            None => {
                self.queue_live(queue).homeless.insert((formed, id));
                self.homeless_changed(queue, 1);
            }
        }
    }

    pub(super) fn start(&mut self, id: MatchId, epoch: u64) {
        self.decide(Event::MatchStarted { match_id: id, epoch, at: self.now });
        self.runs(id);
        self.seats_changed(id);
    }

    /// A match has its result.
    pub(super) fn end(&mut self, room: RoomId, report: MatchReport) {
        let id = report.match_id;
        self.journals.remove(&id);
        self.kicked.remove(&id);
        self.return_asked(id, RequeueReason::MatchEnded);
        let Some(game) = self.state.match_(id) else { return };
        let settings = &self.state.queue(game.queue).settings;
        // Only who has, or had, a seat counts; and each of them once.
        let mut seats = report.seats;
        seats.retain(|result| {
            let known = |seat: &Seat| seat.seat == result.seat && seat.player == result.player;
            result.rank > 0 && game.seats.iter().any(known)
        });
        seats.sort_by_key(|result| (result.rank, result.seat));
        let mut standings: Vec<Standing> = Vec::with_capacity(seats.len());
        for result in &seats {
            let seat = game.seats.iter().find(|seat| seat.seat == result.seat && seat.player == result.player);
            if let Some(seat) = seat
                && standings.iter().all(|standing| standing.player != seat.player)
            {
                let team = match settings.shape {
                    Shape::Free { .. } => seat.seat,
                    Shape::Teams { .. } => seat.team.into(),
                };
                standings.push(Standing { player: seat.player, team, rank: result.rank, rating: seat.rating });
            }
        }
        let changes = if report.rated && settings.rated { rate(&standings) } else { Vec::new() };
        let outcome = MatchOutcome {
            match_id: id,
            epoch: report.epoch,
            at: self.now,
            queue: settings.name.clone(),
            game: settings.game.clone(),
            seats,
            changes,
            duration: report.duration,
            reason: report.reason,
            events_json: report.events_json,
        };
        self.decide(Event::MatchEnded(Box::new(outcome)));
        self.runs_no_more(id);
        self.seats_changed(id);
        if let Some(live) = self.lives.get_mut(&room) {
            live.idle = false; // until it says that it is ready
            live.missing = None;
        }
        self.reclass(room);
    }

    /// A match lost its room. It goes on in another one where that can be; otherwise it was cut.
    pub(super) fn lose(&mut self, id: MatchId, reason: LostReason) {
        let Some(game) = self.state.match_(id) else { return };
        let Some((room, epoch)) = game.place() else { return };
        if game.placing().is_some() {
            return self.placement_failed(id, epoch, RequeueReason::RoomLost);
        }
        if self.may_recover(game, reason) {
            self.orphan(id, room, epoch, reason);
        } else {
            self.cut(id, epoch, reason);
            self.reclass(room);
        }
    }

    /// A match was cut: its players go back into their queue with their seniority, and are told.
    pub(super) fn cut(&mut self, id: MatchId, epoch: u64, reason: LostReason) {
        let Some(game) = self.state.match_(id) else { return };
        let tickets = game.tickets();
        self.journals.remove(&id);
        self.kicked.remove(&id);
        self.decide(Event::MatchLost { match_id: id, epoch, at: self.now, reason });
        self.runs_no_more(id);
        self.seats_changed(id);
        for ticket in tickets {
            self.requeued(ticket);
        }
    }

    pub(super) fn requeued(&mut self, ticket: TicketId) {
        self.enqueue(ticket, true);
    }
}
