//! How little of a sight has to be sent.
//!
//! Both sides know how bodies move, so a step sends one bit while all in sight go on as they went. Told are turns, who
//! comes into sight and who leaves it, sparks alike, and now and then a new phase.

use bellhop_game::{DecodeError, Reader, View, Wire, Writer, schema_of};

use crate::body::Body;
use crate::map::{Cell, Map};
use crate::show;
use crate::view::{Own, Phase, Score, Seen, Sight};

/// Longest gap over which the guess is made step by step; beyond it the old places do.
const MAX_GUESSED: u32 = 30;
/// Most players in a message; a match has up to 8.
const MAX_PLAYERS: usize = 64;
/// Most sparks in sight: as many as cells.
const MAX_SPARKS: usize = 61 * 61;

impl Sight {
    fn write_header(&self, to: &mut Writer) {
        self.round.write(to);
        self.rounds.write(to);
        self.phase.write(to);
        self.until.write(to);
        self.haunter.write(to);
        self.need.write(to);
        self.seconds.write(to);
    }

    fn read_header(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.round = Wire::read(from)?;
        self.rounds = Wire::read(from)?;
        self.phase = Wire::read(from)?;
        self.until = Wire::read(from)?;
        self.haunter = Wire::read(from)?;
        self.need = Wire::read(from)?;
        self.seconds = Wire::read(from)?;
        Ok(())
    }

    fn header(&self) -> (u8, u8, Phase, u32, u16, (u8, u16)) {
        (self.round, self.rounds, self.phase, self.until, self.haunter, (self.need, self.seconds))
    }

    /// What both sides make of an older sight by themselves.
    fn guess(&self, ticks: u32) -> Sight {
        let mut guess = self.clone();
        if ticks <= MAX_GUESSED {
            (0..ticks).for_each(|_| guess.glide());
        } else {
            guess.tick = guess.tick.wrapping_add(ticks);
        }
        guess
    }

    fn read_body(&self, from: &mut Reader<'_>) -> Result<Body, DecodeError> {
        let body = Body::read(from)?;
        if body.is_on(&self.map) { Ok(body) } else { Err(DecodeError::Range) }
    }

    fn read_seen(&self, from: &mut Reader<'_>) -> Result<Seen, DecodeError> {
        Ok(Seen { seat: Wire::read(from)?, body: self.read_body(from)? })
    }
}

impl Wire for Sight {
    const SCHEMA: u64 = schema_of(
        "sight: map header tick own scores bodies sparks",
        &[Map::SCHEMA, Phase::SCHEMA, Own::SCHEMA, Score::SCHEMA, Seen::SCHEMA, Cell::SCHEMA],
    );

    fn write(&self, to: &mut Writer) {
        self.map.write(to);
        self.write_header(to);
        self.tick.write(to);
        self.own.write(to);
        self.scores.write(to);
        self.bodies.write(to);
        self.sparks.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Sight, DecodeError> {
        let mut sight = Sight {
            map: Wire::read(from)?,
            tick: 0,
            round: 0,
            rounds: 0,
            phase: Phase::Countdown,
            until: 0,
            haunter: 0,
            need: 0,
            seconds: 0,
            own: None,
            scores: Vec::new(),
            bodies: Vec::new(),
            sparks: Vec::new(),
        };
        sight.read_header(from)?;
        sight.tick = Wire::read(from)?;
        sight.own = Wire::read(from)?;
        sight.scores = Wire::read(from)?;
        for _ in 0..from.length(MAX_PLAYERS, 20)? {
            sight.bodies.push(sight.read_seen(from)?);
        }
        sight.sparks = Wire::read(from)?;
        Ok(sight)
    }
}

/// Writes whether two are different, and the new one if so.
fn tell<T: PartialEq>(old: &T, new: &T, to: &mut Writer, write: impl FnOnce(&mut Writer)) {
    to.bool(old != new);
    if old != new {
        write(to);
    }
}

impl View for Sight {
    fn diff(&self, base: &Sight, ticks: u32, to: &mut Writer) {
        // Another maze: nothing of the old one helps.
        to.bool(base.map != self.map);
        if base.map != self.map {
            self.write(to);
            return;
        }
        let guess = base.guess(ticks);
        to.bool(guess != *self);
        if guess == *self {
            return;
        }
        tell(&guess.bodies, &self.bodies, to, |to| tell_bodies(&guess.bodies, &self.bodies, to));
        tell(&guess.sparks, &self.sparks, to, |to| tell_sparks(&guess.sparks, &self.sparks, to));
        let rest = |sight: &Sight| (sight.header(), sight.tick, sight.own);
        let same = rest(&guess) == rest(self) && guess.scores == self.scores;
        to.bool(!same);
        if same {
            return;
        }
        tell(&guess.own, &self.own, to, |to| self.own.write(to));
        tell(&guess.header(), &self.header(), to, |to| self.write_header(to));
        tell(&guess.tick, &self.tick, to, |to| self.tick.write(to));
        tell(&guess.scores, &self.scores, to, |to| self.scores.write(to));
    }

