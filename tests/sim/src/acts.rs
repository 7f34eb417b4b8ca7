//! What players do, and what they make of answers.

use std::time::Duration;

use lobby_core::{
    Answer, Call, IdempotencyKey, Input, Member, NewTicket, PlayerId, Rating, Refusal, RequestId, RoomId, TicketEvent,
    TicketId,
};
use room_core::ConnId;

use crate::player::{Asked, At, Player};
use crate::world::{Happening, World};

/// An answer that did not come within this was lost, and is asked for again.
const PATIENCE: Duration = Duration::from_secs(2);

impl Player {
    pub(crate) fn room_ended(&mut self, ended: RoomId) {
        if matches!(self.at, At::Room { room, .. } if room == ended) {
            self.at = At::Home;
        }
    }

    pub(crate) fn socket_closed(&mut self, at: RoomId, closed: ConnId) {
        if matches!(self.at, At::Room { room, conn, .. } if room == at && conn == closed) {
            self.at = At::Home;
        }
    }
}

impl World {
    /// A player does the next thing.
    pub(crate) fn act(&mut self, index: usize) {
        let after = self.dice.millis(100, 900);
        self.later(after, Happening::Acts(index));
        let (now, healed) = (self.now, self.healed);
        let player = &mut self.players[index];
        if player.away > now {
            return;
        }
        if player.asked.as_ref().is_some_and(|(_, _, since)| now.since(*since) < PATIENCE) {
            return;
        }
        player.asked = None;
        if !healed && self.dice.once_in(150) {
            // Gone without a word, for longer than a lease or not.
            player.away = now + self.dice.millis(1_000, 45_000);
            if let At::Room { room, conn, .. } = std::mem::replace(&mut player.at, At::Home)
                && let Some(process) = self.processes.get_mut(&room)
            {
                process.dropped(now, conn);
                self.room_says(room);
            }
            return;
        }
        match (player.at, player.ticket) {
            (At::Room { room, conn, match_id, enough }, _) => {
                let Some(process) = self.processes.get_mut(&room).filter(|process| process.hung <= now) else {
                    return self.watch(index);
                };
                if enough <= now {
                    player.at = At::Home;
                    player.seat = None;
                    if player.mate.is_some() && !healed {
                        // His mate may play on; he need not wait for that.
                        player.ticket = None;
                    }
                    process.left(now, conn);
                    self.room_says(room);
                } else if !healed && self.dice.once_in(25) {
                    player.at = At::Home;
                    process.dropped(now, conn);
                    self.room_says(room);
                    self.note(|| format!("player {index} drops out of {match_id}"));
                } else {
                    process.core.heard(room_core::Time(now.0), conn);
                    self.watch(index);
                }
            }
            (At::Home, Some(ticket)) => self.wait(index, ticket),
            (At::Home, None) => self.begin(index),
        }
    }

    /// He has a ticket and is not in a room.
    fn wait(&mut self, index: usize, ticket: TicketId) {
        let now = self.now;
        let player = &mut self.players[index];
        if let Some((match_id, room, epoch, seat)) = player.seat {
            let id = player.id;
            let enough = now + self.dice.millis(1_000, 9_000);
            let process = self.processes.get_mut(&room).filter(|process| process.hung <= now);
            if let Some(process) = process {
                let conn = process.admit(now, match_id, epoch, seat, id);
                if let Some(conn) = conn {
                    player.at = At::Room { room, conn, match_id, enough };
                    player.lost = 0;
                }
                self.room_says(room);
                if conn.is_some() {
                    return;
                }
            }
            self.players[index].lost += 1;
            return if self.players[index].lost.is_multiple_of(2) {
                self.ask(index, Asked::Seat(match_id), Call::GetSeat { match_id, by: id })
            } else {
                self.watch(index)
            };
        }
        let by = player.id;
        if self.dice.once_in(12) {
            // That he left may be lost with the room he told it: then his seat is his still.
            return self.ask(index, Asked::Me, Call::GetPlayer { player: by });
        }
        let give_up = if self.healed { self.is_open(ticket) } else { self.dice.once_in(40) };
        if give_up {
            return self.ask(index, Asked::Cancel(ticket), Call::CancelTicket { ticket, by });
        }
        self.watch(index);
    }

