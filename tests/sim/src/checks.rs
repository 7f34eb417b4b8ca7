//! What must always hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lobby_core::{
    Event, Lobby, LostReason, MatchId, MatchPhase, PlayerId, RECOVER_WITHIN, RoomId, SeatState, Seq, Shape, State,
    TicketEnd, TicketEvent, TicketId, TicketPhase, Time,
};

use crate::player::Player;

/// A timer is looked at when it is due; a moment more is allowed.
const PLACED_LATE: Duration = Duration::from_millis(500);
/// What a ticket lives without a word of its player, and a room.
const LEASE: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(4);

/// What was promised to somebody outside the lobby, and so must survive everything.
#[derive(Default)]
pub(crate) struct Promises {
    tickets: BTreeSet<TicketId>,
    /// What left the lobby about a ticket, by number.
    told: BTreeMap<TicketId, BTreeMap<u64, TicketEvent>>,
    created: BTreeMap<TicketId, Time>,
    /// Matches whose result is written.
    pub(crate) results: Vec<MatchId>,
    /// Results that came from a placement that was not in force.
    pub(crate) wrong_results: Vec<MatchId>,
    /// When the lobby went on after it had stood still, and who was blamed for that.
    pub(crate) woke: Time,
    blamed: Vec<String>,
    /// Matches whose room was found silent before, and which are lost for that when no other takes them up.
    silent: BTreeSet<MatchId>,
    counted: usize,
    seen: BTreeSet<MatchId>,
    /// The seats that a ticket was first told of in a match.
    seats: BTreeMap<(TicketId, MatchId), Vec<u16>>,
    moved_seats: Vec<String>,
    /// The state as it was checked last.
    checked: Option<Seq>,
    fresh: bool,
}

impl Promises {
    /// A player knows of this ticket.
    pub(crate) fn promised(&mut self, ticket: TicketId) {
        self.fresh |= self.tickets.insert(ticket);
    }

    /// Something is written. That a lobby stood still is held against nobody.
    pub(crate) fn decided(&mut self, event: &Event) {
        let blame = if let Event::TicketEnded { ticket, at, how: TicketEnd::Expired } = event {
            Some((*at, LEASE, format!("{ticket} ran out")))
        } else if let Event::MatchOrphaned { match_id, at, reason: LostReason::RoomSilent, .. } = event {
            self.silent.insert(*match_id);
            Some((*at, SILENCE, format!("the room of {match_id} was silent")))
        } else if let Event::MatchLost { match_id, at, reason: LostReason::RoomSilent, .. } = event
            && !self.silent.contains(match_id)
        {
            Some((*at, SILENCE, format!("the room of {match_id} was silent")))
        } else {
            None
        };
        if let Some((at, time, what)) = blame
            && (self.woke..self.woke + time).contains(&at)
        {
            self.blamed.push(format!("{what} at {at}, though the lobby stood still until {}", self.woke));
        }
    }

    /// An event of a ticket left the lobby. Wherever a match goes on, everybody has the seat that he was given in it.
    pub(crate) fn told(&mut self, ticket: TicketId, number: u64, event: &TicketEvent) {
        if let TicketEvent::Assigned { match_id, seats, .. } = event {
            let first = self.seats.entry((ticket, *match_id)).or_insert_with(|| seats.to_vec());
            if first.as_slice() != seats.as_slice() {
                self.moved_seats.push(format!("{ticket} had the seats {first:?} in {match_id}, and has {seats:?}"));
            }
        }
        self.tickets.insert(ticket);
        self.told.entry(ticket).or_default().insert(number, event.clone());
    }

    /// Another lobby: everything is to be looked at again, and everything said is still so.
    pub(crate) fn restarted(&mut self, state: &State) -> Result<(), String> {
        self.checked = None;
        for (ticket, told) in &self.told {
            let kept = state.ticket(*ticket).ok_or_else(|| format!("{ticket} was told of and is lost"))?;
            for (number, event) in told {
                // Of a long life only the newest events are kept.
                let now = kept.event(*number);
                if now.as_ref() != Some(event) && *number >= kept.oldest_event() {
                    return Err(format!("{ticket} was told {number} {event:?}, and after a restart that is {now:?}"));
                }
            }
        }
        Ok(())
    }

