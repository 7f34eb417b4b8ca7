//! The rules.

use std::collections::BTreeMap;

use bellhop_game::{Context, Game, Inputs, Moves, Outcome, Pose, Presence, Rng, Seat, Standing, ViewClass, Who};
use serde::{Deserialize, Serialize};

use crate::arena::{Arena, Body, Held, Input, LIVES, MOST_SHELLS, MOST_TANKS, RATE_HZ, Shell, Tank, TankEvent};
use crate::bot;
use crate::codec::MAX_TOLD_TICKS;
use crate::map::{LEAST_TILES, MOST_TILES, Map, TILE};
use crate::past::{KEPT, Past};
use crate::show;
use crate::trig::{CIRCLE, angle_of};

/// Steps until a destroyed tank comes back.
const GONE: u32 = 150;
/// Steps for which nothing harms a tank that came.
const SHIELD: u32 = 90;
/// Places looked at for a tank that comes; the one farthest from the others is taken.
const PLACES: usize = 8;
/// Shortest and longest match, in seconds.
const SECONDS: std::ops::RangeInclusive<u16> = 10..=3_600;

/// Settings of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Columns of tiles, 8 to 32.
    pub columns: u8,
    /// Rows of tiles, 8 to 32.
    pub rows: u8,
    /// How long the match lasts from the first player on.
    pub seconds: u16,
    /// States sent per second; the nearest of 60, 30, 20, 15, 12 and 10 that is not less.
    pub send_hz: u8,
}

impl Default for Config {
    fn default() -> Config {
        Config { columns: 20, rows: 14, seconds: 180, send_hz: 20 }
    }
}

/// A match of Tanks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tanks {
    config: Config,
    rng: Rng,
    arena: Arena,
    past: Past,
    /// How many steps behind his own time each player sees the others.
    seen: BTreeMap<u16, u32>,
    /// The same for each shell in flight, as of when it was fired.
    sights: Vec<Sight>,
}

/// A shell may hit the tanks as they were so many steps before: as its shooter saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sight {
    seat: u16,
    shot: u8,
    behind: u32,
}

impl Tanks {
    /// The yard as it is.
    pub fn arena(&self) -> &Arena {
        &self.arena
    }

    /// A place far from all others, and the angle to look from there into the yard.
    fn place(&mut self) -> ((i32, i32), u16) {
        let free = self.arena.map.free();
        let center = |(x, y): (i32, i32)| (x * TILE + TILE / 2, y * TILE + TILE / 2);
        let picked: Vec<(i32, i32)> = (0..PLACES).filter_map(|_| self.rng.pick(&free).copied()).map(center).collect();
        let nearest = |&(x, y): &(i32, i32)| {
            let others = self.arena.tanks.iter().filter(|tank| tank.is_there());
            others.map(|tank| (tank.body.x - x).abs() + (tank.body.y - y).abs()).min().unwrap_or(i32::MAX)
        };
        let (x, y) = picked.iter().copied().max_by_key(nearest).unwrap_or_else(|| center((0, 0)));
        let (columns, rows) = (i32::from(self.arena.map.columns), i32::from(self.arena.map.rows));
        ((x, y), angle_of(columns * TILE / 2 - x, rows * TILE / 2 - y))
    }

    /// Puts a tank of this seat into the yard.
    fn bring(&mut self, seat: u16) {
        let (place, angle) = self.place();
        let until = self.arena.tick + SHIELD;
        let Some(tank) = self.arena.tank_mut(seat) else { return };
        let (shots, held) = (tank.body.shots, tank.body.input);
        tank.body = Body { shots, input: held, ..Body::at(place, angle) };
        (tank.lives, tank.until) = (LIVES, until);
    }

    /// What each seat holds from this step on; what came too late goes where it belongs.
    fn take_inputs(&mut self, inputs: &Inputs<Input>, cx: &mut Context<TankEvent>) {
        let tick = self.arena.tick + 1;
        self.arena.told.retain(|held| held.tick + MAX_TOLD_TICKS >= tick);
        let seats: Vec<u16> = self.arena.tanks.iter().map(|tank| tank.seat).collect();
        for seat in seats {
            let taken = inputs.taken(Seat(seat));
            if let Some(last) = taken.last() {
                self.seen.insert(seat, last.behind.min(KEPT));
            }
            let late: Vec<(u32, Input)> = (taken.iter().filter(|timed| timed.late > 0))
                .map(|timed| (tick.saturating_sub(timed.late.min(KEPT)), timed.input))
                .collect();
            self.redrive(seat, &late, cx);
            let Some(tank) = self.arena.tank_mut(seat) else { continue };
            let held = match inputs.get(Seat(seat)) {
                Some(&input) => input,
                // Nobody is there: it stands, and looks where it looked.
                None => Input { aim: tank.body.input.aim, ..Input::default() },
            };
            if tank.body.input != held {
                tank.body.input = held;
                self.arena.told.push(Held { tick, seat, input: held });
            }
        }
    }

