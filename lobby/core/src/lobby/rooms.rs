//! Rooms as they are: attached or not, healthy or not, free or not.

use std::time::Duration;

use smallvec::SmallVec;

use crate::effect::{Effect, Refusal};
use crate::event::{Event, LostReason, RequeueReason, RoomEnd};
use crate::ids::{MatchId, RoomId, StreamId};
use crate::input::{ClusterNews, GameInfo, Health, Hello, Presence, Running, SeatReport};
use crate::lobby::Lobby;
use crate::lobby::history::History;
use crate::settings::QueueSettings;
use crate::state::{MatchPhase, Room};
use crate::time::Time;

/// A room that was told to end and is still there after this is killed.
const END_WITHIN: Duration = Duration::from_secs(10);

/// What is live of a room.
#[derive(Debug)]
pub(super) struct Live {
    /// Its fleet's place in `Lobby::fleets`.
    pub(super) fleet: u16,
    /// Its newest stream, and whether that is still there.
    pub(super) stream: Option<StreamId>,
    pub(super) attached: bool,
    /// When it was heard of.
    pub(super) heard: Time,
    /// How long it may be silent.
    pub(super) patience: Duration,
    pub(super) sequence: u64,
    pub(super) games: SmallVec<[GameInfo; 2]>,
    pub(super) seats: Vec<SeatReport>,
    pub(super) history: History,
    pub(super) health: Health,
    /// It says that it runs nothing.
    pub(super) idle: bool,
    /// Since when it does not say that it runs the match it has.
    pub(super) missing: Option<Time>,
    /// Since when it runs what nobody waits for.
    pub(super) stale: Option<(MatchId, u64, Time)>,
    /// After a refusal it is not asked again before this.
    pub(super) rest: Time,
    pub(super) unhealthy: Option<&'static str>,
    /// Told to end, by this time.
    pub(super) ending: Option<Time>,
    pub(super) class: Class,
    /// The timer set for it.
    pub(super) check: Time,
}

/// What a room counts as in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// In no count yet.
    New,
    /// Started, and not attached yet.
    Starting(Time),
    /// Free since then.
    Ready(Time),
    /// Free as far as is known, and not attached just now.
    Away,
    /// Neither free nor on its way out.
    Used,
    /// On its way out.
    Leaving,
}

impl Live {
    pub(super) fn new(fleet: u16, now: Time, patience: Duration) -> Self {
        Self {
            fleet,
            stream: None,
            attached: false,
            heard: now,
            patience,
            sequence: 0,
            games: SmallVec::new(),
            seats: Vec::new(),
            history: History::default(),
            health: Health::default(),
            idle: false,
            missing: None,
            stale: None,
            rest: Time::ZERO,
            unhealthy: None,
            ending: None,
            class: Class::New,
            check: Time::MAX,
        }
    }

    /// It hosts the queue's game, with enough seats.
    pub(super) fn hosts(&self, queue: &QueueSettings) -> bool {
        self.games.iter().any(|game| {
            game.name == queue.game
                && game.max_seats >= queue.shape.max_players()
                && game.min_seats <= queue.shape.min_players()
        })
    }

    /// Not everybody's connection is lost.
    pub(super) fn is_peopled(&self) -> bool {
        self.seats(Presence::Dropped) == 0 || self.seats(Presence::Live) > 0
    }

    pub(super) fn seats(&self, presence: Presence) -> u32 {
        self.seats.iter().filter(|seat| seat.presence == presence).count() as u32
    }
}

