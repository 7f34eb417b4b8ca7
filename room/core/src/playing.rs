//! The match that runs: its seats, its sockets, its clock and its game.

mod audience;
mod chat;
mod clock;
mod end;
mod going_on;
mod receive;
mod send;
mod stall;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bellhop_game::{Outcome, Presence, Rng, ViewClass};
use bellhop_wire::{CloseCode, Notice, ToClient};

use crate::conn::Conn;
use crate::hosted::{At, Match, Rules};
use crate::recorded::Recorded;
use crate::seat::{Seat, SeatPhase};
use crate::{
    AdmitError, Claim, ConnId, Frame, MatchSpec, Output, ResumeClaim, SeatResult, SeatSpec, SeatsError, Seen, Stats,
    Time, limits,
};

use audience::Watchers;
use chat::Chat;

pub(crate) use clock::Clock;

/// What the match leaves behind with every call: things to do, and counts.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) stats: Stats,
    pub(crate) lateness: Vec<Duration>,
}

/// A match.
pub(crate) struct Playing {
    pub(crate) spec: MatchSpec,
    pub(crate) rules: Rules,
    pub(crate) clock: Clock,
    pub(crate) seats: BTreeMap<u16, Seat>,
    pub(crate) draining: Option<Time>,
    /// The time as it was last known.
    seen: Time,
    game: Recorded,
    /// When what was written of the journal goes out.
    journal_due: Time,
    /// Bytes of the journal that went out, and how many of them the lobby has, if it says so.
    written: u64,
    kept: Option<u64>,
    /// Until when nothing is shown, because the lobby does not have it yet.
    unkept_until: Option<Time>,
    conns: BTreeMap<ConnId, Conn>,
    watchers: Watchers,
    chat: Chat,
    max_seats: u16,
    used: BTreeSet<u64>,
    first_live: Option<Time>,
    outcome: Option<Outcome>,
    /// Players who left and whose seat was given to another.
    replaced: Vec<SeatResult>,
    /// Steps since a frame went out.
    unsent_steps: u32,
    seats_changed: bool,
    /// Somebody waits for a keyframe.
    unserved: bool,
    /// Questions asked of the world outside, and which of them wait for an answer.
    asked: u32,
    unanswered: BTreeSet<u32>,
}

impl Playing {
    pub(crate) fn new(now: Time, spec: MatchSpec, game: Box<dyn Match>) -> Result<Playing, String> {
        let seed = spec.seed;
        Playing::with(now, spec, Recorded::new(game, seed))
    }

    pub(crate) fn with(now: Time, spec: MatchSpec, game: Recorded) -> Result<Playing, String> {
        let rules = game.rules();
        let max_seats = if spec.max_seats == 0 { rules.max_seats } else { spec.max_seats.min(rules.max_seats) };
        let mut playing = Playing {
            rules,
            clock: Clock::new(),
            seats: BTreeMap::new(),
            draining: None,
            seen: now,
            game,
            // At once: a room that dies now must not take the match with it.
            journal_due: now,
            written: 0,
            kept: None,
            unkept_until: None,
            conns: BTreeMap::new(),
            watchers: Watchers::new(now, &spec.audience, rules.watch_delay),
            chat: Chat::new(spec.chat),
            max_seats,
            used: BTreeSet::new(),
            first_live: None,
            outcome: None,
            replaced: Vec::new(),
            unsent_steps: 0,
            seats_changed: true,
            unserved: false,
            asked: 0,
            unanswered: BTreeSet::new(),
            spec,
        };
        if let Some(delay_ms) = playing.watchers.records() {
            playing.game.delay_spectators(delay_ms);
        }
        if playing.spec.seats.is_empty() {
            return Err("a match needs at least one seat".to_owned());
        }
        for seat in std::mem::take(&mut playing.spec.seats) {
            playing.seat(now, seat)?;
        }
        Ok(playing)
    }

    pub(crate) fn at(&self, now: Time) -> At {
        At { now_ms: self.clock.match_ms(now, self.rules.rate_hz), tick: self.clock.tick() }
    }

    /// Reserves a seat.
    fn seat(&mut self, now: Time, spec: SeatSpec) -> Result<(), String> {
        if spec.seat >= self.max_seats {
            return Err(format!("seat {} does not exist; the match has {} seats, from 0", spec.seat, self.max_seats));
        }
        let number = spec.seat;
        if let Some(seat) = self.seats.get(&number) {
            let same = seat.spec.player == spec.player;
            match seat.phase {
                SeatPhase::Left if !same => {
                    if seat.joined {
                        let player = seat.spec.player.clone();
                        self.replaced.push(SeatResult { seat: number, player, rank: 0, score: 0 });
                    }
                }
                SeatPhase::Left => {}
                // Told twice is told once.
                SeatPhase::Reserved { .. } | SeatPhase::Live { .. } | SeatPhase::Dropped { .. } if same => {
                    return Ok(());
                }
                SeatPhase::Reserved { .. } | SeatPhase::Live { .. } | SeatPhase::Dropped { .. } => {
                    return Err(format!("seat {number} is taken"));
                }
            }
        }
        self.seats.insert(number, Seat::new(spec, now.plus(limits::RESERVED)));
        self.seats_changed = true;
        Ok(())
    }

