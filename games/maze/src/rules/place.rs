//! Where players and sparks begin: drawn from the match's own seed, which nobody is told.

use crate::body::{Body, Way};
use crate::light;
use crate::map::Cell;
use crate::rules::Maze;
use crate::view::{Fate, HAUNTER_REACH, REACH};

/// Of so many places drawn, the best is taken.
const TRIES: u32 = 6;

impl Maze {
    /// How far this seat sees.
    pub(crate) fn reach(&self, seat: u16) -> i32 {
        if seat == self.haunter { HAUNTER_REACH } else { REACH }
    }

    /// Puts everybody who plays somewhere: the others out of the haunter's sight and apart.
    pub(crate) fn place_players(&mut self) {
        let floor: Vec<Cell> = self.map.floor().collect();
        let haunter = self.rng.pick(&floor).copied().unwrap_or(Cell { x: 1, y: 1 });
        let mut taken = vec![haunter];
        for at in 0..self.players.len() {
            if self.players[at].fate != Fate::Free {
                continue;
            }
            let cell =
                if self.players[at].seat == self.haunter { haunter } else { self.hidden_from(haunter, &floor, &taken) };
            taken.push(cell);
            self.players[at].body = Body::at(cell, self.open_way(cell));
        }
    }

    /// A cell far from where the haunter is, and from those already taken.
    pub(crate) fn hidden_from(&mut self, haunter: Cell, floor: &[Cell], taken: &[Cell]) -> Cell {
        let steps = self.map.steps_from(haunter);
        let mut best = (0, Cell { x: 1, y: 1 });
        for _ in 0..TRIES {
            let Some(&cell) = self.rng.pick(floor) else { break };
            let seen = light::sees(&self.map, haunter.middle(), cell.middle());
            let near = |other: &Cell| i64::from(other.x.abs_diff(cell.x)) + i64::from(other.y.abs_diff(cell.y));
            let apart = taken.iter().map(near).min().unwrap_or_default().min(4);
            let worth = i64::from(steps.to(cell).min(14)) + apart * 2 + if seen { 0 } else { 20 };
            best = best.max((worth, cell));
        }
        best.1
    }

    fn open_way(&self, cell: Cell) -> Way {
        Way::ALL.into_iter().find(|&way| self.map.is_floor(cell.next(way))).unwrap_or(Way::Right)
    }

    /// Lays the sparks of a round: apart from each other, not on gates, not under anybody.
    pub(crate) fn lay_sparks(&mut self) {
        self.sparks.clear();
        let collect = self.present().count().saturating_sub(1) as u32;
        let wanted = u32::from(self.config.sparks) * collect + 2;
        let taken: Vec<Cell> = self.players.iter().map(|player| player.body.cell()).collect();
        let free: Vec<Cell> =
            self.map.floor().filter(|cell| !self.map.gates().contains(cell) && !taken.contains(cell)).collect();
        for _ in 0..wanted {
            let mut best = None;
            for _ in 0..TRIES {
                let Some(&cell) = self.rng.pick(&free) else { return };
                let near = |other: &Cell| u32::from(other.x.abs_diff(cell.x)) + u32::from(other.y.abs_diff(cell.y));
                let apart = self.sparks.iter().map(near).min().unwrap_or(u32::MAX);
                if apart > 0 {
                    best = best.max(Some((apart, cell)));
                }
            }
            if let Some((_, cell)) = best {
                self.add_spark(cell);
            }
        }
    }

    pub(crate) fn add_spark(&mut self, cell: Cell) {
        let place = self.sparks.partition_point(|&other| other < cell);
        self.sparks.insert(place, cell);
    }

    /// Sparks fall where somebody was caught: there, and on the nearest cells without one.
    pub(crate) fn drop_sparks(&mut self, at: Cell, count: u8) {
        let steps = self.map.steps_from(at);
        let mut cells: Vec<Cell> = self.map.floor().filter(|cell| !self.sparks.contains(cell)).collect();
        cells.sort_by_key(|&cell| (steps.to(cell), cell));
        for &cell in cells.iter().take(usize::from(count)) {
            self.add_spark(cell);
        }
    }
}
