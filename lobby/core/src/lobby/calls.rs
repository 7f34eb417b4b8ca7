//! Calls at the doors, each answered once.

use crate::effect::{Answer, Effect, Refusal};
use crate::event::LostReason;
use crate::ids::{PlayerId, RequestId, TicketId};
use crate::input::Call;
use crate::lobby::Lobby;
use crate::settings::Settings;
use crate::state::Ticket;

impl Lobby {
    pub(super) fn call(&mut self, request: RequestId, call: Call) {
        match call {
            Call::CreateTicket(new) => self.create_ticket(request, new),
            Call::JoinOpenGame { game, joiner } => self.join_open_game(request, game, joiner),
            Call::CancelTicket { ticket, by } => {
                let answer = self.own_ticket(ticket, Some(by)).cloned().map(|ticket| self.cancel(&ticket));
                self.reply(request, answer);
            }
            Call::WatchTicket { ticket, by, after } => {
                let answer = self.watch_ticket(ticket, by, after);
                if answer.is_ok() {
                    self.renew(ticket);
                }
                self.reply(request, answer);
            }
            Call::GetTicket { ticket, by } => {
                let answer = self.own_ticket(ticket, by).map(|ticket| Answer::Ticket(self.ticket_view(ticket)));
                self.reply(request, answer);
            }
            Call::WhyWaiting { ticket } => {
                let answer = self.own_ticket(ticket, None).map(|ticket| Answer::Why(self.why(ticket)));
                self.reply(request, answer);
            }
            Call::GetPlayer { player } => self.answer(request, Answer::Player(self.player_view(player))),
            Call::GetSeat { match_id, by } => {
                let answer = self.seat_view(match_id, by).map(Answer::Seat);
                self.reply(request, answer);
            }
            Call::WatchMatch { match_id } => {
                let answer = self.watch_view(match_id).map(Answer::Watch);
                self.reply(request, answer);
            }
            Call::KickPlayer { match_id, player, reason } => {
                let answer = self.kick(match_id, player, reason).map(|()| Answer::Done);
                self.reply(request, answer);
            }
            Call::GetMatch { match_id } => {
                let answer = self.state.match_(match_id).map(|game| Answer::Match(self.match_view(game)));
                self.reply(request, answer.ok_or(Refusal::UnknownMatch));
            }
            Call::ListQueues => self.answer(request, Answer::Queues(self.queue_views())),
            Call::ListOpenGames { queue, after, limit } => {
                let answer = self.open_games(queue, after, limit).map(Answer::OpenGames);
                self.reply(request, answer);
            }
            Call::ListWatchable { queue, after, limit } => {
                let answer = self.watchable(queue, after, limit).map(Answer::Watchable);
                self.reply(request, answer);
            }
            Call::ListFleets => self.answer(request, Answer::Fleets(self.fleet_views())),
            Call::ListRooms { fleet, after, limit } => {
                self.answer(request, Answer::Rooms(self.room_views(fleet, after, limit)));
            }
            Call::ListMatches { after, limit } => {
                let answer = self.match_views(after, limit).map(Answer::Matches);
                self.reply(request, answer);
            }
            Call::ListTickets { queue, after, limit } => {
                let answer = self.ticket_views(queue, after, limit).map(Answer::Tickets);
                self.reply(request, answer);
            }
            Call::GetSettings => self.answer(request, Answer::Settings(self.state.settings.clone())),
            Call::SetSettings(settings) => self.set(request, *settings),
            Call::SetQueue(queue) => {
                let mut settings = self.state.settings.clone();
                match settings.queues.iter_mut().find(|other| other.name == queue.name) {
                    Some(other) => *other = *queue,
                    None => settings.queues.push(*queue),
                }
                self.set(request, settings);
            }
            Call::SetFleet(fleet) => {
                let mut settings = self.state.settings.clone();
                match settings.fleets.iter_mut().find(|other| other.name == fleet.name) {
                    Some(other) => *other = *fleet,
                    None => settings.fleets.push(*fleet),
                }
                self.set(request, settings);
            }
            Call::DrainRoom { room, within } => {
                let known = self.state.room(room).is_some();
                if known {
                    self.drain_room(room, within, true);
                }
                self.reply(request, if known { Ok(Answer::Done) } else { Err(Refusal::UnknownRoom) });
            }
            Call::StopRoom { room } => {
                let known = self.state.room(room).is_some();
                if known {
                    self.stop_room(room, "an operator stopped it", LostReason::Stopped);
                }
                self.reply(request, if known { Ok(Answer::Done) } else { Err(Refusal::UnknownRoom) });
            }
        }
    }

    fn set(&mut self, request: RequestId, settings: Settings) {
        let limits = &settings.limits;
        let retired = self.state.queues.len() as u16;
        let new = settings
            .queues
            .iter()
            .filter(|queue| self.state.queues.iter().all(|known| known.settings.name != queue.name));
        let all = retired.saturating_add(new.count() as u16);
        let checked = settings.check().and_then(|()| {
            let limit = limits.queues;
            let kind = "queues, those counted that were removed";
            if all > limit { Err(crate::settings::SettingsError::TooMany { kind, limit }) } else { Ok(()) }
        });
        match checked {
            Ok(()) => {
                self.configure(settings);
                self.answer(request, Answer::Done);
            }
            Err(error) => self.refuse(request, Refusal::Settings(error)),
        }
    }

    /// A ticket, for a member of its party or an operator. To others it is not there.
    fn own_ticket(&self, ticket: TicketId, by: Option<PlayerId>) -> Result<&Ticket, Refusal> {
        let found = self.state.ticket(ticket).ok_or(Refusal::UnknownTicket)?;
        let own = by.is_none_or(|by| found.party.iter().any(|member| member.player == by));
        if own { Ok(found) } else { Err(Refusal::UnknownTicket) }
    }

    fn watch_ticket(&self, ticket: TicketId, by: PlayerId, after: u64) -> Result<Answer, Refusal> {
        let found = self.own_ticket(ticket, Some(by))?;
        let newest = found.last_event();
        if after > newest {
            return Err(Refusal::FutureEvent { newest });
        }
        // Who has seen some needs all that came since; who asks for all gets what is kept.
        let oldest = found.oldest_event();
        if after > 0 && after + 1 < oldest {
            return Err(Refusal::EventsForgotten { oldest });
        }
        let numbers = (after + 1).max(oldest)..=newest;
        let events = numbers.filter_map(|number| Some((number, found.event(number)?))).collect();
        Ok(Answer::Watching { events, ticket: self.ticket_view(found), why: self.why(found) })
    }

    pub(super) fn answer(&mut self, request: RequestId, answer: Answer) {
        self.will(Effect::Answer { request, answer: Ok(Box::new(answer)) });
    }

    pub(super) fn refuse(&mut self, request: RequestId, refusal: Refusal) {
        self.will(Effect::Answer { request, answer: Err(refusal) });
    }

    fn reply(&mut self, request: RequestId, answer: Result<Answer, Refusal>) {
        match answer {
            Ok(answer) => self.answer(request, answer),
            Err(refusal) => self.refuse(request, refusal),
        }
    }
}