impl Lobby {
    pub(super) fn attach(&mut self, stream: StreamId, hello: Hello) {
        let room = match self.welcome(&hello) {
            Ok(room) => room,
            Err(refusal) => return self.will(Effect::RefuseStream { stream, refusal }),
        };
        let (now, silence) = (self.now, self.state.settings.timing.silence);
        let Some(live) = self.lives.get_mut(&room) else { return };
        if live.stream.is_some_and(|newest| newest > stream) {
            let refusal = Refusal::RoomAway { retry_after: self.state.settings.timing.retry_after };
            return self.will(Effect::RefuseStream { stream, refusal });
        }
        live.stream = Some(stream);
        live.attached = true;
        live.heard = now;
        live.patience = silence;
        live.sequence = 0;
        live.games = hello.games.into_iter().collect();
        live.idle = hello.running.is_none();
        live.unhealthy = None;
        live.missing = None;
        live.stale = None;
        live.rest = Time::ZERO;
        live.history = History::default(); // it is told anew on each stream
        live.seats = hello.running.as_ref().map(|running| running.seats.clone()).unwrap_or_default();
        let fleet = live.fleet;
        self.will(Effect::Welcome { stream, room });
        let Some(known) = self.state.room(room) else { return };
        let (proved, draining, added) = (known.proved, known.draining, known.added);
        if !proved {
            // How long it took is not known where nobody listened meanwhile.
            if added >= self.woke {
                self.fleets[usize::from(fleet)].started_in(self.now.since(added));
            }
            self.decide(Event::RoomProved { room, at: self.now });
        }
        match draining {
            Some(until) => self.will(Effect::DrainRoom { room, within: until.since(self.now) }),
            None if hello.draining => self.drain_room(room, None, false),
            None => {}
        }
        self.take_stock(room, hello.running, true);
        self.reclass(room);
        self.watch(room);
    }

    /// Which room this is; a new one, if it came by itself.
    fn welcome(&mut self, hello: &Hello) -> Result<RoomId, Refusal> {
        if let Some(room) = hello.room
            && let Some(known) = self.state.room(room)
        {
            return if known.fleet == hello.fleet { Ok(room) } else { Err(Refusal::UnknownRoom) };
        }
        if self.state.fleet(&hello.fleet).is_none() {
            return Err(Refusal::UnknownFleet { fleet: hello.fleet.clone() });
        }
        let retry_after = self.state.settings.timing.retry_after;
        if self.draining.is_some_and(|draining| draining.rooms_too) {
            return Err(Refusal::Draining { retry_after });
        }
        let limit = self.state.settings.limits.rooms;
        if self.state.rooms.len() >= limit as usize {
            return Err(Refusal::Full { what: "rooms", limit, retry_after });
        }
        let room = hello.room.unwrap_or(RoomId(self.state.ids.peek()));
        self.add_room(room, hello.fleet.clone(), false);
        Ok(room)
    }

    pub(super) fn add_room(&mut self, room: RoomId, fleet: crate::name::Name, ours: bool) {
        let place = self.fleet_place(&fleet);
        self.decide(Event::RoomAdded { room, at: self.now, fleet, ours });
        let patience = self.state.settings.timing.silence;
        self.lives.insert(room, Live::new(place, self.now, patience));
        self.reclass(room);
    }

