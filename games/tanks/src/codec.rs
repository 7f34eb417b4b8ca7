//! How little of the yard has to be sent.
//!
//! Both sides know how everything moves, so a change tells who began to hold what and when: one bit for a tank whose
//! player held on, some twelve for one who did not. What does not follow from that (hits, tanks that come back, inputs
//! that came late) is sent as correction, whatever it is.

mod parts;

use bellhop_game::{DecodeError, Reader, View, Wire, Writer, schema_of};

use crate::arena::{Arena, Body, Held, Input, LIFE, LIVES, MOST_SHELLS, RELOAD, SHOTS, Shell};
use crate::map::{LEAST_TILES, MOST_TILES, Map, TILE};
use crate::show;
use crate::trig::CIRCLE;
use parts::{read_list, write_list};

/// Longest gap that is told by inputs; beyond it the whole of what moves is shorter.
pub(crate) const MAX_TOLD_TICKS: u32 = 16;
/// Most inputs of one tank that are told in a gap.
const MAX_TOLD: u32 = 16;

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
            let news =
                now.told.iter().filter(|held| held.seat == tank.seat && (self.tick + 1..=end).contains(&held.tick));
            let news: Vec<Held> = news.copied().take(MAX_TOLD as usize).collect();
            to.bool(!news.is_empty());
            let (mut from, mut before) = (self.tick + 1, tank.body.input);
            for (at, held) in news.iter().enumerate() {
                to.below(held.tick - from, end + 1 - from);
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
                first += from.below(end + 1 - first)?;
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
        let going: Vec<&Shell> =
            guess.shells.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(shell, _)| shell).collect();
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
        let told = ticks <= MAX_TOLD_TICKS && base.tick < u32::MAX - MAX_TOLD_TICKS;
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
        if ticks > MAX_TOLD_TICKS || self.tick >= u32::MAX - MAX_TOLD_TICKS {
            return Err(DecodeError::Range);
        }
        self.hear_inputs(ticks, from)?;
        if from.bool()? { self.take_correction(from) } else { Ok(()) }
    }

    fn between(&mut self, later: &Arena, part: f32) {
        show::between(self, later, part);
    }
}