    pub(crate) fn add_seats(&mut self, now: Time, seats: Vec<SeatSpec>, desk: &mut Desk) -> Result<(), SeatsError> {
        for spec in seats {
            let number = spec.seat;
            self.seat(now, spec).map_err(|problem| SeatsError::Seats { problem })?;
            self.tell_roster(number, desk);
        }
        Ok(())
    }

    /// Whether a socket may open, and if so, its resume token.
    pub(crate) fn admit(
        &mut self,
        now: Time,
        conn: ConnId,
        claim: &Claim,
        nonces: &mut Rng,
        seal: &mut dyn FnMut(&ResumeClaim) -> String,
        desk: &mut Desk,
    ) -> Result<(), AdmitError> {
        if claim.epoch != self.spec.epoch || claim.match_id != self.spec.match_id {
            return Err(AdmitError::OtherMatch);
        }
        let number = claim.seat;
        let seat = self.seats.get_mut(&number).ok_or(AdmitError::UnknownSeat { seat: number })?;
        if seat.spec.player != claim.player {
            return Err(AdmitError::OtherPlayer { seat: number });
        }
        if seat.phase == SeatPhase::Left {
            return Err(AdmitError::GivenUp { seat: number });
        }
        if claim.resume {
            if !seat.resume.contains(&Some(claim.nonce)) {
                return Err(AdmitError::Stale);
            }
        } else {
            if self.used.contains(&claim.nonce) {
                return Err(AdmitError::Replayed);
            }
            if self.used.len() >= limits::MAX_NONCES {
                return Err(AdmitError::TooMany);
            }
            self.used.insert(claim.nonce);
        }
        let fresh = nonces.bits();
        seat.rotate(claim.resume.then_some(claim.nonce), fresh);
        let resume = ResumeClaim {
            epoch: self.spec.epoch,
            match_id: self.spec.match_id.clone(),
            player: seat.spec.player.clone(),
            seat: number,
            nonce: fresh,
        };
        // Sockets of this seat that never said hello make way: a seat holds one that plays and one that arrives.
        let silent = |(&id, conn): (&ConnId, &Conn)| (conn.seat == number && !conn.ready).then_some(id);
        let arriving: Vec<ConnId> = self.conns.iter().filter_map(silent).collect();
        for old in arriving {
            self.close(old, CloseCode::Superseded, "a newer window took this seat", desk);
        }
        self.conns.insert(conn, Conn::new(now, number, seal(&resume)));
        Ok(())
    }

    /// Takes a socket off and tells the shell to close it.
    fn close(&mut self, id: ConnId, code: CloseCode, reason: impl Into<Cow<'static, str>>, desk: &mut Desk) {
        if self.conns.remove(&id).is_some() || self.watchers.remove(id) {
            desk.outputs.push_back(Output::Close { conn: id, code, reason: reason.into() });
        }
    }

    /// Closes a socket for a fault of its client. Its seat is held.
    fn expel(&mut self, now: Time, id: ConnId, code: CloseCode, reason: impl Into<Cow<'static, str>>, desk: &mut Desk) {
        desk.outputs.push_back(Output::Close { conn: id, code, reason: reason.into() });
        self.gone(now, id, desk);
    }

    /// A socket is gone; its seat is held for a while.
    pub(crate) fn gone(&mut self, now: Time, id: ConnId, desk: &mut Desk) {
        let Some(conn) = self.conns.remove(&id) else {
            self.watchers.remove(id);
            return;
        };
        let Some(seat) = self.seats.get_mut(&conn.seat) else { return };
        if seat.phase != (SeatPhase::Live { conn: id }) {
            return;
        }
        seat.events_seen = conn.events_acked;
        seat.phase = SeatPhase::Dropped { until: now.plus(self.rules.hold) };
        self.game.clear_input(conn.seat);
        self.seat_changed(now, conn.seat, Presence::Dropped, desk);
    }

    /// Gives a seat up for good.
    fn give_up(
        &mut self,
        now: Time,
        number: u16,
        code: CloseCode,
        reason: impl Into<Cow<'static, str>>,
        desk: &mut Desk,
    ) {
        let Some(seat) = self.seats.get_mut(&number) else { return };
        if seat.phase == SeatPhase::Left {
            return;
        }
        seat.phase = SeatPhase::Left;
        seat.resume = [None; 2];
        let sockets: Vec<ConnId> =
            self.conns.iter().filter(|(_, conn)| conn.seat == number).map(|(&id, _)| id).collect();
        let reason = reason.into();
        for id in sockets {
            self.close(id, code, reason.clone(), desk);
        }
        self.game.clear_input(number);
        self.seat_changed(now, number, Presence::Left, desk);
    }