    /// Compares what a room says it runs with what it should run. After an attach it is told again what it may have missed.
    pub(super) fn take_stock(&mut self, id: RoomId, running: Option<Running>, attached: bool) {
        let Some(room) = self.state.room(id) else { return };
        let hosts = room.hosts;
        let phase = hosts.and_then(|game| self.state.match_(game)).map(|game| game.phase);
        let expected = match phase {
            Some(MatchPhase::Placing(placement) | MatchPhase::Moving { placement, .. }) => {
                hosts.map(|game| (game, placement.epoch))
            }
            Some(MatchPhase::Playing { epoch, .. }) => hosts.map(|game| (game, epoch)),
            Some(
                MatchPhase::Formed | MatchPhase::Orphaned { .. } | MatchPhase::Ended { .. } | MatchPhase::Lost { .. },
            )
            | None => None,
        };
        let placing = matches!(phase, Some(MatchPhase::Placing(_) | MatchPhase::Moving { .. }));
        let now = self.now;
        if let Some(running) = running {
            let said = (running.match_id, running.epoch);
            if expected == Some(said) {
                if placing {
                    self.start(said.0, said.1);
                }
                if let Some(live) = self.lives.get_mut(&id) {
                    live.missing = None;
                    live.stale = None;
                }
                if attached {
                    self.reconcile_seats(said.0, &running.seats);
                } else {
                    self.seats_reported(said.0, &running.seats);
                }
                return;
            }
            let over = self.state.match_(said.0).is_some_and(
                |game| matches!(game.phase, MatchPhase::Ended { room, epoch, .. } if room == id && epoch == said.1),
            );
            if !over && let Some(live) = self.lives.get_mut(&id) {
                // Lost, moved elsewhere, or never ours: nobody waits for it.
                if live.stale.is_none_or(|(game, epoch, _)| (game, epoch) != said) {
                    live.stale = Some((said.0, said.1, now));
                    let (match_id, epoch) = said;
                    self.will(Effect::CallOff { room: id, match_id, epoch });
                }
            }
        } else if let Some(live) = self.lives.get_mut(&id) {
            live.stale = None;
        }
        match (phase, expected) {
            // What was asked over the old stream is lost with it.
            (_, Some((game, epoch))) if placing && attached => {
                self.placement_failed(game, epoch, RequeueReason::RoomLost);
            }
            (Some(MatchPhase::Playing { .. }), _) => {
                if let Some(live) = self.lives.get_mut(&id) {
                    live.missing.get_or_insert(now); // its result may be on the way
                }
            }
            _ => {}
        }
    }

    pub(super) fn detached(&mut self, stream: StreamId, room: RoomId) {
        let Some(live) = self.lives.get_mut(&room) else { return };
        if live.stream != Some(stream) || !live.attached {
            return;
        }
        live.attached = false;
        let Some(known) = self.state.room(room) else { return };
        if !known.ours && known.hosts.is_none() && known.draining.is_some() {
            return self.room_gone(room, RoomEnd::Released);
        }
        self.reclass(room);
        self.watch(room);
    }

    pub(super) fn cluster_news(&mut self, news: ClusterNews) {
        match news {
            ClusterNews::Credential { room, hash } => {
                if self.state.room(room).is_some() {
                    self.decide(Event::RoomCredential { room, hash });
                }
            }
            ClusterNews::Exited { room, how, detail: _ } => {
                let Some(known) = self.state.room(room) else { return };
                let how = match how {
                    // It went because it was told to.
                    RoomEnd::Exited | RoomEnd::Crashed if known.draining.is_some() => RoomEnd::Released,
                    RoomEnd::Exited if !known.proved => RoomEnd::NotStarted,
                    how @ (RoomEnd::Exited | RoomEnd::Crashed) => how,
                    how @ (RoomEnd::NotStarted | RoomEnd::Released | RoomEnd::Abandoned) => how,
                };
                self.room_gone(room, how);
            }
            ClusterNews::Keep { fleet, rooms } => {
                let place = self.fleet_place(&fleet);
                let fleet = &mut self.fleets[usize::from(place)];
                fleet.seen.kept = rooms;
                fleet.dirty = true;
            }
        }
    }

    /// A room is not there any more.
    pub(super) fn room_gone(&mut self, room: RoomId, how: RoomEnd) {
        // On its way out before its match looks for another room: it is not to be that one.
        let ending = self.lives.get_mut(&room).is_some_and(|live| live.ending.replace(Time::ZERO).is_some());
        self.reclass(room);
        if let Some(game) = self.state.room(room).and_then(|known| known.hosts) {
            self.lose(game, if ending { LostReason::Stopped } else { LostReason::RoomDied });
        }
        self.uncount(room);
        self.lives.remove(&room);
        self.decide(Event::RoomGone { room, at: self.now, how });
    }

