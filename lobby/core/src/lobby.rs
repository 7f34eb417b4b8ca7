//! The state machine: few verbs, one owner, no clock.

mod calls;
mod history;
mod listed;
mod matches;
mod overdue;
mod plans;
mod recover;
mod reports;
mod resume;
mod rooms;
mod seats;
mod tickets;
mod views;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;

use smallvec::SmallVec;

use self::plans::FleetLive;
pub use self::recover::{MAX_RECOVERIES, RECOVER_WITHIN};
use self::rooms::Live;
use crate::effect::Effect;
use crate::eta::Eta;
use crate::event::{Batch, Event};
use crate::ids::{IdMap, MatchId, PlayerId, QueueId, RoomId, TicketId};
use crate::input::Input;
use crate::pool::{Group, Pool};
use crate::settings::{Settings, SettingsError};
use crate::state::State;
use crate::time::{Seq, Time};

/// When the owner comes this much later than asked, it was stopped, or starved: what it did not hear meanwhile says nothing
/// about anybody, and whoever was to be heard from by now has all his time again.
const STALL: Duration = Duration::from_secs(1);
/// While there are rooms, or tickets that live by a lease, the owner is asked to come this often, so that a stall shows
/// before anybody's silence in it could count: the pace of the rooms' heartbeats.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Ended tickets and matches above the limit that are let be, so that they are forgotten many at a time.
const FORGET_SLACK: usize = 256;

/// Decides who plays with whom, where, and what rooms there are.
///
/// The owner hands in what happens ([`handle`](Self::handle)) and that time passes ([`advance`](Self::advance), at the
/// latest at [`deadline`](Self::deadline)); it writes down what [`take_events`](Self::take_events) gives, says when that is
/// safe ([`committed`](Self::committed)), and carries out what [`poll`](Self::poll) gives.
#[derive(Debug)]
pub struct Lobby {
    state: State,
    now: Time,
    /// The end of the owner's last stall.
    woke: Time,
    events: Vec<Event>,
    effects: VecDeque<(Seq, Effect)>,
    committed: Seq,
    draining: Option<Draining>,
    /// Somebody carries out `Effect::StartRoom`.
    starts_rooms: bool,
    // All below is made anew after a restart.
    queues: Vec<QueueLive>,
    fleets: Vec<FleetLive>,
    lives: IdMap<RoomId, Live>,
    /// Leases end in the order they were given; who renewed is put at the end again.
    leases: VecDeque<(Time, TicketId)>,
    timers: BinaryHeap<Reverse<(Time, Timer)>>,
    /// Free seats of the matches that may be joined, as they stand in `QueueLive::joinable`.
    joinable: IdMap<MatchId, u16>,
    /// Matches that live and whose journal the shell holds.
    journals: BTreeSet<MatchId>,
    /// Who was taken out of which match, and is not to be put into it again. Forgotten with this process.
    kicked: BTreeMap<MatchId, Vec<PlayerId>>,
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Debug)]
struct Draining {
    rooms_too: bool,
    within: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A lease that does not fit into the line.
    Lease(TicketId),
    /// A placement's deadline.
    Placement(MatchId, u64),
    /// A match that lost its room has another one by now, or is lost.
    Recovery(MatchId),
    /// A late joiner's.
    Asked(MatchId, TicketId),
    /// A room is to be looked at.
    Room(RoomId),
    /// A fleet is to be planned.
    Fleet(u16),
}

/// What is live of a queue.
#[derive(Debug)]
struct QueueLive {
    pool: Pool,
    eta: Eta,
    open: BTreeSet<(Time, TicketId)>,
    /// Its open games changed since somebody read them.
    open_told: bool,
    /// Matches that look for a room, oldest first.
    homeless: BTreeSet<(Time, MatchId)>,
    /// Matches that run, or look for the room to go on in, oldest first.
    running: BTreeSet<(Time, MatchId)>,
    /// Matches with free seats: the fullest first.
    joinable: BTreeSet<(u16, MatchId)>,
    /// The fleets that host it.
    fleets: SmallVec<[u16; 4]>,
}

impl Lobby {
    /// A lobby without a past. Its first event configures it.
    ///
    /// # Errors
    /// If the settings do not hold together.
    pub fn new(seed: [u8; 32], now: Time, settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let mut lobby = Self::resume(State::new(seed), now);
        lobby.configure(settings);
        Ok(lobby)
    }

    /// Nobody here starts rooms: they come by themselves, and none is planned.
    pub fn start_no_rooms(&mut self) {
        self.starts_rooms = false;
    }

