//! The parts of a yard as they travel.

use bellhop_game::{DecodeError, Reader, Wire, Writer, schema_of};

use crate::arena::{Arena, Body, Input, LIFE, LIVES, MOST_TANKS, RELOAD, SHOTS, Shell, Tank};
use crate::map::{Map, TILE};
use crate::trig::{CIRCLE, between, turned};

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
    pub(crate) fn tell(self, base: Input, to: &mut Writer) {
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

    pub(crate) fn hear(self, from: &mut Reader<'_>) -> Result<Input, DecodeError> {
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

    pub(crate) fn write_place(&self, x: i32, y: i32, to: &mut Writer) {
        let (wide, high) = self.ends();
        to.below((x as u32).min(wide - 1), wide);
        to.below((y as u32).min(high - 1), high);
    }

    pub(crate) fn read_place(&self, from: &mut Reader<'_>) -> Result<(i32, i32), DecodeError> {
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
    pub(crate) fn write(&self, map: &Map, to: &mut Writer) {
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

    pub(crate) fn read(map: &Map, from: &mut Reader<'_>) -> Result<Body, DecodeError> {
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
        let mut tank = Tank { seat, body: Body::at((0, 0), 0), lives: 0, until: 0, score: 0, away: false, left: false };
        tank.read_rest(tick, from)?;
        tank.body = Body::read(map, from)?;
        Ok(tank)
    }

    /// All but the seat and what moves.
    pub(crate) fn write_rest(&self, tick: u32, to: &mut Writer) {
        to.below(u32::from(self.lives), u32::from(LIVES) + 1);
        to.bool(self.until > 0);
        if self.until > 0 {
            to.signed(i64::from(self.until) - i64::from(tick));
        }
        self.score.write(to);
        to.bool(self.away);
        to.bool(self.left);
    }

    pub(crate) fn read_rest(&mut self, tick: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
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

    pub(crate) fn same_rest(&self, other: &Tank) -> bool {
        let rest = |tank: &Tank| (tank.lives, tank.until, tank.score, tank.away, tank.left);
        rest(self) == rest(other)
    }
}

impl Arena {
    pub(crate) fn write_tanks(&self, to: &mut Writer) {
        let mut next = 0;
        write_list(&self.tanks, to, |tank, to| tank.write((&self.map, self.tick), &mut next, to));
    }

    pub(crate) fn read_tanks(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
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

    pub(crate) fn write_shell(&self, shell: &Shell, to: &mut Writer) {
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

    pub(crate) fn read_shell(&self, from: &mut Reader<'_>) -> Result<Shell, DecodeError> {
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

pub(crate) fn write_list<T>(list: &[T], to: &mut Writer, mut one: impl FnMut(&T, &mut Writer)) {
    to.varint(list.len() as u64);
    list.iter().for_each(|item| one(item, to));
}

pub(crate) fn read_list<T>(
    most: usize,
    from: &mut Reader<'_>,
    mut one: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    // Each of what is listed takes more than 40 bits.
    let length = from.length(most, 40)?;
    (0..length).map(|_| one(from)).collect()
}
