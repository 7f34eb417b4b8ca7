//! The rules.

use std::collections::BTreeMap;

use bellhop_game::{Context, Game, Inputs, Moves, Outcome, Presence, Rng, Seat, Standing, ViewClass, Who};
use serde::{Deserialize, Serialize};

use crate::bot;
use crate::view::{Board, Cell, Death, Heading, Phase, SnakeEvent, SnakeView};

/// Cells of a new snake.
const LENGTH: u8 = 3;
/// 3 s to look before the first round, 2 before the others.
const FIRST_COUNTDOWN: u32 = 15;
const COUNTDOWN: u32 = 10;
/// 2 s to see how the round ended.
const ROUND_OVER: u32 = 10;

/// Settings of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Columns, 10 to 64.
    pub width: u8,
    /// Rows, 10 to 64.
    pub height: u8,
    /// Pieces of food; 0: one, and one more for every two snakes.
    pub food: u8,
    /// Points that win the match.
    pub target: u16,
    /// Points for the last one alive.
    pub survivor: u16,
    /// Rounds at most.
    pub rounds: u16,
}

impl Default for Config {
    fn default() -> Config {
        Config { width: 24, height: 24, food: 0, target: 20, survivor: 5, rounds: 5 }
    }
}

/// A match of Snake.
#[derive(Debug, Clone)]
pub struct Snake {
    config: Config,
    rng: Rng,
    board: Board,
    /// Where players want to go, by seat; forgotten when a round begins.
    wanted: BTreeMap<u16, Heading>,
}

impl Snake {
    /// The board as it is.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Begins a round with everybody who has not left.
    fn begin_round(&mut self, countdown: u32) {
        self.board.round += 1;
        self.board.phase = Phase::Countdown;
        self.board.until = self.board.tick + countdown;
        self.board.food.clear();
        self.wanted.clear();
        for snake in &mut self.board.snakes {
            snake.alive = !snake.left;
            snake.body.clear();
            snake.grow = 0;
        }
        self.place_snakes();
        self.fill_food();
    }

    /// Puts the living snakes on both sides of the board, in random order, each on a row of its own side, heading
    /// inwards; the rows of the two sides are shifted, so that nobody starts head against head.
    fn place_snakes(&mut self) {
        let mut line: Vec<usize> = (0..self.board.snakes.len()).filter(|&i| self.board.snakes[i].alive).collect();
        for last in (1..line.len()).rev() {
            line.swap(last, self.rng.below(last as u32 + 1) as usize);
        }
        let (width, height) = (self.board.width, self.board.height);
        let rows = (line.len().div_ceil(2)) as u8;
        for (place, &index) in line.iter().enumerate() {
            let on_left = place % 2 == 0;
            let row = (u16::from(place as u8 / 2 + 1) * u16::from(height) / (u16::from(rows) + 1)) as u8;
            let y = if on_left { row.saturating_sub(1) } else { row.min(height - 1) };
            let snake = &mut self.board.snakes[index];
            snake.heading = if on_left { Heading::Right } else { Heading::Left };
            let tail = |link: u8| Cell { x: if on_left { LENGTH - link } else { width - 1 - LENGTH + link }, y };
            snake.body = (0..LENGTH).map(tail).collect();
        }
    }

    /// Lays food on free cells until there is enough, or no free cell.
    fn fill_food(&mut self) {
        let snakes = self.board.snakes.iter().filter(|snake| !snake.left).count();
        let wanted = if self.config.food > 0 { usize::from(self.config.food) } else { 1 + snakes / 2 };
        while self.board.food.len() < wanted {
            let free: Vec<Cell> = (0..self.board.height)
                .flat_map(|y| (0..self.board.width).map(move |x| Cell { x, y }))
                .filter(|cell| !self.board.food.contains(cell))
                .filter(|cell| !self.board.snakes.iter().any(|snake| snake.body.contains(cell)))
                .collect();
            let Some(&cell) = self.rng.pick(&free) else { return };
            self.board.food.push(cell);
        }
    }

