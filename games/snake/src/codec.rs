//! How little of the board has to be sent.
//!
//! Both sides know the rules of moving, so a step sends one bit for every snake that goes on as it went and two for
//! one that turns. What does not follow from that (where new food lies, who died, a new round) is sent as correction.

use bellhop_game::{DecodeError, Reader, View, Wire, Writer, schema_of};

use crate::view::{Board, Cell, Heading, Phase, SnakeView};

/// Longest gap that is told turn by turn; beyond it the whole board is shorter.
const MAX_TOLD_TICKS: u32 = 16;
/// Longest snake on the widest board.
const MAX_BODY: usize = 64 * 64;
/// Most snakes in a message; a match has up to 8.
const MAX_SNAKES: usize = 64;

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
