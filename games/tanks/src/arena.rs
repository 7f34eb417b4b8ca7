//! What stands and flies in the yard, and how it moves by itself.

use bellhop_game::wire;
use serde::{Deserialize, Serialize};

use crate::map::Map;
use crate::trig::{along, between, turned};

/// Units in a point of the page.
pub const UNIT: i32 = 32;
/// Steps in a second.
pub(crate) const RATE_HZ: u32 = 60;
/// Half the side of the square that walls stop.
pub(crate) const HALF: i32 = 18 * UNIT;
/// Two hulls keep their centres this far apart.
const APART: i32 = 40 * UNIT;
/// A shell this near to a tank's centre hits it.
pub(crate) const HIT: i32 = 22 * UNIT;
/// From the centre to the muzzle.
const MUZZLE: i32 = 30 * UNIT;
/// Units a step.
const FORWARD: i16 = 72;
const BACKWARD: i16 = -44;
/// Gained and lost in a step.
const FASTER: i16 = 6;
const SLOWER: i16 = 9;
/// Angles a step: the hull some 150 degrees a second, the turret 340.
const TURN: i32 = 7;
const TURRET: i32 = 16;
/// Units a shell flies in a step, in two halves so that it goes through no corner.
const FLIGHT: i32 = 8 * UNIT;
/// Steps a shell flies.
pub(crate) const LIFE: u8 = 80;
/// Steps between two shots.
pub(crate) const RELOAD: u8 = 40;
/// Shots are counted up to this and then from 0 again: far more than fly at a time.
pub(crate) const SHOTS: u8 = 16;
/// Hits a tank takes.
pub(crate) const LIVES: u8 = 3;
/// Most tanks in a yard.
pub(crate) const MOST_TANKS: usize = 16;
/// Most shells: each tank has at most `LIFE / RELOAD` of them in flight, rounded up.
pub(crate) const MOST_SHELLS: usize = MOST_TANKS * 3;

/// What a player holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// 1 forward, -1 back.
    pub drive: i8,
    /// 1 to greater angles, -1 to smaller ones.
    pub turn: i8,
    /// Where the turret is to point, below [`CIRCLE`](crate::CIRCLE).
    pub aim: u16,
    /// Fires as often as it can.
    pub fire: bool,
}

/// An input that began to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The step.
    pub tick: u32,
    /// Whose.
    pub seat: u16,
    /// What.
    pub input: Input,
}

/// What of a tank moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Place, in 1/32 of a point.
    pub x: i32,
    /// Place, in 1/32 of a point.
    pub y: i32,
    /// Where the hull points.
    pub hull: u16,
    /// Where the turret points, by itself.
    pub turret: u16,
    /// Units a step; negative: backwards.
    pub speed: i16,
    /// Steps until it can fire.
    pub reload: u8,
    /// Shots fired, counted round and round; with the seat it names a shell.
    pub shots: u8,
    /// What its player holds.
    pub input: Input,
}

/// A tank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tank {
    /// The player's seat.
    pub seat: u16,
    /// What of it moves.
    pub body: Body,
    /// Hits it can take; 0: destroyed, until [`Tank::until`].
    pub lives: u8,
    /// The step at which a destroyed tank comes back, or until which nothing harms it.
    pub until: u32,
    /// Tanks it destroyed.
    pub score: u16,
    /// The player lost the connection.
    pub away: bool,
    /// The player left for good.
    pub left: bool,
}

/// A shell in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shell {
    /// Whose.
    pub seat: u16,
    /// The number of the shot.
    pub shot: u8,
    /// Place.
    pub x: i32,
    /// Place.
    pub y: i32,
    /// Where it flies.
    pub angle: u16,
    /// Steps it still flies.
    pub life: u8,
    /// It bounced off a wall; at the next it ends.
    pub bounced: bool,
}

wire! {
    /// What is told once.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", tag = "kind")]
    pub enum TankEvent {
        /// A tank was destroyed.
        Destroyed {
            /// Whose.
            seat: u16,
            /// By whom.
            by: u16,
        },
    }
}