    /// Takes a room out of its fleet's counts.
    fn uncount(&mut self, room: RoomId) {
        if let Some(live) = self.lives.get_mut(&room) {
            let before = std::mem::replace(&mut live.class, Class::New);
            self.fleets[usize::from(live.fleet)].recount(room, false, before, Class::New);
        }
    }

    /// Whether late joiners may be sent there: not where everybody's connection is lost, for nobody may come back.
    pub(super) fn may_join(&self, room: RoomId) -> bool {
        let known = self.state.room(room).is_some_and(|known| known.draining.is_none());
        let well = |live: &Live| live.attached && live.unhealthy.is_none() && live.is_peopled();
        known && self.lives.get(&room).is_some_and(well)
    }

    fn class(&self, room: &Room, live: &Live) -> Class {
        if room.draining.is_some() || live.unhealthy.is_some() || live.ending.is_some() {
            return Class::Leaving;
        }
        if !room.proved {
            return Class::Starting(room.added);
        }
        let free = live.attached && live.idle && room.hosts.is_none() && live.stale.is_none() && live.rest <= self.now;
        match live.class {
            _ if !live.attached && room.hosts.is_none() => Class::Away,
            _ if !free => Class::Used,
            Class::Ready(since) => Class::Ready(since),
            Class::New | Class::Starting(_) | Class::Away | Class::Used | Class::Leaving => Class::Ready(self.now),
        }
    }

    /// Counts a room as what it is now. One that became free gets the match that looks for a room longest.
    pub(super) fn reclass(&mut self, id: RoomId) {
        let (Some(room), Some(live)) = (self.state.room(id), self.lives.get(&id)) else { return };
        let (class, before, fleet) = (self.class(room, live), live.class, live.fleet);
        if class == before {
            return;
        }
        let (hosts, ours) = (room.hosts, room.ours);
        self.fleets[usize::from(fleet)].recount(id, ours, before, class);
        if let Some(live) = self.lives.get_mut(&id) {
            live.class = class;
        }
        if let Class::Ready(_) = class {
            self.house(id);
        } else if let Some(game) = hosts {
            self.seats_changed(game);
        }
    }

    /// No new match in it. `tell`: it does not know yet.
    pub(super) fn drain_room(&mut self, id: RoomId, within: Option<Duration>, tell: bool) {
        let Some(room) = self.state.room(id) else { return };
        let fleet = self.state.fleet(&room.fleet);
        let within = within.or(fleet.map(|fleet| fleet.drain_within)).unwrap_or(END_WITHIN);
        let (until, hosts) = (self.now + within, room.hosts);
        // A second drain may only shorten the first one.
        if room.draining.is_none_or(|before| until < before) {
            self.decide(Event::RoomDraining { room: id, at: self.now, until });
        }
        if tell {
            self.will(Effect::DrainRoom { room: id, within });
        }
        if let Some(game) = hosts
            && self.state.match_(game).is_some_and(|game| game.placing().is_some())
        {
            self.lose(game, LostReason::Stopped); // not begun yet: elsewhere
        }
        let idle = self.state.room(id).is_some_and(|room| room.hosts.is_none());
        if idle && let Some(live) = self.lives.get_mut(&id) {
            // Nothing keeps it.
            live.ending.get_or_insert(self.now + END_WITHIN);
        }
        self.reclass(id);
        self.watch(id);
    }

    /// Ends a room now.
    pub(super) fn stop_room(&mut self, id: RoomId, reason: &'static str, lost: LostReason) {
        let Some(room) = self.state.room(id) else { return };
        let hosts = room.hosts;
        if room.draining.is_none_or(|until| until > self.now) {
            self.decide(Event::RoomDraining { room: id, at: self.now, until: self.now });
        }
        if let Some(live) = self.lives.get_mut(&id) {
            live.ending.get_or_insert(self.now + END_WITHIN);
        }
        self.reclass(id);
        if let Some(game) = hosts {
            self.lose(game, lost);
        }
        self.will(Effect::StopRoom { room: id, reason });
        self.watch(id);
    }
}