    pub(crate) fn release(&mut self, now: Time, seats: &[u16], desk: &mut Desk) {
        for &seat in seats {
            self.give_up(now, seat, CloseCode::Released, "the seat was given up", desk);
        }
    }

    /// Takes players out of the match; all are told why.
    pub(crate) fn kick(&mut self, now: Time, seats: &[u16], reason: &str, desk: &mut Desk) {
        for &number in seats {
            if self.seats.get(&number).is_some_and(|seat| seat.phase != SeatPhase::Left) {
                self.give_up(now, number, CloseCode::Kicked, reason.to_owned(), desk);
                let removed = ToClient::Removed { seat: number, reason: reason.to_owned() };
                self.tell_all(&Frame::message(&removed), desk);
            }
        }
    }

    /// Tells game, players and lobby.
    fn seat_changed(&mut self, now: Time, number: u16, presence: Presence, desk: &mut Desk) {
        self.seats_changed = true;
        let at = self.at(now);
        self.game.presence(at, number, presence);
        self.tell_roster(number, desk);
        self.pause_or_resume(now, desk);
    }

    fn tell_roster(&mut self, number: u16, desk: &mut Desk) {
        if let Some(seat) = self.seats.get(&number) {
            let frame = Frame::message(&ToClient::Roster(vec![seat.roster()]));
            self.tell_all(&frame, desk);
        }
    }

    fn notice(&mut self, now: Time, notice: Notice, desk: &mut Desk) {
        let match_ms = self.at(now).now_ms;
        let players: Vec<ConnId> = self.conns.iter().filter(|(_, conn)| conn.ready).map(|(&id, _)| id).collect();
        self.tell_each(&players, &Frame::message(&ToClient::Notice { notice, match_ms }), desk);
        // By the clock that they see.
        let match_ms = match_ms.saturating_sub(self.watchers.delay_ms());
        let watchers = self.watchers.ready();
        self.tell_each(&watchers, &Frame::message(&ToClient::Notice { notice, match_ms }), desk);
    }

    /// What happened so far, for each class of viewers there is.
    pub(crate) fn history(&self) -> Vec<Seen> {
        let mut classes: BTreeMap<ViewClass, Vec<u16>> = BTreeMap::new();
        for &seat in self.seats.keys().filter(|_| self.rules.rate_hz == 0) {
            classes.entry(self.game.class_of(seat)).or_default().push(seat);
        }
        let seen = |(class, seats)| Seen { class, seats, events: self.game.history(class) };
        classes.into_iter().map(seen).collect()
    }

    fn count(&self, presence: Presence) -> usize {
        self.seats.values().filter(|seat| seat.presence() == presence).count()
    }

    pub(crate) fn sockets(&self) -> usize {
        self.conns.len() + self.watchers.len()
    }

    pub(crate) fn spectators(&self) -> usize {
        self.watchers.len()
    }

    /// A player's socket, or a spectator's.
    fn conn_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(&id).or_else(|| self.watchers.get_mut(id))
    }

    pub(crate) fn heard(&mut self, now: Time, id: ConnId) {
        if let Some(conn) = self.conn_mut(id) {
            conn.heard = now;
        }
    }

    pub(crate) fn blocked(&mut self, id: ConnId) {
        if let Some(conn) = self.conn_mut(id) {
            conn.blocked = true;
        }
    }

    pub(crate) fn writable(&mut self, id: ConnId) {
        if let Some(conn) = self.conn_mut(id) {
            conn.blocked = false;
            conn.waiting_messages = 0;
        }
    }

    /// Passes on what the game asks of the world outside.
    fn pass_asks(&mut self, now: Time, desk: &mut Desk) {
        for (question, words) in self.game.take_asks() {
            self.asked += 1;
            let fits = words.len() <= limits::MAX_ANSWER_BYTES;
            self.unanswered.insert(question);
            if self.asked <= limits::MAX_ASKS && fits {
                desk.outputs.push_back(Output::Ask { epoch: self.spec.epoch, question, words });
            } else {
                self.answer(now, question, None);
            }
        }
    }

    /// The world outside answered. What nobody waits for is nothing.
    pub(crate) fn answer(&mut self, now: Time, question: u32, answer: Option<&str>) {
        if self.unanswered.remove(&question) && self.outcome.is_none() {
            let at = self.at(now);
            self.game.answer(at, question, answer.filter(|answer| answer.len() <= limits::MAX_ANSWER_BYTES));
        }
    }

    /// The room takes no new match.
    pub(crate) fn drain(&mut self, now: Time, until: Time, desk: &mut Desk) {
        let until = self.draining.map_or(until, |earlier| earlier.min(until));
        self.draining = Some(until);
        let within_ms = u64::try_from(until.since(now).as_millis()).unwrap_or(u64::MAX);
        self.notice(now, Notice::Draining { within_ms }, desk);
        let at = self.at(now);
        self.game.drain(at, within_ms);
    }
}