/// The yard as everybody sees it: all of the game but what is random and what is past.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Arena {
    /// The walls.
    pub map: Map,
    /// Steps since the match began.
    pub tick: u32,
    /// The step at which the time is up.
    pub ends: u32,
    /// All tanks, by seat.
    pub tanks: Vec<Tank>,
    /// All shells in flight.
    pub shells: Vec<Shell>,
    /// What began to be held in the last steps: it shortens the changes that are sent and is no part of the state.
    #[serde(skip)]
    pub told: Vec<Held>,
}

impl PartialEq for Arena {
    fn eq(&self, other: &Arena) -> bool {
        (self.tick, self.ends) == (other.tick, other.ends)
            && self.tanks == other.tanks
            && self.shells == other.shells
            && self.map == other.map
    }
}

impl Input {
    /// What a hull comes to that is driven so for a while.
    pub(crate) fn speed(self) -> i16 {
        match self.drive.signum() {
            1 => FORWARD,
            -1 => BACKWARD,
            _ => 0,
        }
    }
}

impl Tank {
    /// Whether it stands in the yard.
    pub fn is_there(&self) -> bool {
        self.lives > 0 && !self.left
    }

    /// Whether a shell would harm it.
    pub(crate) fn is_open(&self, tick: u32) -> bool {
        self.is_there() && tick >= self.until
    }
}

impl Body {
    /// At a place, looking somewhere.
    pub(crate) fn at((x, y): (i32, i32), angle: u16) -> Body {
        let input = Input { aim: angle, ..Input::default() };
        Body { x, y, hull: angle, turret: angle, speed: 0, reload: RELOAD, shots: 0, input }
    }

    /// Drives and turns by what is held, as far as walls allow.
    pub(crate) fn drive(&mut self, map: &Map) {
        let Input { turn, aim, .. } = self.input;
        self.hull = turned(self.hull, i32::from(turn.signum()) * TURN);
        self.turret = turned(self.turret, between(self.turret, aim).clamp(-TURRET, TURRET));
        let wanted = self.input.speed();
        let quicker = self.speed.signum() * wanted.signum() >= 0 && wanted.abs() > self.speed.abs();
        let change = if quicker { FASTER } else { SLOWER };
        self.speed += (wanted - self.speed).clamp(-change, change);
        self.reload = self.reload.saturating_sub(1);
        let (dx, dy) = along(self.hull, i32::from(self.speed));
        self.shift(map, dx, dy);
    }

    /// Moves along each axis as far as walls allow, and so slides along them.
    fn shift(&mut self, map: &Map, dx: i32, dy: i32) {
        use crate::map::TILE;
        let free = |x: i32, y: i32| {
            [(-HALF, -HALF), (HALF - 1, -HALF), (-HALF, HALF - 1), (HALF - 1, HALF - 1)]
                .into_iter()
                .all(|(dx, dy)| !map.blocks(x + dx, y + dy))
        };
        // To the wall, not through it: a step is far shorter than a tile.
        let stop = |at: i32, by: i32| {
            let edge = if by > 0 { at + by + HALF - 1 } else { at + by - HALF };
            let tile = edge.div_euclid(TILE);
            if by > 0 { tile * TILE - HALF } else { (tile + 1) * TILE + HALF }
        };
        let held =
            |moved: i32, at: i32, by: i32| if by > 0 { moved.clamp(at, at + by) } else { moved.clamp(at + by, at) };
        let x = if free(self.x + dx, self.y) { self.x + dx } else { held(stop(self.x, dx), self.x, dx) };
        if free(x, self.y) {
            self.x = x;
        }
        let y = if free(self.x, self.y + dy) { self.y + dy } else { held(stop(self.y, dy), self.y, dy) };
        if free(self.x, y) {
            self.y = y;
        }
    }

