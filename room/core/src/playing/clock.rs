//! Time in the match: when it begins, when it stands still, when the next step is due.

use std::time::Duration;

use bellhop_game::{Outcome, Presence};
use bellhop_wire::{CloseCode, Notice};

use crate::hosted::Match as _;
use crate::playing::{Desk, Playing};
use crate::seat::SeatPhase;
use crate::{ConnId, Time, limits};

/// The match's own time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    tick: u32,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Players are arriving.
    Waiting,
    /// At `origin` the match's time was `ms` and its steps were `tick`.
    Running { origin: Time, ms: u64, tick: u32 },
    /// Nobody is here.
    Paused { ms: u64 },
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { tick: 0, phase: Phase::Waiting }
    }

    /// Stands still at this point of the match.
    pub(crate) fn standing(tick: u32, ms: u64) -> Clock {
        Clock { tick, phase: Phase::Paused { ms } }
    }

    pub(crate) fn tick(&self) -> u32 {
        self.tick
    }

    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting)
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Milliseconds of the match. In a real-time game they follow from the steps, so that a game sees the same time
    /// in a replay.
    pub(crate) fn match_ms(&self, now: Time, rate_hz: u32) -> u64 {
        if rate_hz > 0 { u64::from(self.tick) * 1_000 / u64::from(rate_hz) } else { self.smooth_ms(now) }
    }

    /// Milliseconds of the match as they pass between the steps.
    pub(crate) fn smooth_ms(&self, now: Time) -> u64 {
        match self.phase {
            Phase::Waiting => 0,
            Phase::Running { origin, ms, .. } => ms + now.since(origin).as_millis() as u64,
            Phase::Paused { ms } => ms,
        }
    }

    fn run(&mut self, now: Time) {
        let ms = self.smooth_ms(now);
        self.phase = Phase::Running { origin: now, ms, tick: self.tick };
    }

    /// A part of a step that was not made has not been, in a real-time game.
    fn pause(&mut self, now: Time, rate_hz: u32) {
        self.phase = Phase::Paused { ms: self.match_ms(now, rate_hz) };
    }

    /// When the next step is due.
    fn next_step(&self, rate_hz: u32) -> Option<Time> {
        self.later_step(1, rate_hz)
    }

    /// When so many more steps are due: counted from the origin, so that nothing adds up.
    fn later_step(&self, more: u32, rate_hz: u32) -> Option<Time> {
        match self.phase {
            Phase::Running { origin, tick, .. } if rate_hz > 0 => {
                let steps = u64::from(self.tick - tick) + u64::from(more);
                Some(Time(origin.0 + steps * 1_000_000 / u64::from(rate_hz)))
            }
            Phase::Running { .. } | Phase::Waiting | Phase::Paused { .. } => None,
        }
    }

    /// Drops the steps that are missing at `now`, says how many.
    fn slip(&mut self, now: Time, rate_hz: u32) -> u64 {
        let Some(next) = self.next_step(rate_hz) else { return 0 };
        if next > now {
            return 0;
        }
        let missing = (now.since(next).as_micros() as u64) * u64::from(rate_hz) / 1_000_000 + 1;
        if let Phase::Running { origin, .. } = &mut self.phase {
            origin.0 += missing * 1_000_000 / u64::from(rate_hz);
        }
        missing
    }

    /// The match's time stood still for so long.
    pub(crate) fn put_off(&mut self, stood: Duration) {
        if let Phase::Running { origin, .. } = &mut self.phase {
            *origin = origin.plus(stood);
        }
    }

    /// When the match's time will be `ms`.
    fn time_of(&self, wanted: u64) -> Option<Time> {
        match self.phase {
            Phase::Running { origin, ms, .. } => Some(origin.plus(Duration::from_millis(wanted.saturating_sub(ms)))),
            Phase::Waiting | Phase::Paused { .. } => None,
        }
    }
}

