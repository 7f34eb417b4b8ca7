//! The maze itself: known to everybody, and drawn by both sides from a seed of its own.

use std::sync::Arc;

use bellhop_game::{DecodeError, Reader, Rng, Wire, Writer, schema_of, wire};
use serde::{Deserialize, Serialize};

use crate::body::Way;

/// Length of a cell's side. Positions are whole numbers of these units, so that native and wasm agree.
pub const TILE: i32 = 240;
/// From a cell's edge to its middle.
pub const HALF: i32 = TILE / 2;
/// Fewest and most columns and rows.
pub(crate) const SIZES: std::ops::RangeInclusive<u8> = 11..=61;
/// Of a hundred dead ends, so many stay.
const DEAD_ENDS: u32 = 8;

wire! {
    /// A place in the maze, counted from the upper left.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(into = "(u8, u8)", from = "(u8, u8)")]
    pub struct Cell {
        /// Column.
        pub x: u8,
        /// Row.
        pub y: u8,
    }
}

impl From<Cell> for (u8, u8) {
    fn from(cell: Cell) -> (u8, u8) {
        (cell.x, cell.y)
    }
}

impl From<(u8, u8)> for Cell {
    fn from((x, y): (u8, u8)) -> Cell {
        Cell { x, y }
    }
}

impl Cell {
    /// The next cell that way. Outside it is one no maze has.
    #[must_use]
    pub fn next(self, way: Way) -> Cell {
        let (dx, dy) = way.step();
        Cell { x: self.x.wrapping_add_signed(dx as i8), y: self.y.wrapping_add_signed(dy as i8) }
    }

    /// Its middle.
    pub fn middle(self) -> (i32, i32) {
        (i32::from(self.x) * TILE + HALF, i32::from(self.y) * TILE + HALF)
    }
}

/// All that makes a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Plan {
    seed: u32,
    width: u8,
    height: u8,
}

/// A maze. To copy it costs nothing; it travels as its seed and its size.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "Plan", from = "Plan")]
pub struct Map(Arc<Walls>);

struct Walls {
    plan: Plan,
    solid: Vec<bool>,
    gates: Vec<Cell>,
}

impl From<Plan> for Map {
    fn from(plan: Plan) -> Map {
        Map::new(plan.seed, plan.width, plan.height)
    }
}

impl From<Map> for Plan {
    fn from(map: Map) -> Plan {
        map.0.plan
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.0.plan == other.0.plan
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "map {:?}", self.0.plan)
    }
}

impl Map {
    /// The maze of this seed. Sizes are brought into their range and made odd.
    pub fn new(seed: u32, width: u8, height: u8) -> Map {
        let odd = |size: u8| size.clamp(*SIZES.start(), *SIZES.end()) | 1;
        let plan = Plan { seed, width: odd(width), height: odd(height) };
        let mut digger = Digger {
            plan,
            solid: vec![true; usize::from(plan.width) * usize::from(plan.height)],
            rng: Rng::new(u64::from(seed)),
        };
        digger.passages();
        digger.loops();
        digger.halls();
        let gates = digger.gates();
        Map(Arc::new(Walls { plan, solid: digger.solid, gates }))
    }

    /// Columns.
    pub fn width(&self) -> u8 {
        self.0.plan.width
    }

    /// Rows.
    pub fn height(&self) -> u8 {
        self.0.plan.height
    }

    /// What the maze follows from, besides its size.
    pub fn seed(&self) -> u32 {
        self.0.plan.seed
    }

    /// Where one escapes.
    pub fn gates(&self) -> &[Cell] {
        &self.0.gates
    }

    /// Whether there is a wall, as there is everywhere outside.
    pub fn is_wall(&self, x: i32, y: i32) -> bool {
        let (width, height) = (i32::from(self.width()), i32::from(self.height()));
        let inside = (0..width).contains(&x) && (0..height).contains(&y);
        !inside || self.0.solid[(y * width + x) as usize]
    }

    /// Whether one can stand there.
    pub fn is_floor(&self, cell: Cell) -> bool {
        !self.is_wall(i32::from(cell.x), i32::from(cell.y))
    }

