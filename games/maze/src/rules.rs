//! The rules.

mod place;
mod round;

use bellhop_game::{Context, Game, Inputs, Moves, Outcome, Pose, Presence, Rng, Seat, Standing, ViewClass, Who};
use serde::{Deserialize, Serialize};

use crate::body::{Body, Way};
use crate::bot;
use crate::map::{Cell, Map};
use crate::show;
use crate::view::{Fate, MazeEvent, Phase, RATE_HZ, Sight};

/// 4 s to look around before the first round, 3 before the others.
const FIRST_COUNTDOWN: u32 = 4 * RATE_HZ;
const COUNTDOWN: u32 = 3 * RATE_HZ;
/// Who is away is steered anew so often.
const STEER_EVERY: u32 = RATE_HZ / 6;
/// Sparks for each who collects, at most.
const MOST_SPARKS: u8 = 20;
/// Two players haunt twice each.
const ROUNDS_OF_TWO: u8 = 4;

/// Settings of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Columns, 11 to 61; 0: as many as suit the players.
    pub width: u8,
    /// Rows, 11 to 61; 0: as many as suit the players.
    pub height: u8,
    /// The maze; 0: another one in every match.
    pub map: u32,
    /// Sparks that open a gate.
    pub need: u8,
    /// Sparks for each who collects.
    pub sparks: u8,
    /// How long a round's hunt lasts, in seconds, 5 to 600.
    pub seconds: u16,
    /// Rounds; 0: as many as there are players, so that each haunts once.
    pub rounds: u8,
}

impl Default for Config {
    fn default() -> Config {
        Config { width: 0, height: 0, map: 0, need: 3, sparks: 5, seconds: 60, rounds: 0 }
    }
}

/// A player and how he does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Player {
    pub(crate) seat: u16,
    pub(crate) fate: Fate,
    pub(crate) body: Body,
    /// Sparks he carries.
    pub(crate) carried: u8,
    /// Whom he caught in this round.
    pub(crate) catches: u8,
    /// Rounds in which he haunted.
    pub(crate) haunted: u8,
    pub(crate) points: u16,
    pub(crate) gain: u16,
    pub(crate) escaped: bool,
    /// The connection broke: he is steered.
    pub(crate) away: bool,
    /// What steers him then.
    pub(crate) steered: Option<Way>,
    pub(crate) left: bool,
}

/// A match of Maze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Maze {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) map: Map,
    pub(crate) tick: u32,
    pub(crate) round: u8,
    pub(crate) rounds: u8,
    pub(crate) phase: Phase,
    pub(crate) until: u32,
    pub(crate) haunter: u16,
    /// By seat.
    pub(crate) players: Vec<Player>,
    /// In order.
    pub(crate) sparks: Vec<Cell>,
}

impl Maze {
    pub(crate) fn player(&self, seat: u16) -> Option<&Player> {
        self.players.iter().find(|player| player.seat == seat)
    }

    /// Those who have not left.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Player> {
        self.players.iter().filter(|player| !player.left)
    }

    /// As many rounds as the settings say, or as there are players; one that began counts.
    fn count_rounds(&mut self) {
        let players = self.present().count() as u8;
        let wanted = match self.config.rounds {
            0 if players <= 2 => ROUNDS_OF_TWO,
            0 => players,
            rounds => rounds,
        };
        self.rounds = wanted.max(self.round).max(1);
    }

    /// Steps of a hunt.
    pub(crate) fn hunt_steps(&self) -> u32 {
        u32::from(self.config.seconds) * RATE_HZ
    }

    /// A maze that suits so many players.
    fn resize(&mut self) {
        let players = self.players.len().clamp(2, 8) as u8;
        let (width, height) = (self.config.width, self.config.height);
        let width = if width == 0 { 17 + players * 2 } else { width };
        let height = if height == 0 { 13 + players } else { height };
        self.map = Map::new(self.map.seed(), width, height);
    }

    /// What each player holds, or what steers him while he is away.
    fn take_inputs(&mut self, inputs: &Inputs<Option<Way>>) {
        for at in 0..self.players.len() {
            let Player { seat, away, .. } = self.players[at];
            if away && self.tick.is_multiple_of(STEER_EVERY) {
                let sight = self.sight(ViewClass::Seat(Seat(seat)));
                self.players[at].steered = bot::steer(&sight, seat, &mut self.rng);
            }
            let held = inputs.get(Seat(seat)).copied().flatten();
            self.players[at].body.wanted = if away { self.players[at].steered } else { held };
        }
    }

    /// Everybody by points; who left comes after all who stayed.
    fn outcome(&self, reason: &str) -> Outcome {
        let points = |left: bool| {
            let players = self.players.iter().filter(move |player| player.left == left);
            players.map(|player| (Seat(player.seat), i64::from(player.points)))
        };
        let mut outcome = Outcome::ranked(points(false), reason);
        let last = outcome.standings.len() as u32 + 1;
        outcome.standings.extend(points(true).map(|(seat, score)| Standing { seat, rank: last, score }));
        outcome
    }
}