    fn is_open(&self, ticket: TicketId) -> bool {
        let state = self.lobby.as_ref().map(lobby_core::Lobby::state);
        state.and_then(|state| state.ticket(ticket)).is_some_and(|ticket| ticket.open)
    }

    fn watch(&mut self, index: usize) {
        let player = &self.players[index];
        if let Some(ticket) = player.ticket {
            let (by, after) = (player.id, player.last(ticket));
            self.ask(index, Asked::Watch(ticket), Call::WatchTicket { ticket, by, after });
        }
    }

    /// He has nothing and may want something.
    fn begin(&mut self, index: usize) {
        let player = &mut self.players[index];
        let id = player.id;
        if !player.wants {
            if self.healed || !self.dice.once_in(3) {
                // Perhaps he has something and does not know.
                return self.ask(index, Asked::Me, Call::GetPlayer { player: id });
            }
            player.wants = true;
            player.key += 1;
        }
        if self.dice.once_in(6) {
            return self.ask(index, Asked::Games, Call::ListOpenGames { queue: None, after: None, limit: 0 });
        }
        let open = self.players[index].queue == "duel" && self.players[index].key.is_multiple_of(3);
        let call = Call::CreateTicket(self.new_ticket(index, open));
        let key = self.players[index].key;
        self.ask(index, Asked::Create(key), call);
    }

    fn new_ticket(&self, index: usize, open: bool) -> NewTicket {
        let player = &self.players[index];
        let member = |player: &Player| {
            let tag = player.id.0 as u16;
            let name = format!("player {tag}");
            Member { player: player.id, name: name.into(), tag, rating: Rating::of(player.rating) }
        };
        let mate = player.mate.filter(|_| !open && player.key.is_multiple_of(2));
        let mate = mate.map(|mate| member(&self.players[Self::index_of(mate)]));
        let key = IdempotencyKey::of(&player.key.to_string());
        let party = std::iter::once(member(player)).chain(mate).collect();
        NewTicket { queue: player.queue.into(), party, open, key }
    }

    /// A call goes on its way; now and then twice.
    fn ask(&mut self, index: usize, asked: Asked, call: Call) {
        let copies = if !self.healed && self.dice.once_in(15) { 2 } else { 1 };
        for _ in 0..copies {
            self.requests += 1;
            let request = RequestId(self.requests);
            let player = &mut self.players[index];
            player.asked = Some((request, asked.clone(), self.now));
            self.askers.insert(request, player.id);
            let after = self.delay();
            let input = Input::Request { request, call: call.clone() };
            if self.healed || !self.dice.once_in(20) {
                self.later(after, Happening::Call(Box::new(input)));
            }
        }
    }

    fn index_of(id: PlayerId) -> usize {
        id.0 as usize - 1
    }

