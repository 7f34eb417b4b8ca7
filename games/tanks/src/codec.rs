//! How little of the yard has to be sent.
//!
//! Both sides know how everything moves, so a change tells who began to hold what and when: one bit for a tank whose
//! player held on, some twelve for one who did not. What does not follow from that (hits, tanks that come back, inputs
//! that came late) is sent as correction, whatever it is.

use bellhop_game::{DecodeError, Reader, View, Wire, Writer, schema_of};

use crate::arena::{Arena, Body, Held, Input, LIFE, LIVES, MOST_SHELLS, MOST_TANKS, RELOAD, SHOTS, Shell, Tank};
use crate::map::{LEAST_TILES, MOST_TILES, Map, TILE};
use crate::show;
use crate::trig::{CIRCLE, between, turned};

/// Longest gap that is told by inputs; beyond it the whole of what moves is shorter.
pub(crate) const MAX_TOLD_TICKS: u32 = 16;
/// Most inputs of one tank that are told in a gap.
const MAX_TOLD: u32 = 16;
const SEAT_END: u32 = 256;
/// Speeds are -64 to 127.
const SPEED_OFFSET: i16 = 64;
const SPEED_END: u32 = 192;
/// Aims that move by less than this are told in six bits.
const NEAR: i32 = 16;

impl Input {
    fn keys(self) -> u32 {
        let one = |key: i8| (i32::from(key.signum()) + 1) as u32;
        one(self.drive) + 3 * one(self.turn) + 9 * u32::from(self.fire)
    }

    fn with_keys(self, keys: u32) -> Input {
        let one = |key: u32| (key % 3) as i8 - 1;
        Input { drive: one(keys), turn: one(keys / 3), fire: keys >= 9, ..self }
    }

    /// What is another than in `base`.
    fn tell(self, base: Input, to: &mut Writer) {
        to.bool(self.keys() != base.keys());
        if self.keys() != base.keys() {
            to.below(self.keys(), 18);
        }
        let by = between(base.aim, self.aim);
        to.bool(by != 0);
        if by == 0 {
            return;
        }
        let near = (-NEAR..NEAR).contains(&by);
        to.bool(near);
        if near { to.below((by + NEAR) as u32, 2 * NEAR as u32) } else { self.write_aim(to) }
    }

    fn hear(self, from: &mut Reader<'_>) -> Result<Input, DecodeError> {
        let mut input = if from.bool()? { self.with_keys(from.below(18)?) } else { self };
        if from.bool()? {
            input.aim = if from.bool()? {
                turned(self.aim, from.below(2 * NEAR as u32)? as i32 - NEAR)
            } else {
                from.below(u32::from(CIRCLE))? as u16
            };
        }
        Ok(input)
    }

    fn write_aim(self, to: &mut Writer) {
        to.below(u32::from(self.aim % CIRCLE), u32::from(CIRCLE));
    }
}

impl Wire for Input {
    const SCHEMA: u64 = schema_of("tank input: keys aim", &[]);

