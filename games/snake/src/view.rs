//! What everybody sees, and how little of it has to be sent.
//!
//! Both sides know the rules of moving, so a step sends one bit for every snake that goes on as it went and two for
//! one that turns. What does not follow from that (where new food lies, who died, a new round) is sent as correction.

use bellhop_game::{DecodeError, Reader, View, Wire, Writer, schema_of, wire};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

/// Longest gap that is told turn by turn; beyond it the whole board is shorter.
const MAX_TOLD_TICKS: u32 = 16;
/// Longest snake on the widest board.
const MAX_BODY: usize = 64 * 64;
/// Most snakes in a message; a match has up to 8.
const MAX_SNAKES: usize = 64;

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
    fn heading_to(self, other: Cell) -> Option<Heading> {
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

impl SnakeView {
    fn bury(&mut self) {
        self.alive = false;
        self.grow = 0;
        self.body.clear();
    }

    /// Its headings in the last `ticks` steps, oldest first, read off its body.
    fn headings(&self, ticks: usize) -> Option<Vec<Heading>> {
        let path = self.body.get(..=ticks)?;
        path.windows(2).rev().map(|pair| pair[1].heading_to(pair[0])).collect()
    }
}

impl Wire for SnakeView {
    const SCHEMA: u64 = schema_of("snake: seat name points alive away left heading grow body", &[Cell::SCHEMA]);

    fn write(&self, to: &mut Writer) {
        to.text(&self.name);
        self.write_nameless(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<SnakeView, DecodeError> {
        let name = Wire::read(from)?;
        SnakeView::read_nameless(name, from)
    }
}

impl SnakeView {
    /// All but the name, which hardly ever changes.
    fn write_nameless(&self, to: &mut Writer) {
        self.seat.write(to);
        self.points.write(to);
        to.bool(self.alive);
        to.bool(self.away);
        to.bool(self.left);
        self.heading.write(to);
        self.grow.write(to);
        to.varint(self.body.len() as u64);
        let Some(&head) = self.body.first() else { return };
        head.write(to);
        let links: Option<Vec<Heading>> = self.body.windows(2).map(|pair| pair[0].heading_to(pair[1])).collect();
        to.bool(links.is_some());
        match links {
            Some(links) => links.iter().for_each(|link| link.write(to)),
            None => self.body[1..].iter().for_each(|cell| cell.write(to)),
        }
    }

    fn read_nameless(name: String, from: &mut Reader<'_>) -> Result<SnakeView, DecodeError> {
        let mut snake = SnakeView {
            seat: Wire::read(from)?,
            name,
            points: Wire::read(from)?,
            alive: from.bool()?,
            away: from.bool()?,
            left: from.bool()?,
            heading: Wire::read(from)?,
            grow: Wire::read(from)?,
            body: Vec::new(),
        };
        let length = from.length(MAX_BODY, 2)?;
        if length > 0 {
            let mut cell = Cell::read(from)?;
            snake.body.push(cell);
            let linked = from.bool()?;
            for _ in 1..length {
                cell = if linked { cell.next(Heading::read(from)?) } else { Cell::read(from)? };
                snake.body.push(cell);
            }
        }
        Ok(snake)
    }
}

impl Wire for Board {
    const SCHEMA: u64 = schema_of(
        "board: width height tick round rounds target phase until snakes food",
        &[SnakeView::SCHEMA, Phase::SCHEMA, Cell::SCHEMA],
    );

    fn write(&self, to: &mut Writer) {
        self.write_header(to);
        self.tick.write(to);
        to.varint(self.snakes.len() as u64);
        self.snakes.iter().for_each(|snake| snake.write(to));
        self.food.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Board, DecodeError> {
        let mut board = Board {
            width: 0,
            height: 0,
            tick: 0,
            round: 0,
            rounds: 0,
            target: 0,
            phase: Phase::Countdown,
            until: 0,
            snakes: Vec::new(),
            food: Vec::new(),
        };
        board.read_header(from)?;
        board.tick = Wire::read(from)?;
        for _ in 0..from.length(MAX_SNAKES, 20)? {
            board.snakes.push(SnakeView::read(from)?);
        }
        board.food = Wire::read(from)?;
        Ok(board)
    }
}

impl Board {
    fn write_header(&self, to: &mut Writer) {
        self.width.write(to);
        self.height.write(to);
        self.round.write(to);
        self.rounds.write(to);
        self.target.write(to);
        self.phase.write(to);
        self.until.write(to);
    }

    fn read_header(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.width = Wire::read(from)?;
        self.height = Wire::read(from)?;
        self.round = Wire::read(from)?;
        self.rounds = Wire::read(from)?;
        self.target = Wire::read(from)?;
        self.phase = Wire::read(from)?;
        self.until = Wire::read(from)?;
        Ok(())
    }

    fn header_of(&mut self, other: &Board) {
        (self.width, self.height, self.phase, self.until) = (other.width, other.height, other.phase, other.until);
        (self.round, self.rounds, self.target) = (other.round, other.rounds, other.target);
    }

    /// Glides with the headings that `now` shows, telling those that turn.
    fn tell_turns(&mut self, now: &Board, ticks: u32, to: &mut Writer) {
        let paths: Vec<Option<Vec<Heading>>> = (self.snakes.iter())
            .map(|snake| now.snakes.iter().find(|later| later.seat == snake.seat)?.headings(ticks as usize))
            .collect();
        for tick in 0..ticks as usize {
            if self.phase == Phase::Running {
                for (snake, path) in self.snakes.iter_mut().zip(&paths).filter(|(snake, _)| snake.alive) {
                    let wanted = path.as_ref().map_or(snake.heading, |path| path[tick]);
                    let right = wanted == snake.heading.turned(1);
                    let turns = right || wanted == snake.heading.turned(3);
                    to.bool(turns);
                    if turns {
                        to.bool(right);
                        snake.heading = wanted;
                    }
                }
            }
            self.glide();
        }
    }

    fn hear_turns(&mut self, ticks: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        for _ in 0..ticks {
            if self.phase == Phase::Running {
                for snake in self.snakes.iter_mut().filter(|snake| snake.alive) {
                    if from.bool()? {
                        snake.heading = snake.heading.turned(if from.bool()? { 1 } else { 3 });
                    }
                }
            }
            self.glide();
        }
        Ok(())
    }
}

impl View for Board {
    fn diff(&self, base: &Board, ticks: u32, to: &mut Writer) {
        let told = ticks <= MAX_TOLD_TICKS && self.snakes.len() >= base.snakes.len();
        to.bool(told);
        if !told {
            self.write(to);
            return;
        }
        let mut guess = base.clone();
        guess.tell_turns(self, ticks, to);
        to.bool(guess != *self);
        if guess == *self {
            return;
        }
        to.bool(guess.tick != self.tick);
        if guess.tick != self.tick {
            self.tick.write(to);
        }
        let mut header = guess.clone();
        header.header_of(self);
        to.bool(header != guess);
        if header != guess {
            self.write_header(to);
        }
        for (guess, snake) in guess.snakes.iter_mut().zip(&self.snakes) {
            to.bool(guess != snake);
            if guess == snake {
                continue;
            }
            guess.bury();
            guess.heading = snake.heading;
            to.bool(guess == snake);
            if guess == snake {
                snake.heading.write(to);
            } else {
                to.bool(guess.name == snake.name);
                if guess.name != snake.name {
                    to.text(&snake.name);
                }
                snake.write_nameless(to);
            }
        }
        let new = &self.snakes[guess.snakes.len()..];
        to.bool(!new.is_empty());
        if !new.is_empty() {
            to.varint(new.len() as u64);
            new.iter().for_each(|snake| snake.write(to));
        }
        // Food that was eaten is gone from both; what is new lies at the end.
        to.bool(guess.food != self.food);
        if guess.food != self.food {
            let new = self.food.strip_prefix(guess.food.as_slice());
            to.bool(new.is_some());
            let new = new.unwrap_or(&self.food);
            to.varint(new.len() as u64);
            new.iter().for_each(|cell| cell.write(to));
        }
    }

    fn patch(&mut self, ticks: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if !from.bool()? {
            *self = Board::read(from)?;
            return Ok(());
        }
        if ticks > MAX_TOLD_TICKS {
            return Err(DecodeError::Range);
        }
        self.hear_turns(ticks, from)?;
        if !from.bool()? {
            return Ok(());
        }
        if from.bool()? {
            self.tick = Wire::read(from)?;
        }
        if from.bool()? {
            self.read_header(from)?;
        }
        for snake in &mut self.snakes {
            if from.bool()? {
                if from.bool()? {
                    snake.bury();
                    snake.heading = Wire::read(from)?;
                } else {
                    let name = if from.bool()? { std::mem::take(&mut snake.name) } else { Wire::read(from)? };
                    *snake = SnakeView::read_nameless(name, from)?;
                }
            }
        }
        if from.bool()? {
            for _ in 0..from.length(MAX_SNAKES - self.snakes.len().min(MAX_SNAKES), 20)? {
                self.snakes.push(SnakeView::read(from)?);
            }
        }
        if from.bool()? {
            let keep = from.bool()?;
            let new: Vec<Cell> = Wire::read(from)?;
            if !keep {
                self.food.clear();
            }
            self.food.extend(new);
            if self.food.len() > MAX_BODY {
                return Err(DecodeError::TooLong);
            }
        }
        Ok(())
    }
}