    /// A player hears an answer.
    pub(crate) fn answered(
        &mut self,
        id: PlayerId,
        request: RequestId,
        answer: Result<Box<Answer>, Refusal>,
    ) -> Result<(), String> {
        let index = Self::index_of(id);
        let player = &mut self.players[index];
        let Some((_, asked, _)) = player.asked.clone().filter(|(of, ..)| *of == request) else { return Ok(()) };
        player.asked = None;
        let answer = match answer {
            Ok(answer) => *answer,
            Err(refusal) => {
                self.refused(index, &asked, &refusal);
                return Ok(());
            }
        };
        if let (Asked::Create(_) | Asked::Join(_), Answer::Ticket(view)) = (&asked, &answer) {
            player.wants = false;
            player.ticket = Some(view.ticket);
            player.seat = None;
            player.created.entry(view.ticket).or_insert(view.created);
            player.sees(view.ticket, &view.players);
            self.promises.promised(view.ticket);
        } else if let (Asked::Watch(ticket), Answer::Watching { events, ticket: view, .. }) = (&asked, &answer) {
            let known = player.created.entry(*ticket).or_insert(view.created);
            if *known != view.created {
                return Err(format!("{ticket} lost its seniority: {known}, now {}", view.created));
            }
            player.sees(*ticket, &view.players);
            for (number, event) in events {
                self.tell(index, *ticket, *number, event)?;
            }
        } else if let Asked::Cancel(ticket) = &asked {
            if answer == Answer::Cancelled {
                player.cancelled.push(*ticket);
            }
            self.watch(index); // to be told the rest
        } else if let (Asked::Me, Answer::Player(view)) = (&asked, &answer) {
            if let Some(ticket) = view.ticket {
                player.ticket = Some(ticket);
                player.seat = None;
                self.promises.promised(ticket);
                self.relearn(index, ticket);
            }
        } else if let (Asked::Seat(_), Answer::Seat(view)) = (&asked, &answer) {
            player.seat = Some((view.match_id, view.room, view.epoch, view.seat));
        } else if let (Asked::Games, Answer::OpenGames(page)) = (&asked, &answer) {
            let games = page.items.len() as u64;
            let game = page.items.get(self.dice.below(games) as usize).map(|game| game.ticket);
            if let Some(game) = game {
                let joiner = self.new_ticket(index, false);
                let key = self.players[index].key;
                self.ask(index, Asked::Join(key), Call::JoinOpenGame { game, joiner });
            }
        }
        Ok(())
    }

    fn refused(&mut self, index: usize, asked: &Asked, refusal: &Refusal) {
        let player = &mut self.players[index];
        if let Refusal::AlreadyQueued { player: other, .. } = refusal
            && *other != player.id
        {
            player.key += 1; // without his mate, then
        } else if let Refusal::AlreadyQueued { ticket, .. } = refusal {
            // From an earlier try: that is his ticket, then.
            (player.ticket, player.wants, player.seat) = (Some(*ticket), false, None);
            let ticket = *ticket;
            self.promises.promised(ticket);
            self.relearn(index, ticket);
        } else if let (Asked::Seat(_), Refusal::SeatGone | Refusal::UnknownMatch | Refusal::NotYourMatch) =
            (asked, refusal)
        {
            player.seat = None;
            self.watch(index);
        } else if let (Asked::Watch(_) | Asked::Cancel(_), Refusal::UnknownTicket) = (asked, refusal) {
            (player.ticket, player.seat) = (None, None);
        }
    }

    /// What he was told of this ticket before counts again: the last seat, most of all.
    fn relearn(&mut self, index: usize, ticket: TicketId) {
        let player = &mut self.players[index];
        let (told, place) = (player.told.get(&ticket), player.place(ticket));
        let last = told.into_iter().flat_map(|told| told.values().rev()).find_map(|event| match event {
            TicketEvent::Assigned { match_id, room, epoch, seats } => {
                Some(seats.get(place).map(|&seat| (*match_id, *room, *epoch, seat)))
            }
            TicketEvent::Requeued { .. } => Some(None),
            TicketEvent::Queued
            | TicketEvent::Matched { .. }
            | TicketEvent::Connected { .. }
            | TicketEvent::Ended { .. } => None,
        });
        player.seat = last.flatten();
    }

    /// A player hears an event over his stream.
    pub(crate) fn noticed(
        &mut self,
        id: PlayerId,
        ticket: TicketId,
        number: u64,
        event: &TicketEvent,
    ) -> Result<(), String> {
        let index = Self::index_of(id);
        // One that came too early waits for those before it: he asks for them.
        if number > self.players[index].last(ticket) + 1 {
            return Ok(());
        }
        self.tell(index, ticket, number, event)
    }

    fn tell(&mut self, index: usize, ticket: TicketId, number: u64, event: &TicketEvent) -> Result<(), String> {
        let before = self.players[index].at;
        self.players[index].hear(ticket, number, event)?;
        // Sent home: he closes his socket.
        if let (At::Room { room, conn, .. }, At::Home) = (before, self.players[index].at)
            && let Some(process) = self.processes.get_mut(&room)
        {
            process.dropped(self.now, conn);
            self.room_says(room);
        }
        Ok(())
    }
}
