//! The rules: who may draw when, and when the picture is finished.

use bellhop_game::{Context, Game, Illegal, Moves, Outcome, Presence, Rng, Seat, Standing, ViewClass, Who, wire};
use serde::{Deserialize, Serialize};

use crate::log::{Entry, Log, Mark};
use crate::mark::{Brush, Point, Points};
use crate::series::{QUESTION, Scene};
use crate::view::Sheet;
use crate::{bot, limits, scenes};

/// The one question that a match has.
const PROMPTS: u32 = 1;

wire! {
    /// What a player may do.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum Command {
        /// Begins a stroke.
        Begin {
            /// With this.
            brush: Brush,
            /// Along these.
            points: Points,
        },
        /// Goes on with the stroke.
        More {
            /// Along these.
            points: Points,
        },
        /// Fills what is of one colour and connected.
        Fill {
            /// From here.
            at: Point,
            /// Red, green and blue.
            colour: u32,
        },
        /// Takes back the last own stroke or fill.
        Undo,
        /// Is done with the picture, or not yet after all.
        Done {
            /// Done.
            done: bool,
        },
    }

    /// What goes on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum Phase {
        /// The prompts are not there yet.
        Waiting,
        /// Everybody draws.
        Drawing,
        /// The picture is finished.
        Over,
    }
}

/// Settings of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a prompt is on, in seconds.
    pub prompt_seconds: u32,
    /// How long the match waits for prompts from outside, in seconds; then it takes built-in ones.
    pub wait_seconds: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config { prompt_seconds: 30, wait_seconds: 10 }
    }
}

/// A seat that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Artist {
    here: bool,
    done: bool,
}

/// A match of sketch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sketch {
    log: Log,
    phase: Phase,
    /// By seat; none where nobody sat yet.
    artists: [Option<Artist>; limits::MAX_SEATS as usize],
    /// What the match is about, once that is known.
    scene: Option<Scene>,
    /// The built-in scene that serves where none comes from outside.
    built_in: u32,
    asked: bool,
    step: u8,
    until_ms: u64,
    prompt_ms: u64,
}

impl Sketch {
    fn begin(&mut self, cx: &mut Context<()>) {
        let built_in = self.built_in;
        self.scene.get_or_insert_with(|| scenes::built_in(built_in));
        self.phase = Phase::Drawing;
        self.until_ms = cx.now_ms + self.prompt_ms;
    }

    fn finish(&mut self, cx: &mut Context<()>) {
        self.phase = Phase::Over;
        let seats = (0..).zip(&self.artists).filter(|(_, artist)| artist.is_some());
        let standings = seats.map(|(seat, _)| Standing { seat: Seat(seat), rank: 1, score: 0 }).collect();
        cx.end(Outcome { standings, rated: false, reason: "the picture is finished".to_owned() });
    }

    fn finish_if_all_are_done(&mut self, cx: &mut Context<()>) {
        let mut here = self.artists.iter().flatten().filter(|artist| artist.here).peekable();
        if self.phase == Phase::Drawing && here.peek().is_some() && here.all(|artist| artist.done) {
            self.finish(cx);
        }
    }
}

impl Game for Sketch {
    type Config = Config;
    type Input = ();
    type Command = Command;
    type Event = ();
    type View = Sheet;
    const NAME: &'static str = "sketch";
    const RATE_HZ: u32 = 0;
    const MIN_SEATS: u16 = 2;
    const MAX_SEATS: u16 = limits::MAX_SEATS;

    fn start(config: &Config, seed: u64) -> Sketch {
        Sketch {
            log: Log::default(),
            phase: Phase::Waiting,
            artists: [None; limits::MAX_SEATS as usize],
            scene: None,
            built_in: Rng::new(seed).below(scenes::BUILT_IN),
            asked: false,
            step: 0,
            until_ms: u64::from(config.wait_seconds.min(60)) * 1_000,
            prompt_ms: u64::from(config.prompt_seconds.clamp(1, 3_600)) * 1_000,
        }
    }

