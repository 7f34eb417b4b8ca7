//! The yard: walls from a seed.

use bellhop_game::Rng;
use serde::{Deserialize, Serialize};

use crate::arena::UNIT;

/// Width and height of a tile.
pub const TILE: i32 = 80 * UNIT;
/// Fewest columns and rows, and most.
pub(crate) const LEAST_TILES: u8 = 8;
pub(crate) const MOST_TILES: u8 = 32;

/// The walls of a yard. They follow from its size and its seed, and only those travel.
///
/// The seed is one drawn for the map alone: nothing else of the match follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Map {
    /// Columns of tiles.
    pub columns: u8,
    /// Rows of tiles.
    pub rows: u8,
    /// Decides where walls stand.
    pub seed: u32,
    /// One number per row; the lowest bit is the first column.
    pub walls: Vec<u32>,
}

impl Map {
    /// The yard of this size and seed. Point-symmetric, so that no side is better, and every free tile can be reached.
    pub fn new(columns: u8, rows: u8, seed: u32) -> Map {
        let (columns, rows) = (columns.clamp(LEAST_TILES, MOST_TILES), rows.clamp(LEAST_TILES, MOST_TILES));
        let mut map = Map { columns, rows, seed, walls: vec![0; usize::from(rows)] };
        let mut rng = Rng::new(u64::from(seed));
        // A wall of three tiles on every twenty, twice for the symmetry, leaves room to drive and something to hide behind.
        for _ in 0..u32::from(columns) * u32::from(rows) / 20 {
            let before = map.walls.clone();
            let (long, flat) = (1 + rng.below(4) as i32, rng.one_in(2));
            let (x, y) = (rng.below(u32::from(columns)) as i32, rng.below(u32::from(rows)) as i32);
            for at in 0..long {
                let (x, y) = if flat { (x + at, y) } else { (x, y + at) };
                map.build(x, y);
                map.build(i32::from(columns) - 1 - x, i32::from(rows) - 1 - y);
            }
            if !map.is_one_piece() {
                map.walls = before;
            }
        }
        map
    }

    fn build(&mut self, x: i32, y: i32) {
        let inside = 0 <= x && x < i32::from(self.columns) && 0 <= y && y < i32::from(self.rows);
        if inside && let Some(row) = self.walls.get_mut(y as usize) {
            *row |= 1 << x;
        }
    }

    /// Whether a tile is a wall; all outside is.
    pub fn is_wall(&self, x: i32, y: i32) -> bool {
        if x < 0 || x >= i32::from(self.columns) || y < 0 {
            return true;
        }
        self.walls.get(y as usize).is_none_or(|row| row >> x & 1 == 1)
    }

    /// Whether a point lies in a wall.
    pub(crate) fn blocks(&self, x: i32, y: i32) -> bool {
        self.is_wall(x.div_euclid(TILE), y.div_euclid(TILE))
    }

    /// Whether nothing stands between two points.
    pub(crate) fn is_clear(&self, from: (i32, i32), to: (i32, i32)) -> bool {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let steps = (dx.abs().max(dy.abs()) / (TILE / 8)).max(1);
        (0..=steps).all(|at| !self.blocks(from.0 + dx * at / steps, from.1 + dy * at / steps))
    }

    /// The free tiles.
    pub(crate) fn free(&self) -> Vec<(i32, i32)> {
        let tiles = (0..i32::from(self.rows)).flat_map(|y| (0..i32::from(self.columns)).map(move |x| (x, y)));
        tiles.filter(|&(x, y)| !self.is_wall(x, y)).collect()
    }

    fn is_one_piece(&self) -> bool {
        let free = self.free();
        let Some(&first) = free.first() else { return false };
        self.distances(first).iter().filter(|far| far.is_some()).count() == free.len()
    }

    /// How many tiles it is to each tile from `start`, row by row; `None` for walls.
    pub(crate) fn distances(&self, start: (i32, i32)) -> Vec<Option<u16>> {
        let columns = i32::from(self.columns);
        let mut far = vec![None; usize::from(self.columns) * usize::from(self.rows)];
        let mut line = std::collections::VecDeque::from([(start, 0)]);
        while let Some(((x, y), steps)) = line.pop_front() {
            if self.is_wall(x, y) {
                continue;
            }
            let Some(tile @ None) = far.get_mut((y * columns + x) as usize) else { continue };
            *tile = Some(steps);
            line.extend([(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)].map(|tile| (tile, steps + 1)));
        }
        far
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_yard_is_one_piece_and_has_walls() {
        for seed in 0..200 {
            let map = Map::new(20, 14, seed);
            assert!(map.is_one_piece());
            let walls = 280 - map.free().len();
            assert!((15..120).contains(&walls), "seed {seed}: {walls} walls");
        }
        assert_eq!(Map::new(0, 255, 1).free().len() / 8, Map::new(8, 32, 1).free().len() / 8);
    }
}
