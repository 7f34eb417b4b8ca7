//! Free seats of running matches: the door for late joiners. Here a seat is given.

use smallvec::SmallVec;

use crate::effect::{Effect, Refusal};
use crate::event::{Event, RequeueReason};
use crate::ids::{MatchId, PlayerId, QueueId, TicketId};
use crate::input::{Presence, SeatReport};
use crate::lobby::{Lobby, Timer};
use crate::name::Name;
use crate::state::{Match, MatchPhase, SeatState};

/// Matches looked at for a free seat, and tickets for a seat that became free.
const TRIED: usize = 16;

impl Lobby {
    /// Puts a ticket into a running match of its queue, if that has seats for it.
    pub(super) fn join_running(&mut self, queue: QueueId, id: TicketId) -> bool {
        if self.draining.is_some() || self.queues[usize::from(queue.0)].joinable.is_empty() {
            return false;
        }
        let Some(ticket) = self.state.ticket(id) else { return false };
        let (size, rating) = (ticket.size(), ticket.rating());
        let cap = self.state.queue(queue).settings.window.cap;
        let kicked = |game: &Match| {
            let gone = self.kicked.get(&game.id);
            gone.is_some_and(|gone| ticket.party.iter().any(|member| gone.contains(&member.player)))
        };
        let suits = |game: &Match| (mean_rating(game) - rating).abs() <= cap && !kicked(game);
        let fitting = self.queues[usize::from(queue.0)].joinable.range((size, MatchId(0))..).take(TRIED);
        let found = fitting.map(|&(_, game)| game).find(|&game| self.state.match_(game).is_some_and(suits));
        if let Some(game) = found {
            self.ask_seats(game, id);
        }
        found.is_some()
    }

    fn ask_seats(&mut self, match_id: MatchId, ticket: TicketId) {
        let Some(game) = self.state.match_(match_id) else { return };
        let Some((room, epoch)) = game.place() else { return };
        let size = self.state.ticket(ticket).map_or(0, |ticket| usize::from(ticket.size()));
        let taken = |number: &u16| game.seats.iter().any(|seat| seat.seat == *number && seat.state != SeatState::Left);
        let seats: SmallVec<[u16; 4]> = (0u16..).filter(|number| !taken(number)).take(size).collect();
        let deadline = self.now + self.state.settings.timing.placement;
        self.decide(Event::SeatsAsked { match_id, at: self.now, ticket, deadline, seats });
        self.at(deadline, Timer::Asked(match_id, ticket));
        self.seats_changed(match_id);
        if let Some(ticket) = self.state.ticket(ticket) {
            let (waited, queue) = (self.now.since(ticket.created), ticket.queue);
            self.queue_live(queue).eta.waited(waited);
        }
        if let Some(game) = self.state.match_(match_id) {
            let seats = self.host_seats(game, |seat| seat.ticket == ticket);
            self.will(Effect::AddSeats { room, match_id, epoch, seats });
        }
    }

    pub(super) fn asked_due(&mut self, id: MatchId, ticket: TicketId) {
        let asked = |game: &Match| game.asked.iter().find(|(asked, _)| *asked == ticket).map(|(_, at)| *at);
        let Some(at) = self.state.match_(id).and_then(asked) else { return };
        let due = at.max(self.woke + self.state.settings.timing.placement);
        if due > self.now {
            return self.at(due, Timer::Asked(id, ticket));
        }
        self.return_seats(id, ticket, RequeueReason::NoAnswer);
    }

    /// The room has yet to confirm these seats, and is not to any more.
    fn return_seats(&mut self, match_id: MatchId, ticket: TicketId, reason: RequeueReason) {
        let Some(game) = self.state.match_(match_id) else { return };
        let place = game.place();
        let seats = game.seats.iter().filter(|seat| seat.ticket == ticket).map(|seat| seat.seat).collect();
        self.decide(Event::SeatsReturned { match_id, at: self.now, ticket, reason });
        if let Some((room, epoch)) = place {
            self.will(Effect::ReleaseSeats { room, match_id, epoch, seats });
        }
        // Not at once into the same match again: it did not answer.
        if let Some(free) = self.joinable.remove(&match_id)
            && let Some(queue) = self.state.match_(match_id).map(|game| game.queue)
        {
            self.queue_live(queue).joinable.remove(&(free, match_id));
        }
        self.requeued(ticket);
    }

    /// An operator takes a player out of a match that runs: his seat is given up, and not given to him again.
    pub(super) fn kick(&mut self, match_id: MatchId, player: PlayerId, reason: Name) -> Result<(), Refusal> {
        let game = self.state.match_(match_id).ok_or(Refusal::UnknownMatch)?;
        let MatchPhase::Playing { room, epoch, .. } = game.phase else {
            let retry_after = self.state.settings.timing.retry_after;
            return Err(if game.is_over() { Refusal::MatchOver } else { Refusal::RoomAway { retry_after } });
        };
        let sits = |state| matches!(state, SeatState::Held | SeatState::Taken);
        let seat = game.seats.iter().find(|seat| seat.player == player && sits(seat.state));
        let seat = seat.map(|seat| seat.seat).ok_or(Refusal::NotInMatch)?;
        self.kicked.entry(match_id).or_default().push(player);
        self.decide(Event::SeatLeft { match_id, at: self.now, seat, player });
        self.will(Effect::KickSeats { room, match_id, epoch, seats: smallvec::smallvec![seat], reason });
        self.seats_changed(match_id);
        Ok(())
    }

    pub(super) fn return_asked(&mut self, id: MatchId, reason: RequeueReason) {
        while let Some(&(ticket, _)) = self.state.match_(id).and_then(|game| game.asked.first()) {
            self.return_seats(id, ticket, reason);
        }
    }