    fn write(&self, to: &mut Writer) {
        to.below(self.keys(), 18);
        self.write_aim(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Input, DecodeError> {
        let input = Input::default().with_keys(from.below(18)?);
        Ok(Input { aim: from.below(u32::from(CIRCLE))? as u16, ..input })
    }
}

impl Map {
    /// Just beyond the greatest x and y.
    fn ends(&self) -> (u32, u32) {
        (u32::from(self.columns) * TILE as u32, u32::from(self.rows) * TILE as u32)
    }

    fn write_place(&self, x: i32, y: i32, to: &mut Writer) {
        let (wide, high) = self.ends();
        to.below((x as u32).min(wide - 1), wide);
        to.below((y as u32).min(high - 1), high);
    }

    fn read_place(&self, from: &mut Reader<'_>) -> Result<(i32, i32), DecodeError> {
        let (wide, high) = self.ends();
        Ok((from.below(wide)? as i32, from.below(high)? as i32))
    }
}

fn write_angle(angle: u16, to: &mut Writer) {
    to.below(u32::from(angle % CIRCLE), u32::from(CIRCLE));
}

fn read_angle(from: &mut Reader<'_>) -> Result<u16, DecodeError> {
    Ok(from.below(u32::from(CIRCLE))? as u16)
}

impl Body {
    fn write(&self, map: &Map, to: &mut Writer) {
        map.write_place(self.x, self.y, to);
        write_angle(self.hull, to);
        write_angle(self.turret, to);
        self.input.tell(Input { aim: self.turret, ..Input::default() }, to);
        // Mostly it goes as fast as it is driven.
        let full = self.speed == self.input.speed();
        to.bool(full);
        if !full {
            to.below((self.speed + SPEED_OFFSET) as u32, SPEED_END);
        }
        to.below(u32::from(self.reload), u32::from(RELOAD) + 1);
        to.below(u32::from(self.shots), u32::from(SHOTS));
    }

    fn read(map: &Map, from: &mut Reader<'_>) -> Result<Body, DecodeError> {
        let (x, y) = map.read_place(from)?;
        let (hull, turret) = (read_angle(from)?, read_angle(from)?);
        let input = Input { aim: turret, ..Input::default() }.hear(from)?;
        let speed = if from.bool()? { input.speed() } else { from.below(SPEED_END)? as i16 - SPEED_OFFSET };
        let reload = from.below(u32::from(RELOAD) + 1)? as u8;
        Ok(Body { x, y, hull, turret, speed, reload, shots: from.below(u32::from(SHOTS))? as u8, input })
    }
}

impl Tank {
    /// `next` is the seat after that of the tank before.
    fn write(&self, (map, tick): (&Map, u32), next: &mut u16, to: &mut Writer) {
        to.bool(self.seat == *next);
        if self.seat != *next {
            to.below(u32::from(self.seat), SEAT_END);
        }
        *next = self.seat + 1;
        self.write_rest(tick, to);
        self.body.write(map, to);
    }

    fn read((map, tick): (&Map, u32), next: &mut u16, from: &mut Reader<'_>) -> Result<Tank, DecodeError> {
        let seat = if from.bool()? { *next } else { from.below(SEAT_END)? as u16 };
        *next = seat + 1;
        let mut tank =
            Tank { seat, body: Body::at((0, 0), 0), lives: 0, until: 0, score: 0, away: false, left: false };
        tank.read_rest(tick, from)?;
        tank.body = Body::read(map, from)?;
        Ok(tank)
    }

    /// All but the seat and what moves.
    fn write_rest(&self, tick: u32, to: &mut Writer) {
        to.below(u32::from(self.lives), u32::from(LIVES) + 1);
        to.bool(self.until > 0);
        if self.until > 0 {
            to.signed(i64::from(self.until) - i64::from(tick));
        }
        self.score.write(to);
        to.bool(self.away);
        to.bool(self.left);
    }

    fn read_rest(&mut self, tick: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.lives = from.below(u32::from(LIVES) + 1)? as u8;
        self.until = 0;
        if from.bool()? {
            let until = i64::from(tick).checked_add(from.signed()?).ok_or(DecodeError::Range)?;
            self.until = u32::try_from(until).map_err(|_| DecodeError::Range)?;
        }
        self.score = Wire::read(from)?;
        self.away = from.bool()?;
        self.left = from.bool()?;
        Ok(())
    }

    fn same_rest(&self, other: &Tank) -> bool {
        let rest = |tank: &Tank| (tank.lives, tank.until, tank.score, tank.away, tank.left);
        rest(self) == rest(other)
    }
}

impl Arena {
    fn write_tanks(&self, to: &mut Writer) {
        let mut next = 0;
        write_list(&self.tanks, to, |tank, to| tank.write((&self.map, self.tick), &mut next, to));
    }

    fn read_tanks(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        let (mut next, map, tick) = (0, &self.map, self.tick);
        self.tanks = read_list(MOST_TANKS, from, |from| Tank::read((map, tick), &mut next, from))?;
        Ok(())
    }

    /// The steps a shell still flies if it is the newest shot of the tank of this place, or the one before that, which
    /// fired as often as it could.
    fn life_of(&self, tank: usize, shot: u8) -> Option<u8> {
        let body = self.tanks.get(tank)?.body;
        let before = (body.shots + SHOTS - shot % SHOTS) % SHOTS;
        let age = before.checked_mul(RELOAD)?.checked_add(RELOAD.checked_sub(body.reload)?)?;
        LIFE.checked_sub(age)
    }

    fn write_shell(&self, shell: &Shell, to: &mut Writer) {
        let tank = self.tanks.iter().position(|tank| tank.seat == shell.seat);
        to.bool(tank.is_some());
        match tank {
            Some(tank) => to.below(tank as u32, MOST_TANKS as u32),
            None => to.below(u32::from(shell.seat), SEAT_END),
        }
        to.below(u32::from(shell.shot), u32::from(SHOTS));
        let life = tank.and_then(|tank| self.life_of(tank, shell.shot));
        to.bool(life == Some(shell.life));
        if life != Some(shell.life) {
            to.below(u32::from(shell.life), u32::from(LIFE) + 1);
        }
        self.map.write_place(shell.x, shell.y, to);
        write_angle(shell.angle, to);
        to.bool(shell.bounced);
    }

    fn read_shell(&self, from: &mut Reader<'_>) -> Result<Shell, DecodeError> {
        let tank = if from.bool()? { Some(from.below(MOST_TANKS as u32)? as usize) } else { None };
        let seat = match tank {
            Some(tank) => self.tanks.get(tank).ok_or(DecodeError::Range)?.seat,
            None => from.below(SEAT_END)? as u16,
        };
        let shot = from.below(u32::from(SHOTS))? as u8;
        let life = match tank {
            Some(tank) if from.bool()? => self.life_of(tank, shot).ok_or(DecodeError::Range)?,
            Some(_) => from.below(u32::from(LIFE) + 1)? as u8,
            None => {
                from.bool()?;
                from.below(u32::from(LIFE) + 1)? as u8
            }
        };
        let (x, y) = self.map.read_place(from)?;
        Ok(Shell { seat, shot, x, y, angle: read_angle(from)?, life, bounced: from.bool()? })
    }
}

fn write_list<T>(list: &[T], to: &mut Writer, mut one: impl FnMut(&T, &mut Writer)) {
    to.varint(list.len() as u64);
    list.iter().for_each(|item| one(item, to));
}

fn read_list<T>(
    most: usize,
    from: &mut Reader<'_>,
    mut one: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    // Each of what is listed takes more than 40 bits.
    let length = from.length(most, 40)?;
    (0..length).map(|_| one(from)).collect()
}

impl Wire for Arena {
    const SCHEMA: u64 = schema_of(
        "arena: map(columns rows seed) tick ends tanks(seat lives until score away left body) shells",
        &[Input::SCHEMA, CIRCLE as u64, LIFE as u64, RELOAD as u64, LIVES as u64, SHOTS as u64, TILE as u64],
    );

    fn write(&self, to: &mut Writer) {
        self.map.write(to);
        self.tick.write(to);
        self.ends.write(to);
        self.write_tanks(to);
        write_list(&self.shells, to, |shell, to| self.write_shell(shell, to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Arena, DecodeError> {
        let mut arena = Arena::new(Map::read(from)?);
        arena.tick = Wire::read(from)?;
        arena.ends = Wire::read(from)?;
        arena.read_tanks(from)?;
        arena.shells = read_list(MOST_SHELLS, from, |from| arena.read_shell(from))?;
        Ok(arena)
    }
}

impl Map {
    fn write(&self, to: &mut Writer) {
        to.bits(u32::from(self.columns), 6);
        to.bits(u32::from(self.rows), 6);
        to.bits(self.seed, 32);
    }

    fn read(from: &mut Reader<'_>) -> Result<Map, DecodeError> {
        let mut side = || -> Result<u8, DecodeError> {
            let tiles = from.bits(6)? as u8;
            if (LEAST_TILES..=MOST_TILES).contains(&tiles) { Ok(tiles) } else { Err(DecodeError::Range) }
        };
        let (columns, rows) = (side()?, side()?);
        Ok(Map::new(columns, rows, from.bits(32)?))
    }
}

impl Arena {
    /// Glides with what `now` says was held, telling it.
    fn tell_inputs(&mut self, now: &Arena, ticks: u32, to: &mut Writer) {
        let end = self.tick.wrapping_add(ticks);
        let mut told: Vec<Held> = Vec::new();
        for tank in &self.tanks {
            let news = now.told.iter().filter(|held| held.seat == tank.seat && (self.tick + 1..=end).contains(&held.tick));
            let news: Vec<Held> = news.copied().take(MAX_TOLD as usize).collect();
            to.bool(!news.is_empty());
            let (mut from, mut before) = (self.tick + 1, tank.body.input);
            for (at, held) in news.iter().enumerate() {
                to.below(held.tick - from, end - from + 1);
                held.input.tell(before, to);
                let more = at + 1 < news.len();
                to.bool(more);
                (from, before) = (held.tick, held.input);
            }
            told.extend(news);
        }
        self.glide_with(&told, ticks);
    }

    fn hear_inputs(&mut self, ticks: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        let end = self.tick.checked_add(ticks).ok_or(DecodeError::Range)?;
        let mut told: Vec<Held> = Vec::new();
        for tank in &self.tanks {
            let (mut first, mut input) = (self.tick + 1, tank.body.input);
            let mut more = from.bool()?;
            for _ in 0..MAX_TOLD {
                if !more {
                    break;
                }
                first += from.below(end - first + 1)?;
                input = input.hear(from)?;
                told.push(Held { tick: first, seat: tank.seat, input });
                more = from.bool()?;
            }
        }
        self.glide_with(&told, ticks);
        Ok(())
    }

    fn glide_with(&mut self, told: &[Held], ticks: u32) {
        for _ in 0..ticks {
            let step = self.tick + 1;
            for held in told.iter().filter(|held| held.tick == step) {
                if let Some(tank) = self.tank_mut(held.seat) {
                    tank.body.input = held.input;
                }
            }
            self.glide();
        }
    }

    /// What of `self` is not as in `guess`.
    fn correct(&self, guess: &Arena, to: &mut Writer) {
        let same_header = (guess.tick, guess.ends, &guess.map) == (self.tick, self.ends, &self.map);
        to.bool(!same_header);
        if !same_header {
            self.map.write(to);
            self.tick.write(to);
            self.ends.write(to);
        }
        let seats = |arena: &Arena| arena.tanks.iter().map(|tank| tank.seat).collect::<Vec<_>>();
        let same_seats = seats(self) == seats(guess);
        to.bool(same_seats);
        if same_seats {
            for (tank, guess) in self.tanks.iter().zip(&guess.tanks) {
                to.bool(tank != guess);
                if tank != guess {
                    to.bool(!tank.same_rest(guess));
                    if !tank.same_rest(guess) {
                        tank.write_rest(self.tick, to);
                    }
                    to.bool(tank.body != guess.body);
                    if tank.body != guess.body {
                        tank.body.write(&self.map, to);
                    }
                }
            }
        } else {
            self.write_tanks(to);
        }
        to.bool(self.shells != guess.shells);
        if self.shells == guess.shells {
            return;
        }
        // Those that go on, in their order; then those that are new.
        let kept: Vec<bool> = guess.shells.iter().map(|shell| self.shells.contains(shell)).collect();
        let going: Vec<&Shell> = guess.shells.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(shell, _)| shell).collect();
        let in_order = going.len() <= self.shells.len() && going.iter().zip(&self.shells).all(|(a, b)| *a == b);
        to.bool(in_order);
        if in_order {
            kept.iter().for_each(|&kept| to.bool(kept));
            write_list(&self.shells[going.len()..], to, |shell, to| self.write_shell(shell, to));
        } else {
            write_list(&self.shells, to, |shell, to| self.write_shell(shell, to));
        }
    }

    fn take_correction(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if from.bool()? {
            self.map = Map::read(from)?;
            self.tick = Wire::read(from)?;
            self.ends = Wire::read(from)?;
        }
        let (tick, map) = (self.tick, &self.map);
        if from.bool()? {
            for tank in &mut self.tanks {
                if from.bool()? {
                    if from.bool()? {
                        tank.read_rest(tick, from)?;
                    }
                    if from.bool()? {
                        tank.body = Body::read(map, from)?;
                    }
                }
            }
        } else {
            self.read_tanks(from)?;
        }
        if from.bool()? {
            if from.bool()? {
                let mut kept = Vec::with_capacity(self.shells.len());
                for shell in &self.shells {
                    if from.bool()? {
                        kept.push(*shell);
                    }
                }
                self.shells = kept;
                let room = MOST_SHELLS.saturating_sub(self.shells.len());
                let new = read_list(room, from, |from| self.read_shell(from))?;
                self.shells.extend(new);
            } else {
                self.shells = read_list(MOST_SHELLS, from, |from| self.read_shell(from))?;
            }
        }
        Ok(())
    }
}

impl View for Arena {
    fn diff(&self, base: &Arena, ticks: u32, to: &mut Writer) {
        let told = ticks <= MAX_TOLD_TICKS && base.tick <= u32::MAX - MAX_TOLD_TICKS - 1;
        to.bool(told);
        if !told {
            self.write(to);
            return;
        }
        let mut guess = base.clone();
        guess.tell_inputs(self, ticks, to);
        to.bool(guess != *self);
        if guess != *self {
            self.correct(&guess, to);
        }
    }

    fn patch(&mut self, ticks: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if !from.bool()? {
            *self = Arena::read(from)?;
            return Ok(());
        }
        if ticks > MAX_TOLD_TICKS || self.tick > u32::MAX - MAX_TOLD_TICKS - 1 {
            return Err(DecodeError::Range);
        }
        self.hear_inputs(ticks, from)?;
        if from.bool()? { self.take_correction(from) } else { Ok(()) }
    }

    fn between(&mut self, later: &Arena, part: f32) {
        show::between(self, later, part);
    }
}