    /// Everything that must hold at every step.
    pub(crate) fn check(&mut self, state: &State, players: &[Player]) -> Result<(), String> {
        if self.checked == Some(state.applied()) && !std::mem::take(&mut self.fresh) {
            return Ok(()); // nothing was decided since
        }
        self.checked = Some(state.applied());
        self.tickets_are_kept(state)?;
        Self::one_ticket_per_player(state)?;
        Self::one_match_per_ticket(state)?;
        Self::seats_are_given_once(state)?;
        Self::rooms_host_one_match(state)?;
        self.results_count_once()?;
        Self::cancelled_is_cancelled(state, players)?;
        Self::players_are_in_one_room(state, players)
    }

    /// No match waits for a room's answer longer than it may.
    pub(crate) fn placements_end(lobby: &Lobby, now: Time) -> Result<(), String> {
        let reattach = lobby.state().settings().timing.reattach;
        for game in lobby.state().matches() {
            if let MatchPhase::Placing(placement) = game.phase
                && placement.deadline.max(lobby.reattach_until()) + PLACED_LATE < now
            {
                return Err(format!("{} waits for {} since long past {}", game.id, placement.room, placement.deadline));
            }
            if let MatchPhase::Orphaned { at, .. } = game.phase
                && (at + reattach).max(lobby.reattach_until()) + RECOVER_WITHIN + PLACED_LATE < now + reattach
            {
                return Err(format!("{} waits since {at} for a room that goes on with it", game.id));
            }
        }
        Ok(())
    }

    fn tickets_are_kept(&mut self, state: &State) -> Result<(), String> {
        for ticket in &self.tickets {
            let Some(kept) = state.ticket(*ticket) else { return Err(format!("{ticket} was promised and is lost")) };
            let created = self.created.entry(*ticket).or_insert(kept.created);
            if *created != kept.created {
                return Err(format!("{ticket} lost its seniority: {created}, now {}", kept.created));
            }
        }
        Ok(())
    }

    fn one_ticket_per_player(state: &State) -> Result<(), String> {
        let mut bound: BTreeMap<PlayerId, TicketId> = BTreeMap::new();
        for ticket in state.tickets().filter(|ticket| !ticket.is_over()) {
            for member in &ticket.party {
                let game = ticket.phase.match_id().and_then(|id| state.match_(id));
                let left = game.is_some_and(|game| {
                    let mut own =
                        game.seats.iter().filter(|seat| seat.player == member.player && seat.ticket == ticket.id);
                    own.clone().next().is_some() && own.all(|seat| seat.state == SeatState::Left)
                });
                if left {
                    if state.ticket_of(member.player) == Some(ticket.id) {
                        return Err(format!("{} left by {} and is still bound to it", member.player, ticket.id));
                    }
                    continue;
                }
                if let Some(other) = bound.insert(member.player, ticket.id) {
                    return Err(format!("{} has two live tickets: {other} and {}", member.player, ticket.id));
                }
                if state.ticket_of(member.player) != Some(ticket.id) {
                    return Err(format!("{} is not bound to his ticket {}", member.player, ticket.id));
                }
            }
        }
        Ok(())
    }

    fn one_match_per_ticket(state: &State) -> Result<(), String> {
        let mut matched: BTreeMap<TicketId, MatchId> = BTreeMap::new();
        for game in state.matches().filter(|game| !game.is_over()) {
            for seat in game.seats.iter().filter(|seat| seat.state != SeatState::Left) {
                if let Some(other) = matched.insert(seat.ticket, game.id)
                    && other != game.id
                {
                    return Err(format!("{} is in two matches: {other} and {}", seat.ticket, game.id));
                }
            }
        }
        for ticket in state.tickets() {
            let should = match ticket.phase {
                TicketPhase::Queued | TicketPhase::Ended { .. } => None,
                TicketPhase::Formed(id)
                | TicketPhase::Placing(id)
                | TicketPhase::Assigned(id)
                | TicketPhase::Connected(id) => Some(id),
            };
            let is = matched.get(&ticket.id).copied();
            if should != is {
                return Err(format!("{} is {:?}, but its seats are in {is:?}", ticket.id, ticket.phase));
            }
        }
        Ok(())
    }