    /// The last direction of a player before the step counts, unless it leads back.
    fn turn(&mut self) {
        let steered = bot::careful(&self.board);
        for (index, snake) in self.board.snakes.iter_mut().enumerate().filter(|(_, snake)| snake.alive) {
            let wanted = self.wanted.remove(&snake.seat);
            let wanted = if snake.away { steered(index) } else { wanted };
            if let Some(heading) = wanted.filter(|heading| !heading.is_opposite(snake.heading)) {
                snake.heading = heading;
            }
        }
    }

    /// Who died in this step, and how. All moved at once, so all are judged at once.
    fn deaths(&self) -> Vec<(usize, Death)> {
        let living = || self.board.snakes.iter().enumerate().filter(|(_, snake)| snake.alive);
        let death = |index: usize, head: Cell| {
            if !self.board.has(head) {
                return Some(Death::Wall);
            }
            living().find_map(|(other, snake)| {
                let at = snake.body.iter().skip(usize::from(other == index)).position(|&cell| cell == head)?;
                Some(match at {
                    _ if other == index => Death::Own,
                    0 => Death::HeadOn { seat: snake.seat },
                    _ => Death::Side { seat: snake.seat },
                })
            })
        };
        living().filter_map(|(index, snake)| Some((index, death(index, *snake.body.first()?)?))).collect()
    }

    fn run(&mut self, cx: &mut Context<SnakeEvent>) {
        for (index, death) in self.deaths() {
            self.kill(index, death, cx);
        }
        self.fill_food();
        let alive: Vec<u16> = self.board.snakes.iter().filter(|snake| snake.alive).map(|snake| snake.seat).collect();
        if alive.len() <= 1 || self.board.tick >= self.board.until {
            let winner = if alive.len() == 1 { alive.first().copied() } else { None };
            for snake in &mut self.board.snakes {
                if Some(snake.seat) == winner {
                    snake.points = snake.points.saturating_add(self.config.survivor);
                }
            }
            self.board.phase = Phase::RoundOver { winner };
            self.board.until = self.board.tick + ROUND_OVER;
        }
    }

    fn kill(&mut self, index: usize, death: Death, cx: &mut Context<SnakeEvent>) {
        let snake = &mut self.board.snakes[index];
        snake.alive = false;
        snake.grow = 0;
        snake.body.clear();
        cx.emit(SnakeEvent::Died { seat: snake.seat, death });
    }

    fn best(&self) -> u16 {
        self.board.snakes.iter().filter(|snake| !snake.left).map(|snake| snake.points).max().unwrap_or_default()
    }

    /// Everybody by points; who left comes after all who stayed.
    fn outcome(&self, reason: &str) -> Outcome {
        let points = |left: bool| {
            let snakes = self.board.snakes.iter().filter(move |snake| snake.left == left);
            snakes.map(|snake| (Seat(snake.seat), i64::from(snake.points)))
        };
        let mut outcome = Outcome::ranked(points(false), reason);
        let last = outcome.standings.len() as u32 + 1;
        outcome.standings.extend(points(true).map(|(seat, score)| Standing { seat, rank: last, score }));
        outcome
    }
}

impl Game for Snake {
    type Config = Config;
    type Input = Heading;
    type Command = ();
    type Event = SnakeEvent;
    type View = Board;
    const NAME: &'static str = "snake";
    const RATE_HZ: u32 = 5;
    const MIN_SEATS: u16 = 2;
    const MAX_SEATS: u16 = 8;
    const EVERY_INPUT_COUNTS: bool = true;
    const WIRE_VERSION: u32 = 1;