    /// All cells that are no wall, row by row.
    pub fn floor(&self) -> impl Iterator<Item = Cell> + '_ {
        let cells = (0..self.height()).flat_map(|y| (0..self.width()).map(move |x| Cell { x, y }));
        cells.filter(|&cell| self.is_floor(cell))
    }

    /// Walls and floor as text, row by row without a break, for the page.
    pub(crate) fn picture(&self) -> String {
        self.0.solid.iter().map(|&solid| if solid { '#' } else { '.' }).collect()
    }

    /// How many steps each cell is from here; `u16::MAX` where there is no way. Row by row.
    pub(crate) fn steps_from(&self, start: Cell) -> Steps {
        let mut steps = Steps { width: self.width(), steps: vec![u16::MAX; self.0.solid.len()] };
        if !self.is_floor(start) {
            return steps;
        }
        let mut line = std::collections::VecDeque::from([start]);
        steps.set(start, 0);
        while let Some(cell) = line.pop_front() {
            let far = steps.to(cell) + 1;
            for way in Way::ALL {
                let next = cell.next(way);
                if self.is_floor(next) && steps.to(next) == u16::MAX {
                    steps.set(next, far);
                    line.push_back(next);
                }
            }
        }
        steps
    }
}

/// Ways from one cell to all others.
pub(crate) struct Steps {
    width: u8,
    steps: Vec<u16>,
}

impl Steps {
    fn index(&self, cell: Cell) -> usize {
        usize::from(cell.y) * usize::from(self.width) + usize::from(cell.x)
    }

    fn set(&mut self, cell: Cell, steps: u16) {
        let at = self.index(cell);
        self.steps[at] = steps;
    }

    /// The way to this cell; `u16::MAX` where there is none.
    pub(crate) fn to(&self, cell: Cell) -> u16 {
        if cell.x < self.width { self.steps.get(self.index(cell)).copied().unwrap_or(u16::MAX) } else { u16::MAX }
    }
}

impl Wire for Map {
    const SCHEMA: u64 = schema_of("maze map: seed width height", &[]);

    fn write(&self, to: &mut Writer) {
        to.bits(self.0.plan.seed, 32);
        self.0.plan.width.write(to);
        self.0.plan.height.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Map, DecodeError> {
        let (seed, width, height) = (from.bits(32)?, u8::read(from)?, u8::read(from)?);
        let fits = |size: u8| SIZES.contains(&size) && size % 2 == 1;
        if fits(width) && fits(height) { Ok(Map::new(seed, width, height)) } else { Err(DecodeError::Range) }
    }
}

/// Makes a map. Passages run on odd columns and rows.
struct Digger {
    plan: Plan,
    solid: Vec<bool>,
    rng: Rng,
}

impl Digger {
    fn at(&self, x: i32, y: i32) -> usize {
        y as usize * usize::from(self.plan.width) + x as usize
    }

    fn is_inner(&self, x: i32, y: i32) -> bool {
        x > 0 && y > 0 && x < i32::from(self.plan.width) - 1 && y < i32::from(self.plan.height) - 1
    }

    fn dig(&mut self, x: i32, y: i32) {
        let at = self.at(x, y);
        self.solid[at] = false;
    }

    fn shuffled(&mut self) -> [Way; 4] {
        let mut ways = Way::ALL;
        for last in (1..4).rev() {
            ways.swap(last, self.rng.below(last as u32 + 1) as usize);
        }
        ways
    }

    /// A tree of passages that reaches every odd cell.
    fn passages(&mut self) {
        let mut path = vec![(1, 1)];
        self.dig(1, 1);
        while let Some(&(x, y)) = path.last() {
            let next = self.shuffled().into_iter().find(|way| {
                let (dx, dy) = way.step();
                let (nx, ny) = (x + 2 * dx, y + 2 * dy);
                self.is_inner(nx, ny) && self.solid[self.at(nx, ny)]
            });
            let Some(way) = next else {
                path.pop();
                continue;
            };
            let (dx, dy) = way.step();
            self.dig(x + dx, y + dy);
            self.dig(x + 2 * dx, y + 2 * dy);
            path.push((x + 2 * dx, y + 2 * dy));
        }
    }