    /// Gives way to another hull by `part` of two of what they overlap.
    pub(crate) fn give_way(&mut self, map: &Map, other: (i32, i32), part: i32) {
        let (dx, dy) = (self.x - other.0, self.y - other.1);
        if dx.abs() >= APART || dy.abs() >= APART {
            return;
        }
        let square = dx * dx + dy * dy;
        if square >= APART * APART || square == 0 {
            return;
        }
        let apart = square.isqrt().max(1);
        let overlap = (APART - apart) * part;
        self.shift(map, dx * overlap / (2 * apart), dy * overlap / (2 * apart));
    }

    /// Fires if it is held and loaded. A muzzle in a wall spends its shell.
    pub(crate) fn fire(&mut self, map: &Map, seat: u16) -> Option<Shell> {
        if !self.input.fire || self.reload > 0 {
            return None;
        }
        self.reload = RELOAD;
        self.shots = (self.shots + 1) % SHOTS;
        let (dx, dy) = along(self.turret, MUZZLE);
        let (x, y) = (self.x + dx, self.y + dy);
        let shell = Shell { seat, shot: self.shots, x, y, angle: self.turret, life: LIFE, bounced: false };
        map.is_clear((self.x, self.y), (x, y)).then_some(shell)
    }
}

impl Shell {
    /// Whose it is and which of his shots.
    pub(crate) fn name(&self) -> (u16, u8) {
        (self.seat, self.shot)
    }

    /// Flies one step; false: it is at its end.
    pub(crate) fn fly(&mut self, map: &Map) -> bool {
        self.life = self.life.saturating_sub(1);
        self.life > 0 && (0..2).all(|_| self.half_a_step(map))
    }

    fn half_a_step(&mut self, map: &Map) -> bool {
        let (dx, dy) = along(self.angle, FLIGHT / 2);
        let (x, y) = (self.x + dx, self.y + dy);
        if !map.blocks(x, y) {
            (self.x, self.y) = (x, y);
            return true;
        }
        let (over_x, over_y) = (map.blocks(x, self.y), map.blocks(self.x, y));
        // Off a wall beside, one above or below, or a corner.
        self.angle = match (over_x, over_y) {
            (true, false) => turned(512, -i32::from(self.angle)),
            (false, true) => turned(0, -i32::from(self.angle)),
            _ => turned(self.angle, 512),
        };
        !std::mem::replace(&mut self.bounced, true)
    }
}

impl Arena {
    /// An empty yard.
    pub fn new(map: Map) -> Arena {
        Arena { map, tick: 0, ends: u32::MAX, tanks: Vec::new(), shells: Vec::new(), told: Vec::new() }
    }

    /// The tank of a seat.
    pub fn tank(&self, seat: u16) -> Option<&Tank> {
        self.tanks.iter().find(|tank| tank.seat == seat)
    }

    pub(crate) fn tank_mut(&mut self, seat: u16) -> Option<&mut Tank> {
        self.tanks.iter_mut().find(|tank| tank.seat == seat)
    }

    /// What moves by itself in one step, given what is held: hulls, turrets, shells. Who is hit and who comes back is
    /// not decided here.
    pub fn glide(&mut self) {
        self.tick = self.tick.wrapping_add(1);
        let map = &self.map;
        self.shells.retain_mut(|shell| shell.fly(map));
        for tank in self.tanks.iter_mut().filter(|tank| tank.is_there()) {
            tank.body.drive(map);
        }
        for one in 1..self.tanks.len() {
            let (before, rest) = self.tanks.split_at_mut(one);
            let Some(tank) = rest.first_mut().filter(|tank| tank.is_there()) else { continue };
            for other in before.iter_mut().filter(|other| other.is_there()) {
                let place = (other.body.x, other.body.y);
                other.body.give_way(map, (tank.body.x, tank.body.y), 1);
                tank.body.give_way(map, place, 1);
            }
        }
        for tank in self.tanks.iter_mut().filter(|tank| tank.is_there()) {
            if let Some(shell) = tank.body.fire(map, tank.seat).filter(|_| self.shells.len() < MOST_SHELLS) {
                self.shells.push(shell);
            }
        }
    }
}