    fn seats_are_given_once(state: &State) -> Result<(), String> {
        for game in state.matches().filter(|game| !game.is_over()) {
            let queue = &state.settings().queues[usize::from(game.queue.0)];
            let most = match queue.shape {
                Shape::Free { max, .. } => max,
                Shape::Teams { teams, size } => u16::from(teams) * u16::from(size),
            };
            let held: Vec<_> = game.seats.iter().filter(|seat| seat.state != SeatState::Left).collect();
            if held.len() > usize::from(most) {
                return Err(format!("{} has {} players, its limit is {most}", game.id, held.len()));
            }
            let mut numbers = BTreeSet::new();
            let mut players = BTreeSet::new();
            for seat in held {
                if seat.seat >= most {
                    return Err(format!("{} has a seat {}, its limit is {most}", game.id, seat.seat));
                }
                if !numbers.insert(seat.seat) {
                    return Err(format!("seat {} of {} was given twice", seat.seat, game.id));
                }
                if !players.insert(seat.player) {
                    return Err(format!("{} has two seats in {}", seat.player, game.id));
                }
            }
        }
        Ok(())
    }

    fn rooms_host_one_match(state: &State) -> Result<(), String> {
        let mut placed: BTreeMap<RoomId, MatchId> = BTreeMap::new();
        for game in state.matches() {
            if let Some((room, _)) = game.place()
                && let Some(other) = placed.insert(room, game.id)
            {
                return Err(format!("{room} hosts {other} and {}", game.id));
            }
        }
        for room in state.rooms() {
            if room.hosts != placed.remove(&room.id) {
                return Err(format!("{} and its match do not know of each other", room.id));
            }
        }
        match placed.first_key_value() {
            Some((room, game)) => Err(format!("{game} is in {room}, which is no more")),
            None => Ok(()),
        }
    }

    fn results_count_once(&mut self) -> Result<(), String> {
        if let Some(moved) = self.moved_seats.first() {
            return Err(moved.clone());
        }
        if let Some(blamed) = self.blamed.first() {
            return Err(blamed.clone());
        }
        if let Some(game) = self.wrong_results.first() {
            return Err(format!("{game} has a result of a placement that was not in force"));
        }
        for game in &self.results[self.counted..] {
            if !self.seen.insert(*game) {
                return Err(format!("{game} has two results"));
            }
        }
        self.counted = self.results.len();
        Ok(())
    }

    /// Who was told that his ticket is cancelled will never be in a match by it.
    fn cancelled_is_cancelled(state: &State, players: &[Player]) -> Result<(), String> {
        for ticket in players.iter().flat_map(|player| &player.cancelled) {
            let phase = state.ticket(*ticket).map(|ticket| ticket.phase);
            if !matches!(phase, Some(TicketPhase::Ended { how: TicketEnd::Cancelled, .. })) {
                return Err(format!("{ticket} was cancelled, and is {phase:?}"));
            }
        }
        Ok(())
    }

    /// A player whose seat is his by the ledger holds one seat in all, wherever he was assigned to.
    fn players_are_in_one_room(state: &State, players: &[Player]) -> Result<(), String> {
        for player in players {
            let held = state.matches().filter(|game| {
                !game.is_over()
                    && game.phase != MatchPhase::Formed
                    && game.seats.iter().any(|seat| seat.player == player.id && seat.state != SeatState::Left)
            });
            let held: Vec<MatchId> = held.map(|game| game.id).collect();
            if held.len() > 1 {
                return Err(format!("{} has seats in {held:?}", player.id));
            }
        }
        Ok(())
    }

    /// At the end, when nothing went wrong for a while.
    pub(crate) fn all_told(&self, state: &State, players: &[Player]) -> Result<(), String> {
        for player in players {
            for (ticket, told) in &player.told {
                let ended = told.values().any(|event| matches!(event, TicketEvent::Ended { .. }));
                let lives = state.ticket(*ticket).is_some_and(|ticket| !ticket.is_over());
                if !ended && !lives && player.ticket == Some(*ticket) {
                    return Err(format!("{} was not told how {ticket} ended", player.id));
                }
            }
        }
        let mut waiting: BTreeMap<u16, Vec<TicketId>> = BTreeMap::new();
        for ticket in state.tickets().filter(|ticket| !ticket.is_over()) {
            if !matches!(ticket.phase, TicketPhase::Queued) {
                return Err(format!("{} is still {:?}", ticket.id, ticket.phase));
            }
            waiting.entry(ticket.queue.0).or_default().push(ticket.id);
        }
        for (queue, tickets) in waiting {
            let min = state.settings().queues[usize::from(queue)].shape.min_players();
            if tickets.len() >= usize::from(min) {
                return Err(format!("{tickets:?} wait in queue {queue}, and could play together"));
            }
        }
        Ok(())
    }
}