impl Playing {
    /// Time passed.
    pub(crate) fn advance(&mut self, now: Time, desk: &mut Desk) {
        self.close_the_doomed(now, desk);
        self.say_later(now, desk);
        let expired = |seat: &crate::seat::Seat| seat.until().is_some_and(|until| until <= now);
        let expired: Vec<u16> =
            self.seats.iter().filter(|(_, seat)| expired(seat)).map(|(&number, _)| number).collect();
        for number in expired {
            self.give_up(now, number, CloseCode::Released, "the seat was held long enough", desk);
        }
        self.begin_if_possible(now, desk);
        self.run_steps(now, desk);
        while self.outcome.is_none() && self.game_deadline().is_some_and(|deadline| deadline <= now) {
            let before = self.game.deadline();
            let at = self.at(now);
            self.game.timeout(at);
            self.outcome = self.game.take_outcome();
            assert!(
                self.outcome.is_some() || self.game.deadline() != before,
                "a game must move its deadline on when it has come"
            );
        }
        if self.draining.is_some_and(|until| until <= now) && self.outcome.is_none() {
            self.outcome = Some(self.game.cut_short("the room stopped"));
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        if self.outcome.is_some() {
            return self.unkept_until; // it is over, and only its journal is waited for
        }
        let conns = self.conns.values().chain(self.watchers.conns().map(|(_, conn)| conn)).map(|conn| conn.doom().0);
        let seats = self.seats.values().filter_map(|seat| seat.until());
        let start = self.first_live.filter(|_| self.clock.is_waiting()).map(|first| first.plus(limits::START_WAIT));
        let due = [
            Some(self.seen.plus(limits::LOOK_EVERY)),
            self.clock.later_step(self.together(), self.rules.rate_hz),
            self.game_deadline(),
            self.draining,
            self.unkept_until,
            self.spectators_due(),
            self.chat.due(),
        ];
        // A start that was possible at its time and did not happen waits for players, not for the clock.
        let start = start.filter(|_| self.count(Presence::Live) >= usize::from(self.rules.min_seats));
        conns.chain(seats).chain(start).chain(due.into_iter().flatten()).min()
    }

    /// When spectators who see the match later are to be shown something. In a real-time match that is at its steps.
    fn spectators_due(&self) -> Option<Time> {
        let due = self.game.spectators_due().filter(|_| self.rules.rate_hz == 0 && self.watchers.len() > 0);
        self.clock.time_of(due?)
    }

    fn game_deadline(&self) -> Option<Time> {
        self.clock.time_of(self.game.deadline()?)
    }

    fn close_the_doomed(&mut self, now: Time, desk: &mut Desk) {
        let all = self.conns.iter().map(|(&id, conn)| (id, conn)).chain(self.watchers.conns());
        let doomed: Vec<(ConnId, &'static str)> = all
            .filter_map(|(id, conn)| {
                let (at, reason) = conn.doom();
                (at <= now).then_some((id, reason))
            })
            .collect();
        for (id, reason) in doomed {
            self.expel(now, id, CloseCode::TooSlow, reason, desk);
        }
    }

    /// Starts the clock once everybody is here, or the first have waited long enough for the rest.
    pub(crate) fn begin_if_possible(&mut self, now: Time, desk: &mut Desk) {
        if !self.clock.is_waiting() || self.outcome.is_some() {
            return;
        }
        let (live, expected) = (self.count(Presence::Live), self.count(Presence::Reserved));
        let enough = live >= usize::from(self.rules.min_seats);
        let waited = self.first_live.is_some_and(|first| first.plus(limits::START_WAIT) <= now);
        let held = live + self.count(Presence::Dropped);
        if expected == 0 && held < usize::from(self.rules.min_seats) {
            self.outcome = Some(Outcome::called_off("not enough players came"));
        } else if live > 0 && (expected == 0 || enough && waited) {
            self.clock.run(now);
            self.notice(now, Notice::Started, desk);
        }
    }

    /// A match whose players are all gone for the moment stands still; with the first one back it goes on. With
    /// nobody to wait for it ends.
    pub(crate) fn pause_or_resume(&mut self, now: Time, desk: &mut Desk) {
        let held = |phase: SeatPhase| !matches!(phase, SeatPhase::Left);
        if !self.seats.values().any(|seat| held(seat.phase)) {
            if self.first_live.is_none() {
                self.outcome = Some(Outcome::called_off("nobody came"));
            } else if self.outcome.is_none() {
                self.outcome = self.game.take_outcome().or_else(|| Some(self.game.cut_short("everybody left")));
            }
            return;
        }
        let live = self.count(Presence::Live);
        if self.clock.is_running() && live == 0 {
            self.clock.pause(now, self.rules.rate_hz);
        } else if !self.clock.is_running() && !self.clock.is_waiting() && live > 0 {
            self.clock.run(now);
            self.notice(now, Notice::Resumed, desk);
        }
    }

    /// How many steps are waited for. Where each input says for which step it is meant, a step that is not shown may as
    /// well be made with the one that is, each with its own inputs: whoever wakes the room once instead of three times
    /// needs a third of the wakings.
    fn together(&self) -> u32 {
        if !self.rules.replays {
            return 1;
        }
        let most = limits::MAX_TOGETHER.as_millis() as u32 * self.rules.rate_hz / 1_000;
        self.rules.send_every.saturating_sub(self.unsent_steps).min(most).max(1)
    }

    fn run_steps(&mut self, now: Time, desk: &mut Desk) {
        let rate_hz = self.rules.rate_hz;
        let together = self.together();
        let Some(waited_for) = self.clock.later_step(together, rate_hz) else { return };
        let mut steps = 0;
        while let Some(due) = self.clock.next_step(rate_hz) {
            if due > now || self.outcome.is_some() {
                return;
            }
            if steps == limits::MAX_CATCH_UP + together - 1 {
                desk.stats.overruns += self.clock.slip(now, rate_hz);
                return;
            }
            if desk.lateness.len() < 1024 {
                desk.lateness.push(now.since(due.max(waited_for)));
            }
            self.clock.tick += 1;
            steps += 1;
            desk.stats.steps += 1;
            self.unsent_steps += 1;
            let at = self.at(now);
            self.game.step(at);
            self.outcome = self.game.take_outcome();
        }
    }
}
