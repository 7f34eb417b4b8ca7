//! What the core shows of itself.

use std::ops::Bound;

use crate::effect::{
    EtaView, FleetView, MatchSeatView, MatchState, MatchView, OpenGameView, Page, PlayerView, QueueView, Refusal,
    RoomState, RoomView, SeatView, TicketState, TicketView, WatchView, Why,
};
use crate::ids::{MatchId, PlayerId, QueueId, RoomId, TicketId};
use crate::input::Presence;
use crate::lobby::Lobby;
use crate::lobby::rooms::Live;
use crate::name::Name;
use crate::state::{Match, MatchPhase, Room, SeatState, Ticket, TicketPhase};
use crate::time::Time;

/// Items on a page whose size nobody said.
const PAGE: u16 = 20;

impl Lobby {
    pub(super) fn page_size(&self, limit: u16) -> usize {
        let asked = if limit == 0 { PAGE } else { limit };
        usize::from(asked.min(self.state.settings.limits.page))
    }

    pub(super) fn eta(&self, queue: QueueId) -> EtaView {
        self.queues[usize::from(queue.0)].eta.view()
    }

    /// A ticket as shown.
    pub fn ticket_view(&self, ticket: &Ticket) -> TicketView {
        let state = match ticket.phase {
            TicketPhase::Queued | TicketPhase::Formed(_) => TicketState::Queued,
            TicketPhase::Placing(_) => TicketState::Placing,
            TicketPhase::Assigned(_) => TicketState::Assigned,
            TicketPhase::Connected(_) => TicketState::Connected,
            TicketPhase::Ended { how, .. } => TicketState::Ended(how),
        };
        let shown = !matches!(ticket.phase, TicketPhase::Formed(_));
        TicketView {
            ticket: ticket.id,
            queue: self.state.queue(ticket.queue).settings.name.clone(),
            players: ticket.party.iter().map(|member| member.player).collect(),
            rating: ticket.rating(),
            state,
            match_id: ticket.phase.match_id().filter(|_| shown),
            last_event: ticket.last_event(),
            created: ticket.created,
            age: self.now.since(ticket.created),
            open: ticket.open,
            eta: self.eta(ticket.queue),
        }
    }

    /// Why a ticket still waits; `None`: it does not.
    pub fn why(&self, ticket: &Ticket) -> Option<Why> {
        let queue = self.state.queue(ticket.queue);
        let mut why = Why {
            word: "soon",
            waited: self.now.since(ticket.created),
            waiting: queue.waiting,
            candidates: 0,
            beyond_own_window: 0,
            beyond_their_window: 0,
            party_misfits: 0,
            window: None,
            missing: 0,
            eta: self.eta(ticket.queue),
        };
        match ticket.phase {
            TicketPhase::Queued if ticket.open => why.word = "open",
            TicketPhase::Queued => {
                let node = ticket.node.checked_sub(1)?;
                let (seen, window) = self.queues[usize::from(ticket.queue.0)].pool.explain(self.now, node);
                why.candidates = seen.candidates;
                why.beyond_own_window = seen.beyond_own;
                why.beyond_their_window = seen.beyond_theirs;
                why.party_misfits = seen.misfits;
                why.window = window.is_finite().then_some(window);
                why.missing = u32::from(queue.settings.shape.min_players()).saturating_sub(seen.suitable);
                why.word = match () {
                    () if seen.candidates == 0 => "alone",
                    () if why.missing == 0 => "soon",
                    () if seen.beyond_own + seen.beyond_theirs > 0 => "rating",
                    () if seen.misfits > 0 => "party",
                    () => "more-players",
                };
            }
            TicketPhase::Formed(_) => why.word = self.why_no_room(ticket.queue),
            TicketPhase::Placing(_) => {}
            TicketPhase::Assigned(_) | TicketPhase::Connected(_) | TicketPhase::Ended { .. } => return None,
        }
        Some(why)
    }