    fn start(config: &Config, seed: u64) -> Snake {
        let config = Config {
            width: config.width.clamp(10, 64),
            height: config.height.clamp(10, 64),
            target: config.target.max(1),
            rounds: config.rounds.max(1),
            ..config.clone()
        };
        let board = Board {
            width: config.width,
            height: config.height,
            tick: 0,
            round: 0,
            rounds: config.rounds,
            target: config.target,
            phase: Phase::Countdown,
            until: 0,
            snakes: Vec::new(),
            food: Vec::new(),
        };
        Snake { config, rng: Rng::new(seed), board, wanted: BTreeMap::new() }
    }

    /// Before the first step everybody enters; later on, at the next round.
    fn join(&mut self, seat: Seat, who: &Who, _: &mut Context<SnakeEvent>) {
        let snake = SnakeView {
            seat: seat.0,
            name: who.name.clone(),
            points: 0,
            alive: false,
            away: false,
            left: false,
            heading: Heading::Right,
            grow: 0,
            body: Vec::new(),
        };
        self.board.snakes.retain(|snake| snake.seat != seat.0);
        let place = self.board.snakes.partition_point(|snake| snake.seat < seat.0);
        self.board.snakes.insert(place, snake);
        if self.board.tick == 0 {
            self.board.round = 0;
            self.begin_round(FIRST_COUNTDOWN);
        }
    }

    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<SnakeEvent>) {
        let Some(index) = self.board.snakes.iter().position(|snake| snake.seat == seat.0) else { return };
        self.board.snakes[index].away = presence == Presence::Dropped;
        if presence == Presence::Left {
            self.board.snakes[index].left = true;
            if self.board.snakes[index].alive {
                self.kill(index, Death::Left, cx);
            }
            let playing = self.board.snakes.iter().filter(|snake| !snake.left).count();
            if playing == 1 && self.board.tick > 0 {
                cx.end(self.outcome("all others left"));
            }
        }
    }

    fn step(&mut self, inputs: &Inputs<Heading>, cx: &mut Context<SnakeEvent>) {
        for snake in &self.board.snakes {
            if let Some(&heading) = inputs.fresh(Seat(snake.seat)) {
                self.wanted.insert(snake.seat, heading);
            }
        }
        match self.board.phase {
            Phase::Running => {
                self.turn();
                self.board.glide();
                self.run(cx);
            }
            Phase::Countdown => self.board.glide(),
            Phase::RoundOver { .. } => {
                self.board.glide();
                if self.board.tick < self.board.until {
                    // Everybody looks at how it ended.
                } else if self.board.round < self.config.rounds {
                    self.begin_round(COUNTDOWN);
                } else {
                    cx.end(self.outcome(&format!("most points after {} rounds", self.config.rounds)));
                }
            }
        }
        if self.best() >= self.config.target {
            cx.end(self.outcome(&format!("first to {} points", self.config.target)));
        }
    }

    fn view(&self, _: ViewClass) -> Board {
        self.board.clone()
    }

    /// The round that runs is the last one.
    fn drain(&mut self, _: u64, _: &mut Context<SnakeEvent>) {
        self.config.rounds = self.config.rounds.min(self.board.round);
        self.board.rounds = self.config.rounds;
    }

    fn cut_short(&self, reason: &str) -> Outcome {
        // Somebody is ahead only after a round that counted.
        if self.board.round > 1 { self.outcome(reason) } else { Outcome::called_off(reason) }
    }

    fn predict(view: &mut Board, seat: Seat, &heading: &Heading) {
        let own = view.snakes.iter_mut().find(|snake| snake.seat == seat.0 && snake.alive);
        if let Some(snake) = own.filter(|snake| !heading.is_opposite(snake.heading)) {
            snake.heading = heading;
        }
    }

    fn bot(view: &Board, seat: Seat, rng: &mut Rng) -> Moves<Snake> {
        let own = view.snakes.iter().find(|snake| snake.seat == seat.0);
        match bot::hungry(view, seat.0, rng) {
            Some(heading) if own.is_some_and(|snake| snake.heading != heading) => Moves::hold(heading),
            Some(_) | None => Moves::default(),
        }
    }
}

#[cfg(test)]
mod tests;
