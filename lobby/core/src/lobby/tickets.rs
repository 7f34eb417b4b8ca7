//! A ticket's way into its queue and out of it.

use crate::effect::{Answer, Effect, Refusal};
use crate::event::{Event, TicketEnd};
use crate::ids::{MatchId, QueueId, RequestId, TicketId};
use crate::input::NewTicket;
use crate::lobby::{Lobby, Timer};
use crate::party::Party;
use crate::pool::Waiting;
use crate::state::{Ticket, TicketPhase};
use crate::time::Time;

impl Lobby {
    pub(super) fn create_ticket(&mut self, request: RequestId, new: NewTicket) {
        let Some(queue) = self.state.queue_id(&new.queue) else {
            return self.refuse(request, Refusal::UnknownQueue { queue: new.queue });
        };
        match self.admit(queue, &new, 0) {
            Ok(None) => {}
            Ok(Some(before)) => return self.answer_ticket(request, before),
            Err(refusal) => return self.refuse(request, refusal),
        }
        let ticket = self.add_ticket(queue, new);
        self.enqueue(ticket, false);
        self.answer_ticket(request, ticket);
    }

    pub(super) fn join_open_game(&mut self, request: RequestId, game: TicketId, joiner: NewTicket) {
        let Some(open) = self.state.ticket(game) else { return self.refuse(request, Refusal::GameGone) };
        let (queue, host) = (open.queue, open.size());
        let own = open.party.iter().any(|host| joiner.party.iter().any(|member| member.player == host.player));
        let waits = open.open && open.phase == TicketPhase::Queued;
        // A repeated call is answered again, even if the game is full by now.
        match self.admit(queue, &joiner, if waits { host } else { 0 }) {
            _ if own => return self.refuse(request, Refusal::OwnGame),
            Ok(Some(before)) => return self.answer_ticket(request, before),
            _ if !waits => return self.refuse(request, Refusal::GameGone),
            Ok(None) => {}
            Err(refusal) => return self.refuse(request, refusal),
        }
        let ticket = self.add_ticket(queue, NewTicket { open: false, ..joiner });
        let slots = [game, ticket].map(|id| self.state.ticket_slots[&id]);
        self.withdraw(game);
        self.form(queue, &[(slots[0], 0), (slots[1], 1)].into_iter().collect());
        self.answer_ticket(request, ticket);
    }

    /// Whether a ticket may be made; the one there is already, if the call is a repetition.
    fn admit(&self, queue: QueueId, new: &NewTicket, beside: u16) -> Result<Option<TicketId>, Refusal> {
        let (first, rest) = new.party.split_first().ok_or(Refusal::BadParty)?;
        if let Some(ticket) = self.state.ticket_of(first.player)
            && let Some(before) = self.state.ticket(ticket)
            && before.key.is_some()
            && before.key == new.key
            && before.queue == queue
        {
            return Ok(Some(ticket));
        }
        let limits = &self.state.settings.limits;
        let retry_after = self.state.settings.timing.retry_after;
        if self.draining.is_some() {
            return Err(Refusal::Draining { retry_after });
        }
        let settings = &self.state.queue(queue).settings;
        let shape = settings.shape;
        let most = if beside > 0 { shape.max_players().saturating_sub(beside) } else { shape.max_party() };
        if new.party.len() > usize::from(most) {
            return Err(Refusal::PartyTooLarge { limit: most });
        }
        for (index, member) in rest.iter().enumerate() {
            if new.party[..=index].iter().any(|other| other.player == member.player) {
                return Err(Refusal::BadParty);
            }
        }
        for member in &new.party {
            if let Some(ticket) = self.state.ticket_of(member.player) {
                return Err(Refusal::AlreadyQueued { player: member.player, ticket });
            }
        }
        if new.open && !settings.open_games {
            return Err(Refusal::NoOpenGames);
        }
        let full = |what, limit| Err(Refusal::Full { what, limit, retry_after });
        if self.state.live_tickets() >= limits.tickets as usize {
            return full("tickets", limits.tickets);
        }
        if self.state.queue(queue).waiting_tickets >= limits.tickets_per_queue {
            return full("tickets in this queue", limits.tickets_per_queue);
        }
        if new.open && self.queues[usize::from(queue.0)].open.len() >= limits.open_games_per_queue as usize {
            return full("open games in this queue", limits.open_games_per_queue);
        }
        Ok(None)
    }

    fn add_ticket(&mut self, queue: QueueId, new: NewTicket) -> TicketId {
        let ticket = TicketId(self.state.ids.peek());
        let NewTicket { party, open, key, .. } = new;
        self.decide(Event::TicketCreated { ticket, at: self.now, queue, open, key, party });
        let due = self.now + self.state.settings.timing.lease;
        self.lease(ticket, due);
        self.leases.push_back((due, ticket));
        ticket
    }

    /// Into its queue: the list of open games, a free seat, or the pool.
    pub(super) fn enqueue(&mut self, id: TicketId, again: bool) {
        let Some(ticket) = self.state.ticket(id) else { return };
        if ticket.phase != TicketPhase::Queued {
            return;
        }
        let (queue, open, created) = (ticket.queue, ticket.open, ticket.created);
        let waiting = Waiting {
            slot: self.state.ticket_slots[&id],
            size: ticket.size(),
            rating: ticket.rating(),
            since: created,
            tie: tie(&ticket.party),
        };
        if again {
            let grace = self.now + self.state.settings.timing.lease_grace;
            if ticket.lease < grace {
                self.lease(id, grace);
            }
            self.at(grace, Timer::Lease(id));
        }
        if open {
            self.queue_live(queue).open.insert((created, id));
            self.open_games_changed(queue);
        } else if !self.join_running(queue, id) {
            let now = self.now;
            let node = self.queue_live(queue).pool.insert(now, waiting);
            self.state.tickets[waiting.slot as usize].node = node + 1;
        }
    }