impl Game for Maze {
    type Config = Config;
    type Input = Option<Way>;
    type Command = ();
    type Event = MazeEvent;
    type View = Sight;
    const NAME: &'static str = "maze";
    const RATE_HZ: u32 = RATE_HZ;
    const SEND_EVERY: u32 = 3;
    const REPLAYS: bool = true;
    const MIN_SEATS: u16 = 2;
    const MAX_SEATS: u16 = 8;
    const WIRE_VERSION: u32 = 2;
    /// A spectator sees everybody: where somebody was so long ago helps nobody who looks for him.
    const WATCH_DELAY_SECONDS: u32 = 15;

    fn start(config: &Config, seed: u64) -> Maze {
        let config = Config {
            need: config.need.clamp(1, MOST_SPARKS),
            sparks: config.sparks.max(config.need).min(MOST_SPARKS),
            seconds: config.seconds.clamp(5, 600),
            ..config.clone()
        };
        let mut rng = Rng::new(seed);
        // A seed of its own, cut from the stream: what comes after it in the stream does not follow from it.
        let drawn = (rng.bits() >> 32) as u32;
        let seed = if config.map == 0 { drawn } else { config.map };
        let mut maze = Maze {
            map: Map::new(seed, config.width, config.height),
            config,
            rng,
            tick: 0,
            round: 0,
            rounds: 1,
            phase: Phase::Countdown,
            until: 0,
            haunter: 0,
            players: Vec::new(),
            sparks: Vec::new(),
        };
        maze.resize();
        maze
    }

    /// Before the first step everybody enters; later on, at the next round.
    fn join(&mut self, seat: Seat, _: &Who, _: &mut Context<MazeEvent>) {
        let player = Player {
            seat: seat.0,
            fate: Fate::Waiting,
            body: Body::at(Cell { x: 1, y: 1 }, Way::Right),
            carried: 0,
            catches: 0,
            haunted: 0,
            points: 0,
            gain: 0,
            escaped: false,
            away: false,
            steered: None,
            left: false,
        };
        self.players.retain(|player| player.seat != seat.0);
        let place = self.players.partition_point(|player| player.seat < seat.0);
        self.players.insert(place, player);
        if self.tick == 0 {
            self.resize();
            self.round = 0;
            self.players.iter_mut().for_each(|player| player.haunted = 0);
            self.begin_round(FIRST_COUNTDOWN);
        }
        self.count_rounds();
    }

    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<MazeEvent>) {
        let Some(player) = self.players.iter_mut().find(|player| player.seat == seat.0) else { return };
        player.away = presence == Presence::Dropped;
        if presence == Presence::Left {
            player.left = true;
            player.fate = Fate::Waiting;
            self.count_rounds();
            if self.present().count() == 1 && self.tick > 0 {
                cx.end(self.outcome("all others left"));
            }
        }
    }

    fn step(&mut self, inputs: &Inputs<Option<Way>>, cx: &mut Context<MazeEvent>) {
        self.tick += 1;
        match self.phase {
            Phase::Hunt => {
                self.take_inputs(inputs);
                self.hunt(cx);
            }
            Phase::Countdown => self.begin_hunt(),
            Phase::Over if self.tick < self.until => {}
            Phase::Over if self.round >= self.rounds => {
                cx.end(self.outcome(&format!("most points after {} rounds", self.round)));
            }
            Phase::Over => self.begin_round(COUNTDOWN),
        }
    }

    fn view(&self, class: ViewClass) -> Sight {
        self.sight(class)
    }

    fn class_of(&self, seat: Seat) -> ViewClass {
        ViewClass::Seat(seat)
    }

    /// The round that runs is the last one.
    fn drain(&mut self, _: u64, _: &mut Context<MazeEvent>) {
        self.config.rounds = self.round.max(1);
        self.rounds = self.config.rounds;
    }

    fn cut_short(&self, reason: &str) -> Outcome {
        // Somebody is ahead only after a round that counted.
        if self.round > 1 { self.outcome(reason) } else { Outcome::called_off(reason) }
    }

    fn predict(view: &mut Sight, seat: Seat, input: &Option<Way>) {
        if let Some(own) = view.bodies.iter_mut().find(|seen| seen.seat == seat.0) {
            own.body.wanted = *input;
        }
    }

    /// The clock and the player's own body; what others do is for the room to say.
    fn replay(view: &mut Sight, seat: Seat) {
        view.bodies.retain(|seen| seen.seat == seat.0);
        view.glide();
    }

    fn join_views(others: &mut Sight, own: &Sight, seat: Seat) {
        show::join(others, own, seat.0);
    }

    fn gap(shown: &Sight, now: &Sight, seat: Seat) -> Option<Pose> {
        show::gap(shown, now, seat.0)
    }

    fn nudge(view: &mut Sight, seat: Seat, by: &Pose) {
        show::nudge(view, seat.0, by);
    }

    fn bot(view: &Sight, seat: Seat, rng: &mut Rng) -> Moves<Maze> {
        let Some(body) = view.body(seat.0) else { return Moves::default() };
        let wanted = bot::steer(view, seat.0, rng);
        if body.wanted == wanted { Moves::default() } else { Moves::hold(wanted) }
    }
}

#[cfg(test)]
mod tests;