    /// Keeps the list of matches that may be joined, and fills seats that became free.
    pub(super) fn seats_changed(&mut self, id: MatchId) {
        let Some(game) = self.state.match_(id) else { return };
        let queue = game.queue;
        let settings = &self.state.queue(queue).settings;
        if !settings.late_join {
            return;
        }
        let open = match game.phase {
            MatchPhase::Playing { room, .. } => self.may_join(room),
            MatchPhase::Formed
            | MatchPhase::Placing(_)
            | MatchPhase::Orphaned { .. }
            | MatchPhase::Moving { .. }
            | MatchPhase::Ended { .. }
            | MatchPhase::Lost { .. } => false,
        };
        let free = if open { settings.shape.max_players().saturating_sub(game.seats_held()) } else { 0 };
        let before = self.joinable.get(&id).copied().unwrap_or(0);
        if free != before {
            let live = &mut self.queues[usize::from(queue.0)];
            live.joinable.remove(&(before, id));
            self.joinable.remove(&id);
            if free > 0 {
                live.joinable.insert((free, id));
                self.joinable.insert(id, free);
            }
        }
        if free > before {
            for ticket in self.queues[usize::from(queue.0)].pool.oldest(TRIED) {
                let ticket = self.state.tickets[ticket as usize].id;
                let size = self.state.ticket(ticket).map_or(0, |ticket| ticket.size());
                let left = self.joinable.get(&id).copied().unwrap_or(0);
                if left == 0 {
                    break;
                }
                if size <= left && self.suits(id, ticket) {
                    self.withdraw(ticket);
                    self.ask_seats(id, ticket);
                }
            }
        }
    }

    fn suits(&self, id: MatchId, ticket: TicketId) -> bool {
        let (Some(game), Some(ticket)) = (self.state.match_(id), self.state.ticket(ticket)) else { return false };
        let cap = self.state.queue(game.queue).settings.window.cap;
        (mean_rating(game) - ticket.rating()).abs() <= cap
    }

    /// What a room says of the seats of the match that it rightly runs.
    pub(super) fn seats_reported(&mut self, id: MatchId, reports: &[SeatReport]) {
        let mut changed = false;
        for report in reports {
            let Some(game) = self.state.match_(id) else { return };
            let known = game
                .seats
                .iter()
                .find(|seat| seat.seat == report.seat && seat.player == report.player && seat.state != SeatState::Left);
            // A seat that is not in the ledger, or was given up: nothing the room says makes it so again.
            let Some(seat) = known else { continue };
            let (state, ticket, number) = (seat.state, seat.ticket, seat.seat);
            if report.presence == Presence::Left && state == SeatState::Asked {
                // He sat here before, left, and comes again: the room has not heard of that yet.
                continue;
            }
            if report.presence == Presence::Left {
                let player = report.player;
                self.decide(Event::SeatLeft { match_id: id, at: self.now, seat: number, player });
                changed = true;
                continue;
            }
            if state == SeatState::Asked {
                self.confirm(id, ticket, reports);
            }
            let held = |game: &Match| {
                let mine = |seat: &&crate::state::Seat| seat.seat == number && seat.player == report.player;
                game.seats.iter().filter(mine).any(|seat| seat.state == SeatState::Held)
            };
            if report.presence == Presence::Live && self.state.match_(id).is_some_and(held) {
                self.decide(Event::SeatTaken { match_id: id, at: self.now, seat: number });
            }
        }
        if changed {
            self.seats_changed(id);
        }
    }

    /// Confirms a late joiner's seats once the room has all of them.
    fn confirm(&mut self, match_id: MatchId, ticket: TicketId, reports: &[SeatReport]) {
        let Some(game) = self.state.match_(match_id) else { return };
        let mut asked = game.seats.iter().filter(|seat| seat.ticket == ticket && seat.state == SeatState::Asked);
        let has = |seat: &crate::state::Seat| {
            let same = |report: &&SeatReport| report.seat == seat.seat && report.player == seat.player;
            reports.iter().find(same).is_some_and(|report| report.presence != Presence::Left)
        };
        if asked.all(has) {
            self.decide(Event::SeatsConfirmed { match_id, at: self.now, ticket });
        }
    }

    /// After a lost stream: what the room does not have yet it is told again, and what it should not have it gives up.
    pub(super) fn reconcile_seats(&mut self, id: MatchId, reports: &[SeatReport]) {
        self.seats_reported(id, reports);
        let Some(game) = self.state.match_(id) else { return };
        let Some((room, epoch)) = game.place() else { return };
        let reported = |number: u16, player| {
            reports
                .iter()
                .any(|report| report.seat == number && report.player == player && report.presence != Presence::Left)
        };
        let missing = self.host_seats(game, |seat| !reported(seat.seat, seat.player));
        let held = |report: &&SeatReport| {
            game.seats
                .iter()
                .any(|seat| seat.seat == report.seat && seat.player == report.player && seat.state != SeatState::Left)
        };
        let surplus: SmallVec<[u16; 4]> = reports
            .iter()
            .filter(|report| report.presence != Presence::Left && !held(report))
            .map(|report| report.seat)
            .collect();
        if !surplus.is_empty() {
            self.will(Effect::ReleaseSeats { room, match_id: id, epoch, seats: surplus });
        }
        if !missing.is_empty() {
            self.will(Effect::AddSeats { room, match_id: id, epoch, seats: missing });
        }
    }
}

fn mean_rating(game: &Match) -> f32 {
    let held = game.seats.iter().filter(|seat| seat.state != SeatState::Left);
    let (sum, count) = held.fold((0.0, 0.0), |(sum, count), seat| (sum + seat.rating.value, count + 1.0));
    if count == 0.0 { 1500.0 } else { sum / count }
}
