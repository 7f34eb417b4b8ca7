//! How a body moves: along the middle of passages, in whole units, the same on both sides.

use bellhop_game::{DecodeError, Reader, Wire, Writer, schema_of, wire};
use serde::{Deserialize, Serialize};

use crate::map::{Cell, HALF, Map, TILE};

/// Who turns so little too late is taken back to the corner.
const LATE_TURN: i32 = 70;

wire! {
    /// Where one goes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum Way {
        /// To smaller y.
        Up,
        /// To greater x.
        Right,
        /// To greater y.
        Down,
        /// To smaller x.
        Left,
    }
}

impl Way {
    /// All four.
    pub const ALL: [Way; 4] = [Way::Up, Way::Right, Way::Down, Way::Left];

    /// One step that way.
    pub fn step(self) -> (i32, i32) {
        match self {
            Way::Up => (0, -1),
            Way::Right => (1, 0),
            Way::Down => (0, 1),
            Way::Left => (-1, 0),
        }
    }

    /// Back.
    #[must_use]
    pub fn opposite(self) -> Way {
        match self {
            Way::Up => Way::Down,
            Way::Right => Way::Left,
            Way::Down => Way::Up,
            Way::Left => Way::Right,
        }
    }

    fn is_level(self) -> bool {
        matches!(self, Way::Left | Way::Right)
    }
}

/// A player's body. At least one of its coordinates is always in the middle of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// From the left edge, in units.
    pub x: i32,
    /// From the upper edge, in units.
    pub y: i32,
    /// Where it looks, and goes if it goes.
    pub facing: Way,
    /// Whether it moved in the last step.
    pub going: bool,
    /// What its player holds. Of others one sees no more than where they go.
    pub wanted: Option<Way>,
}

impl Body {
    /// Standing in the middle of a cell.
    pub fn at(cell: Cell, facing: Way) -> Body {
        let (x, y) = cell.middle();
        Body { x, y, facing, going: false, wanted: None }
    }

    /// The cell it is in.
    pub fn cell(&self) -> Cell {
        Cell { x: (self.x / TILE) as u8, y: (self.y / TILE) as u8 }
    }

    /// As others see it: what its player holds is his own.
    #[must_use]
    pub fn from_outside(self) -> Body {
        Body { wanted: self.going.then_some(self.facing), ..self }
    }

    /// The square of how far it is from a point.
    pub fn distance_squared(&self, (x, y): (i32, i32)) -> i64 {
        let (dx, dy) = (i64::from(self.x - x), i64::from(self.y - y));
        dx * dx + dy * dy
    }

    /// One step of the game: `speed` units the way that is held, where walls let it. Until there is an opening that
    /// way, it goes on as it went.
    pub fn step(&mut self, map: &Map, speed: i32) {
        let was_going = std::mem::take(&mut self.going);
        let Some(wanted) = self.wanted else { return };
        let mut left = speed;
        while left > 0 {
            let cell = self.cell();
            let (mx, my) = cell.middle();
            if (self.x, self.y) == (mx, my) {
                if map.is_floor(cell.next(wanted)) {
                    self.facing = wanted;
                } else if !(was_going || self.going) || !map.is_floor(cell.next(self.facing)) {
                    return;
                }
            } else if wanted.is_level() == (self.y == my) {
                self.facing = wanted;
            } else if !self.round_the_corner(map, wanted, was_going || self.going) {
                return;
            }
            self.going = true;
            left = self.advance(left);
        }
    }

    /// Between two cells, with a wish across: which of the two leads there? False: neither, so it stays.
    fn round_the_corner(&mut self, map: &Map, wanted: Way, going: bool) -> bool {
        let (behind, ahead) = self.neighbours();
        let leads = |cell: Cell| map.is_floor(cell.next(wanted));
        let (bx, by) = behind.middle();
        let gone = (self.x - bx).abs() + (self.y - by).abs();
        if leads(behind) && !leads(ahead) && (!going || gone <= LATE_TURN) {
            self.facing = self.facing.opposite();
        }
        going || leads(behind) || leads(ahead)
    }

    /// The two cells it is between, by where it faces.
    fn neighbours(&self) -> (Cell, Cell) {
        let level = self.y % TILE == HALF;
        let along = if level { self.x } else { self.y };
        let first = ((along - HALF).div_euclid(TILE)) as u8;
        let of = |number: u8| {
            if level { Cell { x: number, ..self.cell() } } else { Cell { y: number, ..self.cell() } }
        };
        let (low, high) = (of(first), of(first.wrapping_add(1)));
        if matches!(self.facing, Way::Right | Way::Down) { (low, high) } else { (high, low) }
    }

    /// Goes on to the next middle at most; what is left to go.
    fn advance(&mut self, left: i32) -> i32 {
        let (dx, dy) = self.facing.step();
        let along = (self.x * dx + self.y * dy - HALF * (dx + dy)).rem_euclid(TILE);
        let way = left.min(TILE - along);
        self.x += dx * way;
        self.y += dy * way;
        left - way
    }

    /// Keeps what was read from walking out of the map: in the middle of a cell, or between two and along the line.
    pub(crate) fn is_on(&self, map: &Map) -> bool {
        let (behind, ahead) = self.neighbours();
        match (self.x % TILE == HALF, self.y % TILE == HALF) {
            (true, true) => map.is_floor(self.cell()),
            (false, false) => false,
            (_, level) => self.facing.is_level() == level && map.is_floor(behind) && map.is_floor(ahead),
        }
    }
}

impl Wire for Body {
    const SCHEMA: u64 = schema_of("maze body: cell off facing going wanted", &[Way::SCHEMA]);

    fn write(&self, to: &mut Writer) {
        let cell = self.cell();
        to.bits(u32::from(cell.x), 6);
        to.bits(u32::from(cell.y), 6);
        let (x, y) = ((self.x % TILE) as u32, (self.y % TILE) as u32);
        let middle = x == HALF as u32 && y == HALF as u32;
        to.bool(middle);
        if !middle {
            let level = y == HALF as u32;
            to.bool(level);
            to.below(if level { x } else { y }, TILE as u32);
        }
        self.facing.write(to);
        to.bool(self.going);
        let plain = self.wanted == self.from_outside().wanted;
        to.bool(plain);
        if !plain {
            self.wanted.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Body, DecodeError> {
        let (cell_x, cell_y) = (from.bits(6)? as i32, from.bits(6)? as i32);
        let (mut x, mut y) = (HALF, HALF);
        if !from.bool()? {
            let level = from.bool()?;
            let along = from.below(TILE as u32)? as i32;
            if level { x = along } else { y = along }
        }
        let (facing, going) = (Way::read(from)?, from.bool()?);
        let mut body = Body { x: cell_x * TILE + x, y: cell_y * TILE + y, facing, going, wanted: None };
        body.wanted = if from.bool()? { body.from_outside().wanted } else { Wire::read(from)? };
        Ok(body)
    }
}
