//! How snakes steer themselves: bots to win, the snakes of absent players not to die.

use std::collections::VecDeque;

use bellhop_game::Rng;

use crate::view::{Board, Cell, Heading, Phase};

/// Marks of a board: which cells are taken after the next step.
struct Map<'a> {
    board: &'a Board,
    taken: Vec<bool>,
}

impl<'a> Map<'a> {
    fn new(board: &'a Board) -> Map<'a> {
        let mut map = Map { board, taken: vec![false; usize::from(board.width) * usize::from(board.height)] };
        for snake in board.snakes.iter().filter(|snake| snake.alive) {
            // The tail moves on, unless the snake grows.
            let stays = snake.body.len() - usize::from(snake.grow == 0 && snake.body.len() > 1);
            for &cell in &snake.body[..stays] {
                if let Some(at) = map.index(cell) {
                    map.taken[at] = true;
                }
            }
        }
        map
    }

    fn index(&self, cell: Cell) -> Option<usize> {
        self.board.has(cell).then(|| usize::from(cell.y) * usize::from(self.board.width) + usize::from(cell.x))
    }

    fn is_free(&self, cell: Cell) -> bool {
        self.index(cell).is_some_and(|at| !self.taken[at])
    }

    /// Walks everywhere that can be reached from `start`: how many cells that are, and how far the nearest food is.
    fn explore(&self, start: Cell) -> (u32, Option<u32>) {
        let mut seen = self.taken.clone();
        let mut line = VecDeque::from([(start, 0)]);
        let (mut cells, mut food) = (0, None);
        if let Some(at) = self.index(start) {
            seen[at] = true;
        }
        while let Some((cell, steps)) = line.pop_front() {
            cells += 1;
            if food.is_none() && self.board.food.contains(&cell) {
                food = Some(steps);
            }
            for heading in Heading::ALL {
                let next = cell.next(heading);
                if let Some(at) = self.index(next).filter(|&at| !seen[at]) {
                    seen[at] = true;
                    line.push_back((next, steps + 1));
                }
            }
        }
        (cells, food)
    }

    /// Whether the head of a snake that is as long or longer could come here in the same step.
    fn is_contested(&self, index: usize, cell: Cell) -> bool {
        let own = self.board.snakes[index].body.len();
        let others = self.board.snakes.iter().enumerate().filter(|&(other, snake)| other != index && snake.alive);
        others
            .filter(|(_, snake)| snake.body.len() + 1 >= own)
            .filter_map(|(_, snake)| Some((snake, *snake.body.first()?)))
            .any(|(snake, head)| {
                let ways = Heading::ALL.into_iter().filter(|way| !way.is_opposite(snake.heading));
                ways.map(|way| head.next(way)).any(|reach| reach == cell)
            })
    }

    /// The best of the three ways by `worth`, which sees where it leads, the space there, and the way to food.
    fn choose(&self, index: usize, worth: impl Fn(Heading, bool, u32, Option<u32>) -> i64) -> Option<Heading> {
        let snake = self.board.snakes.get(index).filter(|snake| snake.alive)?;
        let head = *snake.body.first()?;
        [0, 1, 3]
            .into_iter()
            .map(|quarters| snake.heading.turned(quarters))
            .filter(|&heading| self.is_free(head.next(heading)))
            .max_by_key(|&heading| {
                let next = head.next(heading);
                let (space, food) = self.explore(next);
                worth(heading, self.is_contested(index, next), space, food)
            })
    }
}

/// What a bot in this seat holds: towards food where there is room to live, away from heads that are stronger.
pub(crate) fn hungry(board: &Board, seat: u16, rng: &mut Rng) -> Option<Heading> {
    if board.phase != Phase::Running {
        return None;
    }
    let index = board.snakes.iter().position(|snake| snake.seat == seat)?;
    let need = board.snakes[index].body.len() as i64 + 2;
    let whim = rng.below(4) as u8;
    Map::new(board).choose(index, |heading, contested, space, food| {
        let space = i64::from(space);
        let cramped = if space < need { (need - space) * 1_000 } else { 0 };
        let hunger = food.map_or(500, |steps| i64::from(steps.min(400)));
        -cramped - i64::from(contested) * 800 - hunger * 2 + i64::from(heading as u8 == whim)
    })
}

/// Where the snake of an absent player goes: straight on as long as that is safe, else where there is room.
pub(crate) fn careful(board: &Board) -> impl Fn(usize) -> Option<Heading> + use<> {
    let away: Vec<Option<Heading>> = if board.snakes.iter().any(|snake| snake.away && snake.alive) {
        let map = Map::new(board);
        let steer = |index: usize| {
            let snake = &board.snakes[index];
            let straight = snake.heading;
            (snake.away && snake.alive).then(|| {
                map.choose(index, |heading, contested, space, _| {
                    i64::from(space) * 4 + i64::from(heading == straight) * 3 - i64::from(contested) * 2_000
                })
            })?
        };
        (0..board.snakes.len()).map(steer).collect()
    } else {
        Vec::new()
    };
    move |index| away.get(index).copied().flatten()
}