    /// Drives one tank again from the first of the `late` inputs on, each at the step it was meant for. So what a
    /// lossy network delayed does not move the tank of him who meant it; the others see it a little later where it
    /// should have been.
    fn redrive(&mut self, seat: u16, late: &[(u32, Input)], cx: &mut Context<TankEvent>) {
        let Some(&(first, _)) = late.first() else { return };
        let before = first.saturating_sub(1);
        let Some(mut body) = self.past.body(before, seat).filter(|_| self.past.was_there_since(before, seat)) else {
            return;
        };
        let newest = self.arena.tick;
        for step in first..=newest {
            if let Some(&(_, input)) = late.iter().rfind(|(at, _)| *at <= step) {
                body.input = input;
            }
            body.drive(&self.arena.map);
            for other in self.past.at(step).iter().filter(|other| other.seat != seat && other.there) {
                body.give_way(&self.arena.map, (other.body.x, other.body.y), 1);
            }
            let shell = body.fire(&self.arena.map, seat);
            self.past.rewrite(step, seat, body);
            // One that was fired in time is in the air.
            if let Some(shell) = shell.filter(|new| !self.arena.shells.iter().any(|old| old.name() == new.name())) {
                self.catch_up(shell, step, cx);
            }
        }
        if let Some(tank) = self.arena.tank_mut(seat) {
            tank.body = body;
        }
    }

    /// Flies a shell that was fired in a past step up to the newest one.
    fn catch_up(&mut self, mut shell: Shell, fired: u32, cx: &mut Context<TankEvent>) {
        let newest = self.arena.tick;
        let behind = self.seen.get(&shell.seat).copied().unwrap_or(0);
        for step in fired + 1..=newest {
            if !shell.fly(&self.arena.map) {
                return;
            }
            // Never further back than the quarter of a second that is kept.
            let at = step.saturating_sub(behind).max(newest.saturating_sub(KEPT));
            if let Some(hit) = self.past.hit(at, &shell) {
                return self.harm(hit, shell.seat, cx);
            }
        }
        if self.arena.shells.len() < MOST_SHELLS {
            self.sights.push(Sight { seat: shell.seat, shot: shell.shot, behind });
            self.arena.shells.push(shell);
        }
    }

    /// Shells that hit a tank where their shooter saw it.
    fn judge(&mut self, cx: &mut Context<TankEvent>) {
        let tick = self.arena.tick;
        let mut hits = Vec::new();
        let (past, seen, sights) = (&self.past, &self.seen, &mut self.sights);
        self.arena.shells.retain(|shell| {
            let sight = sights.iter().find(|sight| (sight.seat, sight.shot) == shell.name()).copied();
            let sight = sight.unwrap_or_else(|| {
                let behind = seen.get(&shell.seat).copied().unwrap_or(0);
                let sight = Sight { seat: shell.seat, shot: shell.shot, behind };
                sights.push(sight);
                sight
            });
            let hit = past.hit(tick.saturating_sub(sight.behind), shell);
            hits.extend(hit.map(|seat| (seat, shell.seat)));
            hit.is_none()
        });
        let shells = &self.arena.shells;
        self.sights.retain(|sight| shells.iter().any(|shell| (sight.seat, sight.shot) == shell.name()));
        for (seat, by) in hits {
            self.harm(seat, by, cx);
        }
    }

    /// A tank is hit. Where its shooter saw it nothing protected it; nothing may protect it now either.
    fn harm(&mut self, seat: u16, by: u16, cx: &mut Context<TankEvent>) {
        let tick = self.arena.tick;
        let Some(tank) = self.arena.tank_mut(seat).filter(|tank| tank.is_open(tick)) else { return };
        tank.lives -= 1;
        if tank.lives > 0 {
            return;
        }
        tank.until = tick + GONE;
        tank.body.speed = 0;
        cx.emit(TankEvent::Destroyed { seat, by });
        if let Some(winner) = self.arena.tank_mut(by) {
            winner.score = winner.score.saturating_add(1);
        }
    }

    /// Everybody by tanks destroyed; who left comes after all who stayed.
    fn outcome(&self, reason: &str) -> Outcome {
        let scores = |left: bool| {
            let tanks = self.arena.tanks.iter().filter(move |tank| tank.left == left);
            tanks.map(|tank| (Seat(tank.seat), i64::from(tank.score)))
        };
        let mut outcome = Outcome::ranked(scores(false), reason);
        let last = outcome.standings.len() as u32 + 1;
        outcome.standings.extend(scores(true).map(|(seat, score)| Standing { seat, rank: last, score }));
        outcome
    }
}

impl Game for Tanks {
    type Config = Config;
    type Input = Input;
    type Command = ();
    type Event = TankEvent;
    type View = Arena;
    const NAME: &'static str = "tanks";
    const RATE_HZ: u32 = RATE_HZ;
    const SEND_EVERY: u32 = 3;
    const MIN_SEATS: u16 = 1;
    const MAX_SEATS: u16 = MOST_TANKS as u16;
    const WIRE_VERSION: u32 = 1;
    const REPLAYS: bool = true;
    const REWIND_MS: u32 = 250;