    /// Something happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.pass(now);
        match input {
            Input::Request { request, call } => self.call(request, call),
            Input::Renew { ticket } => self.renew(ticket),
            Input::Attach { stream, hello } => self.attach(stream, *hello),
            Input::Room { stream, room, news } => self.room_news(stream, room, news),
            Input::Detached { stream, room } => self.detached(stream, room),
            Input::Journal { match_id, there } => self.journal(match_id, there),
            Input::Cluster(news) => self.cluster_news(news),
            Input::Drain { rooms_too, within } => self.drain(rooms_too, within),
        }
        self.plan_dirty();
    }

    /// Time passed.
    pub fn advance(&mut self, now: Time) {
        self.pass(now);
        self.expire_leases();
        while let Some(&Reverse((at, timer))) = self.timers.peek()
            && at <= self.now
        {
            self.timers.pop();
            match timer {
                Timer::Lease(ticket) => self.check_lease(ticket),
                Timer::Placement(id, epoch) => self.placement_due(id, epoch),
                Timer::Recovery(id) => self.recovery_due(id),
                Timer::Asked(id, ticket) => self.asked_due(id, ticket),
                Timer::Room(room) => self.look_at_room(room),
                Timer::Fleet(fleet) => self.fleets[usize::from(fleet)].dirty = true,
            }
        }
        self.settle();
        self.forget();
        self.plan_dirty();
    }

    /// What was decided since the last call, for one append to the journal; `None`: nothing.
    pub fn take_events(&mut self) -> Option<Batch> {
        self.settle();
        if self.state.ended_tickets.len() > self.state.settings.limits.ended_tickets as usize + FORGET_SLACK
            || self.state.ended_matches.len() > self.state.settings.limits.ended_matches as usize + FORGET_SLACK
        {
            self.forget();
        }
        self.plan_dirty();
        if self.events.is_empty() {
            return None;
        }
        let events = std::mem::take(&mut self.events);
        let first = Seq(self.state.applied().0 + 1 - events.len() as u64);
        Some(Batch { first, events })
    }

    /// The journal has everything up to this event: what rests on it may leave.
    pub fn committed(&mut self, upto: Seq) {
        assert!(upto <= self.state.applied(), "committed what was never decided");
        self.committed = self.committed.max(upto);
    }

    /// Something to do, if anything may be done now.
    pub fn poll(&mut self) -> Option<Effect> {
        match self.effects.front() {
            Some((after, _)) if *after <= self.committed => self.effects.pop_front().map(|(_, effect)| effect),
            Some(_) | None => None,
        }
    }

    /// `take_events` would give something.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty() || self.is_unsettled()
    }

    /// `poll` would give something.
    pub fn has_effect(&self) -> bool {
        self.effects.front().is_some_and(|(after, _)| *after <= self.committed)
    }

    /// When to call `advance` at the latest.
    pub fn deadline(&self) -> Time {
        if self.is_unsettled() {
            return self.now;
        }
        let nobody = self.leases.is_empty() && self.lives.is_empty();
        let look = if nobody { Time::MAX } else { self.now + LOOK_EVERY };
        let pools = self.queues.iter().map(|queue| queue.pool.deadline());
        let lease = self.leases.front().map_or(Time::MAX, |&(at, _)| at);
        let timer = self.timers.peek().map_or(Time::MAX, |Reverse((at, _))| *at);
        let keep = self.state.settings.timing.keep_ended;
        let ticket = self.state.ended_tickets.front().map_or(Time::MAX, |&(at, _)| at + keep);
        let game = self.state.ended_matches.front().map_or(Time::MAX, |&(at, _)| at + keep);
        pools.fold(look.min(lease).min(timer).min(ticket).min(game), Time::min)
    }

    /// What was promised so far, committed or not.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// It was told to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.is_some()
    }

    /// It was told to stop, everything promised is committed and said, and the rooms are gone if they were to go, too.
    pub fn is_drained(&self) -> bool {
        self.draining.is_some_and(|draining| !draining.rooms_too || self.state.rooms.is_empty())
            && self.events.is_empty()
            && self.effects.is_empty()
    }

    fn is_unsettled(&self) -> bool {
        self.queues.iter().any(|queue| queue.pool.is_unsettled())
    }

    fn pass(&mut self, now: Time) {
        if now.since(self.now) > STALL && now.since(self.now.max(self.deadline())) > STALL {
            self.woke = now;
        }
        self.now = self.now.max(now);
    }

    /// Decides: changes the state, tells the watchers, and writes it down.
    fn decide(&mut self, event: Event) {
        self.state.apply(&event);
        self.events.push(event);
        if self.state.news.is_empty() {
            return;
        }
        let after = self.state.applied();
        let news = std::mem::take(&mut self.state.news);
        for &(slot, number) in &news {
            let ticket = &self.state.tickets[slot as usize];
            if let Some(event) = ticket.event(number) {
                self.effects.push_back((after, Effect::Notify { ticket: ticket.id, number, event }));
            }
        }
        self.state.news = news; // keeps its memory; the next event clears it
    }

    /// Will do this once what was decided so far is committed.
    fn will(&mut self, effect: Effect) {
        self.effects.push_back((self.state.applied(), effect));
    }

    /// Sets a timer. Never for this very instant: `advance` has an end.
    fn at(&mut self, time: Time, timer: Timer) {
        self.timers.push(Reverse((time.max(Time(self.now.0 + 1)), timer)));
    }

    /// Makes matches of what suits each other by now.
    fn settle(&mut self) {
        for index in 0..self.queues.len() {
            let pool = &mut self.queues[index].pool;
            if !pool.is_unsettled() && pool.deadline() > self.now {
                continue;
            }
            let mut groups = std::mem::take(&mut self.groups);
            pool.settle(self.now, &mut groups);
            for group in groups.drain(..) {
                self.form(QueueId(index as u16), &group);
            }
            self.groups = groups;
        }
    }

    /// Lets go of what ended long ago.
    fn forget(&mut self) {
        let (limits, keep) = (&self.state.settings.limits, self.state.settings.timing.keep_ended);
        let now = self.now;
        let surplus = |len: usize, limit: u32| len.saturating_sub(limit as usize);
        let old_tickets = self.state.ended_tickets.iter().take_while(|(at, _)| *at + keep <= now).count();
        let tickets = old_tickets.max(surplus(self.state.ended_tickets.len(), limits.ended_tickets));
        let old_matches = self.state.ended_matches.iter().take_while(|(at, _)| *at + keep <= now).count();
        let matches = old_matches.max(surplus(self.state.ended_matches.len(), limits.ended_matches));
        if tickets > 0 || matches > 0 {
            self.decide(Event::Forgot { at: self.now, tickets: tickets as u32, matches: matches as u32 });
        }
    }

    fn queue_live(&mut self, queue: QueueId) -> &mut QueueLive {
        &mut self.queues[usize::from(queue.0)]
    }
}