    fn join(&mut self, seat: Seat, _: &Who, cx: &mut Context<()>) {
        if let Some(artist) = self.artists.get_mut(usize::from(seat.0)) {
            *artist = Some(Artist { here: true, done: false });
        }
        if !std::mem::replace(&mut self.asked, true) {
            cx.ask(PROMPTS, QUESTION);
        }
    }

    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<()>) {
        if let Some(Some(artist)) = self.artists.get_mut(usize::from(seat.0)) {
            artist.here = presence != Presence::Left;
            self.finish_if_all_are_done(cx);
        }
    }

    fn answer(&mut self, question: u32, answer: Option<&str>, _: &mut Context<()>) {
        if question == PROMPTS && self.phase == Phase::Waiting && self.scene.is_none() {
            let scene = answer.and_then(|answer| Scene::from_answer(answer).ok());
            self.scene = Some(scene.unwrap_or_else(|| scenes::built_in(self.built_in)));
        }
    }

    fn command(&mut self, seat: Seat, command: Command, cx: &mut Context<()>) -> Result<(), Illegal> {
        match self.phase {
            Phase::Waiting => return Err(Illegal::because("the prompts are not there yet")),
            Phase::Over => return Err(Illegal::because("the picture is finished")),
            Phase::Drawing => {}
        }
        let mark = match command {
            Command::Begin { brush, points } => Mark::Begin { brush, points },
            Command::More { points } => Mark::More { points },
            Command::Fill { at, colour } => Mark::Fill { at, colour },
            Command::Undo => Mark::Undo,
            Command::Done { done } => {
                if let Some(Some(artist)) = self.artists.get_mut(usize::from(seat.0)) {
                    artist.done = done;
                }
                self.finish_if_all_are_done(cx);
                return Ok(());
            }
        };
        let entry = Entry { seat: u8::try_from(seat.0).unwrap_or(u8::MAX), mark };
        self.log.push(entry).map_err(|impossible| Illegal::because(impossible.reason()))
    }

    fn deadline(&self) -> Option<u64> {
        match self.phase {
            // The prompts are there: at once, or as soon as the clock runs.
            Phase::Waiting if self.scene.is_some() => Some(0),
            Phase::Waiting | Phase::Drawing => Some(self.until_ms),
            Phase::Over => None,
        }
    }

    fn timeout(&mut self, cx: &mut Context<()>) {
        let steps = self.scene.as_ref().map_or(0, Scene::prompts);
        match self.phase {
            Phase::Waiting => self.begin(cx),
            Phase::Drawing if self.step + 1 < steps => {
                self.step += 1;
                self.until_ms += self.prompt_ms;
            }
            Phase::Drawing => self.finish(cx),
            Phase::Over => {}
        }
    }

    fn view(&self, class: ViewClass) -> Sheet {
        let drawing = self.phase != Phase::Waiting;
        let scene = self.scene.as_ref().filter(|_| drawing);
        let prompts = match (class, scene) {
            (ViewClass::Seat(seat), Some(scene)) => {
                scene.series(seat.0).iter().take(usize::from(self.step) + 1).cloned().collect()
            }
            (ViewClass::Seat(_) | ViewClass::Shared | ViewClass::Team(_) | ViewClass::Spectator, _) => Vec::new(),
        };
        let done = (0..).zip(&self.artists).filter(|(_, artist)| artist.is_some_and(|artist| artist.done));
        Sheet {
            log: self.log.clone(),
            phase: self.phase,
            step: self.step,
            steps: scene.map_or(0, Scene::prompts),
            until_ms: self.until_ms,
            done: done.fold(0, |bits, (seat, _): (u32, _)| bits | 1 << seat),
            prompts,
            reveal: scene.filter(|_| self.phase == Phase::Over).cloned(),
            now_ms: 0,
        }
    }

    fn class_of(&self, seat: Seat) -> ViewClass {
        ViewClass::Seat(seat)
    }

    fn bot(view: &Sheet, seat: Seat, rng: &mut Rng) -> Moves<Sketch> {
        bot::next(view, seat, rng).map_or_else(Moves::default, Moves::command)
    }
}

#[cfg(test)]
mod tests;