    /// Why a match that was formed there has no room yet. Its demand counts for the first fleet that hosts it.
    fn why_no_room(&self, queue: QueueId) -> &'static str {
        let fleet = self.queues[usize::from(queue.0)].fleets.first().map(|&place| &self.fleets[usize::from(place)]);
        let Some(fleet) = fleet else { return "rooms-fail" };
        match self.state.fleet(&fleet.name) {
            Some(target) if fleet.seen.stopped_until(target, self.now).is_some() => "rooms-fail",
            Some(target) if fleet.seen.rooms + fleet.seen.leaving >= target.max_rooms => {
                if fleet.seen.starting.is_empty() { "rooms-full" } else { "room" }
            }
            Some(_) => "room",
            None => "rooms-fail",
        }
    }

    /// What a player has.
    pub fn player_view(&self, player: PlayerId) -> PlayerView {
        let ticket = self.state.ticket_of(player);
        let seat = ticket
            .and_then(|ticket| self.state.ticket(ticket))
            .and_then(|ticket| Self::plays(ticket.phase))
            .and_then(|id| self.state.match_(id))
            .map(|game| {
                let queue = &self.state.queue(game.queue).settings;
                (game.id, queue.name.clone(), queue.game.clone())
            });
        PlayerView { ticket, seat }
    }

    pub(super) fn seat_view(&self, id: MatchId, player: PlayerId) -> Result<SeatView, Refusal> {
        let game = self.state.match_(id).ok_or(Refusal::UnknownMatch)?;
        let mut seats = game.seats.iter().filter(|seat| seat.player == player).peekable();
        if seats.peek().is_none() {
            return Err(Refusal::NotYourMatch);
        }
        let held = seats.find(|seat| seat.state != SeatState::Left);
        let away = Refusal::RoomAway { retry_after: self.state.settings.timing.retry_after };
        match (game.phase, held) {
            (MatchPhase::Ended { .. } | MatchPhase::Lost { .. }, _) | (_, None) => Err(Refusal::SeatGone),
            (
                MatchPhase::Formed | MatchPhase::Placing(_) | MatchPhase::Orphaned { .. } | MatchPhase::Moving { .. },
                _,
            ) => Err(away),
            (MatchPhase::Playing { .. }, Some(seat)) if seat.state == SeatState::Asked => Err(away),
            (MatchPhase::Playing { room, epoch, .. }, Some(seat)) => {
                if self.lives.get(&room).is_none_or(|live| live.stream.is_none()) {
                    return Err(away);
                }
                let game = self.state.queue(game.queue).settings.game.clone();
                Ok(SeatView { match_id: id, room, epoch, seat: seat.seat, game })
            }
        }
    }

    pub(super) fn watch_view(&self, id: MatchId) -> Result<WatchView, Refusal> {
        let game = self.state.match_(id).ok_or(Refusal::UnknownMatch)?;
        let queue = &self.state.queue(game.queue).settings;
        let limit = queue.audience();
        if limit == 0 {
            return Err(Refusal::NotWatched);
        }
        let retry_after = self.state.settings.timing.retry_after;
        let away = Refusal::RoomAway { retry_after };
        match game.phase {
            MatchPhase::Ended { .. } | MatchPhase::Lost { .. } => Err(Refusal::MatchOver),
            MatchPhase::Formed | MatchPhase::Placing(_) | MatchPhase::Orphaned { .. } | MatchPhase::Moving { .. } => {
                Err(away)
            }
            MatchPhase::Playing { room, epoch, .. } => {
                let live = self.lives.get(&room).filter(|live| live.stream.is_some()).ok_or(away)?;
                let spectators = live.health.spectators;
                if spectators >= u32::from(limit) {
                    return Err(Refusal::AudienceFull { limit, retry_after });
                }
                let (game, delay) = (queue.game.clone(), queue.watch_delay);
                Ok(WatchView { match_id: id, room, epoch, game, delay, spectators, most: limit })
            }
        }
    }

    /// A match as shown.
    pub fn match_view(&self, game: &Match) -> MatchView {
        let queue = &self.state.queue(game.queue).settings;
        let (state, room, duration) = match game.phase {
            MatchPhase::Formed => (MatchState::Formed, None, None),
            MatchPhase::Placing(placement) => (MatchState::Placing, Some(placement.room), None),
            MatchPhase::Orphaned { since, .. } => (MatchState::Placing, None, Some(self.now.since(since))),
            MatchPhase::Moving { placement, since, .. } => {
                (MatchState::Placing, Some(placement.room), Some(self.now.since(since)))
            }
            MatchPhase::Playing { room, since, .. } => (MatchState::Playing, Some(room), Some(self.now.since(since))),
            MatchPhase::Ended { room, since, at, .. } => (MatchState::Ended, Some(room), Some(at.since(since))),
            MatchPhase::Lost { room, reason, .. } => (MatchState::Lost(reason), Some(room), None),
        };
        let live = room.filter(|_| !game.is_over()).and_then(|room| self.lives.get(&room));
        let presence = |number: u16, player, state| {
            let same = |report: &&crate::input::SeatReport| report.seat == number && report.player == player;
            match state {
                SeatState::Left => Presence::Left,
                SeatState::Asked | SeatState::Held => Presence::Reserved,
                SeatState::Taken => {
                    let reported = live.and_then(|live| live.seats.iter().find(same));
                    reported.map_or(Presence::Dropped, |report| report.presence)
                }
            }
        };
        let seats = game.seats.iter().map(|seat| MatchSeatView {
            seat: seat.seat,
            player: seat.player,
            team: seat.team,
            presence: presence(seat.seat, seat.player, seat.state),
            rank: seat.result.map(|(rank, _)| rank),
            score: seat.result.map(|(_, score)| score),
            change: seat.change,
        });
        MatchView {
            match_id: game.id,
            queue: queue.name.clone(),
            game: queue.game.clone(),
            state,
            room,
            epoch: game.place().map(|(_, epoch)| epoch),
            seats: seats.collect(),
            formed: game.formed,
            duration: duration.unwrap_or_default(),
            events: game.place().zip(live).map_or_else(Vec::new, |((_, epoch), live)| live.history.of(epoch)),
            watch: queue.audience() > 0,
            spectators: live.map_or(0, |live| live.health.spectators),
        }
    }

    /// All queues that may be waited in.
    pub fn queue_views(&self) -> Vec<QueueView> {
        let queues = self.state.queues.iter().zip(&self.queues).filter(|(known, _)| !known.retired);
        queues
            .map(|(known, live)| QueueView {
                name: known.settings.name.clone(),
                game: known.settings.game.clone(),
                title: known.settings.title.clone(),
                config_json: known.settings.config_json.clone(),
                shape: known.settings.shape,
                waiting: known.waiting,
                playing: known.playing,
                open: live.open.len() as u32,
                open_games: known.settings.open_games,
                watch: known.settings.audience() > 0,
                listed: known.settings.is_listed(),
                eta: live.eta.view(),
            })
            .collect()
    }

    pub(super) fn open_games(
        &mut self,
        queue: Option<Name>,
        after: Option<TicketId>,
        limit: u16,
    ) -> Result<Page<OpenGameView>, Refusal> {
        let only = match queue {
            Some(name) => Some(self.state.queue_id(&name).ok_or(Refusal::UnknownQueue { queue: name })?),
            None => None,
        };
        // Where the page before ended, even if that game is gone by now.
        let from = match after {
            Some(ticket) => {
                let last = self.state.ticket(ticket).ok_or(Refusal::BadPage)?;
                Bound::Excluded((last.created, ticket))
            }
            None => Bound::Unbounded,
        };
        let size = self.page_size(limit);
        let mut found: Vec<(Time, TicketId)> = Vec::new();
        let mut total = 0;
        for (index, live) in self.queues.iter_mut().enumerate() {
            if only.is_none_or(|only| usize::from(only.0) == index) {
                live.open_told = false;
                total += live.open.len() as u32;
                found.extend(live.open.range((from, Bound::Unbounded)).take(size + 1));
            }
        }
        found.sort_unstable();
        let more = found.len() > size;
        let items = found.into_iter().take(size).filter_map(|(_, id)| self.open_game(id)).collect();
        Ok(Page { items, more, total })
    }

    fn open_game(&self, id: TicketId) -> Option<OpenGameView> {
        let ticket = self.state.ticket(id)?;
        let creator = ticket.party.first()?;
        let queue = &self.state.queue(ticket.queue).settings;
        Some(OpenGameView {
            ticket: id,
            queue: queue.name.clone(),
            game: queue.game.clone(),
            config_json: queue.config_json.clone(),
            creator: creator.player,
            creator_name: creator.name.clone(),
            creator_tag: creator.tag,
            creator_rating: creator.rating.value,
            age: self.now.since(ticket.created),
        })
    }

    /// All fleets.
    pub fn fleet_views(&self) -> Vec<FleetView> {
        let views = self.state.settings.fleets.iter().filter_map(|target| {
            let (place, live) = self.fleets.iter().enumerate().find(|(_, live)| live.name == target.name)?;
            let mut view = FleetView {
                name: target.name.clone(),
                min_ready: target.min_ready,
                max_rooms: target.max_rooms,
                desired: live.seen.desired(target),
                starting: live.seen.starting.len() as u32,
                ready: live.seen.ready.len() as u32,
                playing: 0,
                draining: 0,
                unhealthy: 0,
                players: 0,
                condition: Name::default(),
            };
            for room in self.state.rooms.values() {
                let Some(live) = self.lives.get(&room.id).filter(|live| usize::from(live.fleet) == place) else {
                    continue;
                };
                view.players += live.seats(Presence::Live);
                view.playing += u32::from(room.hosts.is_some());
                view.draining += u32::from(room.draining.is_some());
                view.unhealthy += u32::from(unhealthy(room, live).is_some());
            }
            let full = live.seen.rooms + live.seen.leaving >= target.max_rooms;
            view.condition = match live.seen.stopped_until(target, self.now) {
                Some(until) => format!(
                    "stopped: {} starts failed within {} s; tries again in {} s. Look at the rooms' logs.",
                    live.seen.failures.0,
                    target.breaker_window.as_secs(),
                    until.since(self.now).as_secs() + 1,
                )
                .into(),
                None if live.seen.homeless > 0 && full => {
                    format!("full: {} matches wait for a room, max_rooms is {}", live.seen.homeless, target.max_rooms)
                        .into()
                }
                None if live.seen.ready.len() < target.min_ready as usize && full => {
                    format!("full: fewer than {} ready, max_rooms is {}", target.min_ready, target.max_rooms).into()
                }
                None if live.seen.ready.len() < target.min_ready as usize => "starting rooms".into(),
                None => Name::default(),
            };
            Some(view)
        });
        views.collect()
    }

    pub(super) fn room_views(&self, fleet: Option<Name>, after: Option<RoomId>, limit: u16) -> Page<RoomView> {
        let size = self.page_size(limit);
        let wanted = |room: &&Room| fleet.as_ref().is_none_or(|fleet| room.fleet == *fleet);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.state.rooms.range((from, Bound::Unbounded)).map(|(_, room)| room).filter(wanted);
        let mut items: Vec<RoomView> = rest.take(size + 1).filter_map(|room| self.room_view(room)).collect();
        let more = items.len() > size;
        items.truncate(size);
        let total = match fleet {
            Some(_) => self.state.rooms.values().filter(wanted).count() as u32,
            None => self.state.rooms.len() as u32,
        };
        Page { items, more, total }
    }

    /// A room as shown.
    pub fn room_view(&self, room: &Room) -> Option<RoomView> {
        let live = self.lives.get(&room.id)?;
        let phase = room.hosts.and_then(|id| self.state.match_(id)).map(|game| game.phase);
        let state = match phase {
            _ if !room.proved => RoomState::Starting,
            _ if !live.attached => RoomState::Detached,
            _ if room.draining.is_some() => RoomState::Draining,
            Some(MatchPhase::Placing(_) | MatchPhase::Moving { .. }) => RoomState::Placing,
            Some(MatchPhase::Playing { .. }) => RoomState::Playing,
            Some(
                MatchPhase::Formed | MatchPhase::Orphaned { .. } | MatchPhase::Ended { .. } | MatchPhase::Lost { .. },
            )
            | None
                if live.idle =>
            {
                RoomState::Ready
            }
            // It winds up a match that is over.
            Some(
                MatchPhase::Formed | MatchPhase::Orphaned { .. } | MatchPhase::Ended { .. } | MatchPhase::Lost { .. },
            )
            | None => RoomState::Playing,
        };
        Some(RoomView {
            room: room.id,
            fleet: room.fleet.clone(),
            state,
            unhealthy: unhealthy(room, live),
            match_id: room.hosts,
            seats_live: live.seats(Presence::Live),
            seats_reserved: live.seats(Presence::Reserved),
            seats_dropped: live.seats(Presence::Dropped),
            health: live.health,
            silent: self.now.since(live.heard),
            age: self.now.since(room.added),
            ours: room.ours,
            credential: room.credential,
        })
    }

    pub(super) fn match_views(&self, after: Option<MatchId>, limit: u16) -> Result<Page<MatchView>, Refusal> {
        let size = self.page_size(limit);
        let from = match after {
            Some(id) => *self.state.match_slots.get(&id).ok_or(Refusal::BadPage)? as usize + 1,
            None => 0,
        };
        let slots = (from..self.state.matches.capacity()).filter_map(|slot| self.state.matches.get(slot));
        let mut live = slots.filter(|game| !game.is_over());
        let items = live.by_ref().take(size).map(|game| self.match_view(game)).collect();
        Ok(Page { items, more: live.next().is_some(), total: self.state.live_matches() as u32 })
    }

    pub(super) fn ticket_views(
        &self,
        queue: Option<Name>,
        after: Option<TicketId>,
        limit: u16,
    ) -> Result<Page<TicketView>, Refusal> {
        let size = self.page_size(limit);
        let only = match queue {
            Some(name) => Some(self.state.queue_id(&name).ok_or(Refusal::UnknownQueue { queue: name })?),
            None => None,
        };
        let from = match after {
            Some(id) => *self.state.ticket_slots.get(&id).ok_or(Refusal::BadPage)? as usize + 1,
            None => 0,
        };
        let slots = (from..self.state.tickets.capacity()).filter_map(|slot| self.state.tickets.get(slot));
        let mut live = slots.filter(|ticket| !ticket.is_over() && only.is_none_or(|only| ticket.queue == only));
        let items = live.by_ref().take(size).map(|ticket| self.ticket_view(ticket)).collect();
        let total = match only {
            Some(only) => self.state.queue(only).waiting_tickets,
            None => self.state.live_tickets() as u32,
        };
        Ok(Page { items, more: live.next().is_some(), total })
    }
}

fn unhealthy(room: &Room, live: &Live) -> Option<&'static str> {
    live.unhealthy.or_else(|| (room.proved && !live.attached).then_some("detached"))
}
