//! What everybody sees.

use bellhop_game::wire;
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

wire! {
    /// Where a snake goes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum Heading {
        /// To smaller y.
        Up,
        /// To greater x.
        Right,
        /// To greater y.
        Down,
        /// To smaller x.
        Left,
    }

    /// A place on the board, counted from the upper left.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
    #[serde(into = "(u8, u8)")]
    pub struct Cell {
        /// Column.
        pub x: u8,
        /// Row.
        pub y: u8,
    }

    /// What goes on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Phase {
        /// The snakes lie there and wait for the round.
        Countdown,
        /// They move.
        Running,
        /// The round is over; `winner` was the last one alive.
        RoundOver {
            /// The seat, if there was one.
            winner: Option<u16>,
        },
    }

    /// How a snake died.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", tag = "kind")]
    pub enum Death {
        /// Into the wall.
        Wall,
        /// Into itself.
        Own,
        /// Into the side of another.
        Side {
            /// Whose.
            seat: u16,
        },
        /// Head against head.
        HeadOn {
            /// With whom.
            seat: u16,
        },
        /// The player left.
        Left,
    }

    /// What is told once.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", tag = "kind")]
    pub enum SnakeEvent {
        /// A snake died.
        Died {
            /// Whose.
            seat: u16,
            /// How.
            death: Death,
        },
    }
}

impl From<Cell> for (u8, u8) {
    fn from(cell: Cell) -> (u8, u8) {
        (cell.x, cell.y)
    }
}

impl Heading {
    /// All four.
    pub const ALL: [Heading; 4] = [Heading::Up, Heading::Right, Heading::Down, Heading::Left];

    /// The one to the right of this one, `quarters` times.
    #[must_use]
    pub fn turned(self, quarters: u8) -> Heading {
        Heading::ALL[usize::from((self as u8 + quarters) % 4)]
    }

    /// Whether this is back where `other` comes from.
    pub fn is_opposite(self, other: Heading) -> bool {
        self.turned(2) == other
    }
}

impl Cell {
    /// The next cell that way. Off the board it is one no board has.
    #[must_use]
    pub fn next(self, heading: Heading) -> Cell {
        let Cell { x, y } = self;
        match heading {
            Heading::Up => Cell { x, y: y.wrapping_sub(1) },
            Heading::Right => Cell { x: x.wrapping_add(1), y },
            Heading::Down => Cell { x, y: y.wrapping_add(1) },
            Heading::Left => Cell { x: x.wrapping_sub(1), y },
        }
    }

    /// The way to a neighbour.
    pub(crate) fn heading_to(self, other: Cell) -> Option<Heading> {
        Heading::ALL.into_iter().find(|&heading| self.next(heading) == other)
    }
}

/// One player's snake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnakeView {
    /// The player's seat.
    pub seat: u16,
    /// The player's name.
    pub name: String,
    /// Points so far.
    #[serde(rename = "score")]
    pub points: u16,
    /// Whether it lives in this round.
    pub alive: bool,
    /// The player lost the connection: it steers itself.
    pub away: bool,
    /// The player left for good.
    pub left: bool,
    /// Where it goes.
    #[serde(rename = "direction")]
    pub heading: Heading,
    /// Cells it will still grow by.
    pub grow: u16,
    /// Its cells, the head first; empty when dead or waiting for the next round.
    pub body: Vec<Cell>,
}

/// The board as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Columns.
    pub width: u8,
    /// Rows.
    pub height: u8,
    /// Steps since the match began.
    pub tick: u32,
    /// The round, from 1.
    pub round: u16,
    /// Rounds at most.
    pub rounds: u16,
    /// Points that win the match.
    pub target: u16,
    /// What goes on.
    pub phase: Phase,
    /// The step that ends the phase.
    pub until: u32,
    /// All snakes, by seat.
    pub snakes: Vec<SnakeView>,
    /// Where food lies.
    pub food: Vec<Cell>,
}

/// As the page sees it: what ends the phase as the steps that are left.
impl Serialize for Board {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (phase, winner) = match self.phase {
            Phase::Countdown => ("countdown", None),
            Phase::Running => ("running", None),
            Phase::RoundOver { winner } => ("pause", winner),
        };
        let mut board = serializer.serialize_struct("Board", 11)?;
        board.serialize_field("width", &self.width)?;
        board.serialize_field("height", &self.height)?;
        board.serialize_field("tick", &self.tick)?;
        board.serialize_field("round", &self.round)?;
        board.serialize_field("rounds", &self.rounds)?;
        board.serialize_field("target", &self.target)?;
        board.serialize_field("phase", phase)?;
        board.serialize_field("winner", &winner)?;
        board.serialize_field("left", &self.until.saturating_sub(self.tick))?;
        board.serialize_field("snakes", &self.snakes)?;
        board.serialize_field("food", &self.food)?;
        board.end()
    }
}

impl Board {
    /// Whether a cell is on the board.
    pub fn has(&self, cell: Cell) -> bool {
        cell.x < self.width && cell.y < self.height
    }

    /// What moves by itself in one step: the phase with the clock; in a running round every living snake, by its
    /// heading, onto what lies there. Deaths and new food are not decided here.
    pub(crate) fn glide(&mut self) {
        self.tick = self.tick.wrapping_add(1);
        match self.phase {
            Phase::Countdown if self.tick >= self.until => {
                self.phase = Phase::Running;
                self.until = self.tick.saturating_add(ROUND_TICKS);
            }
            Phase::Countdown | Phase::RoundOver { .. } => {}
            Phase::Running => {
                let living = |snake: &SnakeView| snake.alive && !snake.body.is_empty();
                let heads: Vec<Cell> =
                    self.snakes.iter().filter(|s| living(s)).map(|s| s.body[0].next(s.heading)).collect();
                let snakes = self.snakes.iter_mut().filter(|snake| living(snake));
                for (snake, &next) in snakes.zip(&heads) {
                    snake.body.insert(0, next);
                    let food = self.food.iter().position(|&food| food == next);
                    // Two mouths on one bite: nobody has it.
                    if let Some(food) = food.filter(|_| heads.iter().filter(|&&head| head == next).count() == 1) {
                        self.food.remove(food);
                        snake.grow = snake.grow.saturating_add(1);
                        snake.points = snake.points.saturating_add(1);
                    }
                    if snake.grow > 0 {
                        snake.grow -= 1;
                    } else {
                        snake.body.pop();
                    }
                }
            }
        }
    }
}

/// A round lasts at most 90 s.
pub(crate) const ROUND_TICKS: u32 = 450;