    fn start(config: &Config, seed: u64) -> Tanks {
        let config = Config {
            columns: config.columns.clamp(LEAST_TILES, MOST_TILES),
            rows: config.rows.clamp(LEAST_TILES, MOST_TILES),
            seconds: config.seconds.clamp(*SECONDS.start(), *SECONDS.end()),
            send_hz: config.send_hz.clamp(10, 60),
        };
        let mut rng = Rng::new(seed);
        // A number of its own: what clients get says nothing of the seed, nor of what is drawn later.
        let map = Map::new(config.columns, config.rows, rng.bits() as u32);
        Tanks { config, rng, arena: Arena::new(map), past: Past::default(), seen: BTreeMap::new(), sights: Vec::new() }
    }

    fn send_every(&self) -> u32 {
        RATE_HZ / [10, 12, 15, 20, 30, 60].into_iter().find(|&hz| hz >= u32::from(self.config.send_hz)).unwrap_or(60)
    }

    /// A tank comes at once, whenever that is. The first one starts the clock.
    fn join(&mut self, seat: Seat, _: &Who, _: &mut Context<TankEvent>) {
        if self.arena.tanks.is_empty() {
            self.arena.ends = self.arena.tick + u32::from(self.config.seconds) * RATE_HZ;
        }
        self.arena.tanks.retain(|tank| tank.seat != seat.0);
        let body = Body::at((0, 0), 0);
        let tank = Tank { seat: seat.0, body, lives: 0, until: 0, score: 0, away: false, left: false };
        let place = self.arena.tanks.partition_point(|tank| tank.seat < seat.0);
        self.arena.tanks.insert(place, tank);
        self.bring(seat.0);
        if let Some(tank) = self.arena.tank_mut(seat.0) {
            tank.body.input.aim = tank.body.turret;
        }
    }

    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<TankEvent>) {
        let Some(tank) = self.arena.tank_mut(seat.0) else { return };
        tank.away = presence == Presence::Dropped;
        if presence == Presence::Left {
            tank.left = true;
            let playing = self.arena.tanks.iter().filter(|tank| !tank.left).count();
            if playing == 1 && self.arena.tick > 0 {
                cx.end(self.outcome("all others left"));
            }
        }
    }

    fn sanitise(input: Input) -> Option<Input> {
        let Input { drive, turn, aim, fire } = input;
        Some(Input { drive: drive.signum(), turn: turn.signum(), aim: aim % CIRCLE, fire })
    }

    fn step(&mut self, inputs: &Inputs<Input>, cx: &mut Context<TankEvent>) {
        self.take_inputs(inputs, cx);
        self.arena.glide();
        self.past.keep(&self.arena);
        self.judge(cx);
        let tick = self.arena.tick;
        let due: Vec<u16> = (self.arena.tanks.iter())
            .filter(|tank| tank.lives == 0 && !tank.left && tank.until <= tick)
            .map(|tank| tank.seat)
            .collect();
        due.into_iter().for_each(|seat| self.bring(seat));
        for tank in self.arena.tanks.iter_mut().filter(|tank| tank.until > 0 && tank.until <= tick) {
            tank.until = 0;
        }
        if tick >= self.arena.ends {
            cx.end(self.outcome("time is up"));
        }
    }

    fn view(&self, _: ViewClass) -> Arena {
        self.arena.clone()
    }

    /// The match ends in time.
    fn drain(&mut self, within_ms: u64, _: &mut Context<TankEvent>) {
        let left = u32::try_from(within_ms.saturating_sub(1_000) * u64::from(RATE_HZ) / 1_000).unwrap_or(u32::MAX);
        self.arena.ends = self.arena.ends.min(self.arena.tick.saturating_add(left));
    }

    fn cut_short(&self, reason: &str) -> Outcome {
        // Half of the time is enough to be ahead.
        let half = u32::from(self.config.seconds) * RATE_HZ / 2;
        if self.arena.tick >= half { self.outcome(reason) } else { Outcome::called_off(reason) }
    }

    fn predict(view: &mut Arena, seat: Seat, &input: &Input) {
        if let Some(tank) = view.tank_mut(seat.0) {
            tank.body.input = input;
        }
    }

    fn replay(view: &mut Arena, seat: Seat) {
        // Whether another fires is for the room to say.
        view.tanks.iter_mut().filter(|tank| tank.seat != seat.0).for_each(|tank| tank.body.input.fire = false);
        view.glide();
    }

    fn join_views(others: &mut Arena, own: &Arena, seat: Seat) {
        show::join(others, own, seat.0);
    }

    fn gap(shown: &Arena, now: &Arena, seat: Seat) -> Option<Pose> {
        show::gap(shown, now, seat.0)
    }

    fn nudge(view: &mut Arena, seat: Seat, by: &Pose) {
        show::nudge(view, seat.0, by);
    }

    fn bot(view: &Arena, seat: Seat, rng: &mut Rng) -> Moves<Tanks> {
        bot::hunt(view, seat.0, rng).map_or_else(Moves::default, Moves::hold)
    }
}

#[cfg(test)]
mod tests;