    fn patch(&mut self, ticks: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if from.bool()? {
            *self = Sight::read(from)?;
            return Ok(());
        }
        *self = self.guess(ticks);
        if !from.bool()? {
            return Ok(());
        }
        if from.bool()? {
            self.hear_bodies(from)?;
        }
        if from.bool()? {
            self.hear_sparks(from)?;
        }
        if !from.bool()? {
            return Ok(());
        }
        if from.bool()? {
            self.own = Wire::read(from)?;
        }
        if from.bool()? {
            self.read_header(from)?;
        }
        if from.bool()? {
            self.tick = Wire::read(from)?;
        }
        if from.bool()? {
            self.scores = Wire::read(from)?;
        }
        Ok(())
    }

    fn between(&mut self, later: &Sight, part: f32) {
        show::between(self, later, part);
    }
}

/// For each body that was in sight a bit, and if it is not as guessed, another: gone, or what it does now. Then the
/// new ones. Bodies are in the order of their seats.
fn tell_bodies(guess: &[Seen], now: &[Seen], to: &mut Writer) {
    for old in guess {
        let new = now.iter().find(|seen| seen.seat == old.seat);
        to.bool(new != Some(old));
        if new != Some(old) {
            to.bool(new.is_some());
            if let Some(new) = new {
                new.body.write(to);
            }
        }
    }
    for new in now.iter().filter(|new| !guess.iter().any(|old| old.seat == new.seat)) {
        to.bool(true);
        new.write(to);
    }
    to.bool(false);
}

/// A bit for each spark that was in sight: whether it still is. Then the new ones.
fn tell_sparks(guess: &[Cell], now: &[Cell], to: &mut Writer) {
    let gone = guess.iter().any(|spark| !now.contains(spark));
    to.bool(gone);
    if gone {
        guess.iter().for_each(|spark| to.bool(now.contains(spark)));
    }
    for new in now.iter().filter(|spark| !guess.contains(spark)) {
        to.bool(true);
        to.bits(u32::from(new.x), 6);
        to.bits(u32::from(new.y), 6);
    }
    to.bool(false);
}

impl Sight {
    fn hear_bodies(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut bodies = Vec::with_capacity(self.bodies.len());
        for old in &self.bodies {
            if !from.bool()? {
                bodies.push(*old);
            } else if from.bool()? {
                bodies.push(Seen { seat: old.seat, body: self.read_body(from)? });
            }
        }
        while from.bool()? {
            if bodies.len() >= MAX_PLAYERS {
                return Err(DecodeError::TooLong);
            }
            let seen = self.read_seen(from)?;
            let place = bodies.partition_point(|other| other.seat < seen.seat);
            bodies.insert(place, seen);
        }
        self.bodies = bodies;
        Ok(())
    }

    fn hear_sparks(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if from.bool()? {
            let mut kept = Vec::with_capacity(self.sparks.len());
            for &spark in &self.sparks {
                if from.bool()? {
                    kept.push(spark);
                }
            }
            self.sparks = kept;
        }
        while from.bool()? {
            if self.sparks.len() >= MAX_SPARKS {
                return Err(DecodeError::TooLong);
            }
            let spark = Cell { x: from.bits(6)? as u8, y: from.bits(6)? as u8 };
            let place = self.sparks.partition_point(|&other| other < spark);
            self.sparks.insert(place, spark);
        }
        Ok(())
    }
}