    /// Out of its queue's pool or list.
    pub(super) fn withdraw(&mut self, id: TicketId) {
        let Some(ticket) = self.state.ticket_mut(id) else { return };
        let (queue, open, created) = (ticket.queue, ticket.open, ticket.created);
        let node = std::mem::take(&mut ticket.node);
        if node > 0 {
            self.queue_live(queue).pool.remove(node - 1);
        }
        if open && self.queue_live(queue).open.remove(&(created, id)) {
            self.open_games_changed(queue);
        }
    }

    fn open_games_changed(&mut self, queue: QueueId) {
        if !std::mem::replace(&mut self.queue_live(queue).open_told, true) {
            let queue = self.state.queue(queue).settings.name.clone();
            self.will(Effect::OpenGamesChanged { queue });
        }
    }

    pub(super) fn cancel(&mut self, ticket: &Ticket) -> Answer {
        let id = ticket.id;
        match ticket.phase {
            TicketPhase::Queued | TicketPhase::Formed(_) => {
                self.end_waiting(id, TicketEnd::Cancelled);
                match self.state.ticket(id).map(|ticket| ticket.phase) {
                    Some(TicketPhase::Ended { how: TicketEnd::Cancelled, .. }) => Answer::Cancelled,
                    _ => Answer::AlreadyEnded,
                }
            }
            TicketPhase::Placing(match_id) | TicketPhase::Assigned(match_id) | TicketPhase::Connected(match_id) => {
                Answer::AlreadyMatched { match_id }
            }
            TicketPhase::Ended { how: TicketEnd::Cancelled, .. } => Answer::Cancelled,
            TicketPhase::Ended { .. } => Answer::AlreadyEnded,
        }
    }

    /// Ends a ticket that waits. A match in the making that it was part of is taken apart; the others wait on.
    pub(super) fn end_waiting(&mut self, id: TicketId, how: TicketEnd) {
        let Some(ticket) = self.state.ticket(id) else { return };
        let mates = match ticket.phase {
            TicketPhase::Formed(game) => self.dissolve(game),
            TicketPhase::Queued => {
                self.withdraw(id);
                Default::default()
            }
            TicketPhase::Placing(_)
            | TicketPhase::Assigned(_)
            | TicketPhase::Connected(_)
            | TicketPhase::Ended { .. } => return,
        };
        if self.state.ticket(id).is_some_and(|ticket| ticket.phase == TicketPhase::Queued) {
            self.decide(Event::TicketEnded { ticket: id, at: self.now, how });
        }
        for mate in mates {
            self.enqueue(mate, false);
        }
    }

    /// Takes a match without a room apart; gives its tickets, which now wait, but in no pool yet.
    pub(super) fn dissolve(&mut self, id: MatchId) -> smallvec::SmallVec<[TicketId; 8]> {
        let Some(game) = self.state.match_(id) else { return Default::default() };
        let (tickets, queue, formed) = (game.tickets(), game.queue, game.formed);
        self.queue_live(queue).homeless.remove(&(formed, id));
        self.homeless_changed(queue, -1);
        self.decide(Event::MatchDissolved { match_id: id, at: self.now });
        tickets
    }

    pub(super) fn renew(&mut self, ticket: TicketId) {
        let due = self.now + self.state.settings.timing.lease;
        self.lease(ticket, due);
    }

    fn lease(&mut self, ticket: TicketId, due: Time) {
        if let Some(ticket) = self.state.ticket_mut(ticket) {
            ticket.lease = ticket.lease.max(due);
        }
    }

    /// No lease ends before this: after a restart or a stall everybody has the time to be heard.
    fn leases_last(&self) -> Time {
        self.woke + self.state.settings.timing.lease_grace
    }

    pub(super) fn expire_leases(&mut self) {
        let grace = self.leases_last();
        while let Some(&(at, ticket)) = self.leases.front()
            && at <= self.now
        {
            self.leases.pop_front();
            let lease = self.state.settings.timing.lease;
            match self.state.ticket(ticket) {
                Some(found) if found.is_over() => {}
                // It plays, or renewed: it is looked at again. So each living ticket stands in the line once.
                Some(found) if found.lease.max(grace) > self.now => {
                    let due = found.lease.max(grace);
                    self.leases.push_back((due, ticket));
                }
                Some(found) if !found.phase.waits() => {
                    let due = self.now + lease;
                    self.leases.push_back((due, ticket));
                }
                Some(_) => self.end_waiting(ticket, TicketEnd::Expired),
                None => {}
            }
        }
    }

    pub(super) fn check_lease(&mut self, id: TicketId) {
        if let Some(ticket) = self.state.ticket(id)
            && ticket.phase.waits()
            && ticket.lease.max(self.leases_last()) <= self.now
        {
            self.end_waiting(id, TicketEnd::Expired);
        }
    }

    pub(super) fn answer_ticket(&mut self, request: RequestId, ticket: TicketId) {
        match self.state.ticket(ticket) {
            Some(found) => {
                let view = self.ticket_view(found);
                self.answer(request, Answer::Ticket(view));
            }
            None => self.refuse(request, Refusal::UnknownTicket),
        }
    }
}

pub(super) fn tie(party: &Party) -> u64 {
    party.first().map_or(0, |member| member.player.0)
}