    /// Opens most dead ends: where there is one way only, nobody escapes.
    fn loops(&mut self) {
        for y in (1..i32::from(self.plan.height)).step_by(2) {
            for x in (1..i32::from(self.plan.width)).step_by(2) {
                let closed = |digger: &Digger, way: &Way| {
                    let (dx, dy) = way.step();
                    digger.solid[digger.at(x + dx, y + dy)]
                };
                let walls = Way::ALL.iter().filter(|way| closed(self, way)).count();
                if walls < 3 || self.rng.below(100) < DEAD_ENDS {
                    continue;
                }
                let open = self.shuffled().into_iter().find(|way| {
                    let (dx, dy) = way.step();
                    closed(self, way) && self.is_inner(x + 2 * dx, y + 2 * dy)
                });
                if let Some(way) = open {
                    let (dx, dy) = way.step();
                    self.dig(x + dx, y + dy);
                }
            }
        }
    }

    /// Clears a few halls, each with pillars where walls crossed: light and shadow need room.
    fn halls(&mut self) {
        let area = u32::from(self.plan.width) * u32::from(self.plan.height);
        for _ in 0..area / 110 {
            let wide = 1 + self.rng.below(2) as i32;
            let high = 2 - self.rng.below(2) as i32;
            let x = 1 + 2 * self.rng.below((u32::from(self.plan.width) - 3) / 2 - wide as u32 + 1) as i32;
            let y = 1 + 2 * self.rng.below((u32::from(self.plan.height) - 3) / 2 - high as u32 + 1) as i32;
            for row in y..=y + 2 * high {
                for column in x..=x + 2 * wide {
                    if column % 2 == 1 || row % 2 == 1 {
                        self.dig(column, row);
                    }
                }
            }
        }
    }

    /// Two gates far apart, three in a large maze: the first anywhere near the edge, each other one as far from the
    /// rest as can be.
    fn gates(&mut self) -> Vec<Cell> {
        let (width, height) = (self.plan.width, self.plan.height);
        let mut edge: Vec<Cell> =
            (1..width - 1).step_by(2).flat_map(|x| [Cell { x, y: 1 }, Cell { x, y: height - 2 }]).collect();
        edge.extend((3..height - 2).step_by(2).flat_map(|y| [Cell { x: 1, y }, Cell { x: width - 2, y }]));
        let wanted = if u32::from(width) * u32::from(height) > 450 { 3 } else { 2 };
        let mut gates: Vec<Cell> = self.rng.pick(&edge).copied().into_iter().collect();
        while gates.len() < wanted {
            let apart = |a: &Cell, b: &Cell| a.x.abs_diff(b.x).max(a.y.abs_diff(b.y));
            let lonely = |cell: &Cell| gates.iter().map(|gate| apart(gate, cell)).min();
            let Some(&next) = edge.iter().max_by_key(|cell| lonely(cell)) else { break };
            gates.push(next);
        }
        gates.sort_unstable();
        gates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_maze_is_whole_and_closed() {
        for seed in 0..60 {
            let map = Map::new(seed, 11 + (seed % 26) as u8 * 2, 11 + (seed % 7) as u8 * 4);
            let start = map.floor().next().unwrap();
            let steps = map.steps_from(start);
            assert!(map.floor().all(|cell| steps.to(cell) != u16::MAX), "{map:?}: all can be reached");
            for cell in map.floor() {
                assert!(cell.x > 0 && cell.y > 0 && cell.x < map.width() - 1 && cell.y < map.height() - 1, "{map:?}");
            }
            assert!(map.gates().len() >= 2 && map.gates().iter().all(|&gate| map.is_floor(gate)), "{map:?}");
        }
    }

    #[test]
    fn a_map_travels_as_its_seed_and_size() {
        let map = Map::new(7, 21, 15);
        assert_eq!(map.to_bytes().len(), 6);
        let read = Map::from_bytes(&map.to_bytes()).unwrap();
        assert_eq!((read.picture(), read.gates()), (map.picture(), map.gates()));
        let json = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<Map>(&json).unwrap().picture(), map.picture());
        assert!(Map::from_bytes(&[0, 0, 0, 0, 255, 255]).is_err());
    }

    /// Old rooms and new pages must draw the same maze: what a seed gives never changes.
    #[test]
    fn a_seed_gives_this_maze_for_ever() {
        let map = Map::new(1, 11, 11);
        let rows = [
            "###########",
            "#.....#...#",
            "#.#.#.#.#.#",
            "#.#.#...#.#",
            "#.#.#####.#",
            "#.........#",
            "#.#.#.###.#",
            "#.#...#...#",
            "#.#.###.#.#",
            "#.........#",
            "###########",
        ];
        assert_eq!(map.picture(), rows.concat());
    }
}
