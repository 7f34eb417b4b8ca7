//! The rules: which command becomes which event.

use bellhop_game::{Context, Game, Illegal, Moves, Outcome, Presence, Rng, Seat, Standing, ViewClass, Who, wire};
use serde::{Deserialize, Serialize};

use crate::bot;
use crate::state::{Event, Moment, Phase};
use crate::view::Table;

wire! {
    /// What a player may do.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(from = "Said", into = "Said")]
    pub enum Command {
        /// Puts a mark there, counted from the upper left.
        Place {
            /// 0 to 8.
            cell: u8,
        },
        /// Gives the game up.
        Resign,
        /// Would play again.
        OfferRematch,
        /// Wants no further game: the match ends.
        DeclineRematch,
    }
}

/// A command as the page says it: `{ place: 4 }`, `"resign"`, `"rematch"`, `"decline"`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Said {
    Place(u8),
    Resign,
    Rematch,
    Decline,
}

impl From<Said> for Command {
    fn from(said: Said) -> Command {
        match said {
            Said::Place(cell) => Command::Place { cell },
            Said::Resign => Command::Resign,
            Said::Rematch => Command::OfferRematch,
            Said::Decline => Command::DeclineRematch,
        }
    }
}

impl From<Command> for Said {
    fn from(command: Command) -> Said {
        match command {
            Command::Place { cell } => Said::Place(cell),
            Command::Resign => Said::Resign,
            Command::OfferRematch => Said::Rematch,
            Command::DeclineRematch => Said::Decline,
        }
    }
}

/// Settings of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Each side's time for a game, in seconds.
    pub clock_seconds: u32,
    /// How long a rematch may be offered after a game, in seconds; 0: never.
    pub rematch_seconds: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config { clock_seconds: 60, rematch_seconds: 10 }
    }
}

/// A match of tic-tac-toe.
#[derive(Debug, Clone)]
pub struct TicTacToe {
    table: Table,
    second_first: bool,
    here: [bool; 2],
}

impl TicTacToe {
    /// The table as it is.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The one way anything happens. Ends the match when the event did.
    fn happen(&mut self, event: Event, cx: &mut Context<()>) {
        self.table.push(Moment { at_ms: cx.now_ms, event });
        let state = self.table.state();
        let over = matches!(state.phase, Phase::Over { .. });
        if state.finished || over && (self.table.rematch_ms() == 0 || self.table.is_full()) {
            cx.end(self.outcome());
        }
    }

    fn begin(&mut self, cx: &mut Context<()>) {
        let odd = self.table.state().games % 2 == 1;
        self.happen(Event::Began { second_first: self.second_first != odd }, cx);
    }

    /// By games won; equal games are a draw; who deserted comes last whatever he won.
    fn outcome(&self) -> Outcome {
        let state = self.table.state();
        if state.wins == [0; 2] && state.draws == 0 {
            return Outcome::called_off("no game was played to its end");
        }
        let scores = [0, 1].map(|side: u16| (Seat(side), i64::from(state.wins[usize::from(side)])));
        let deserter = self.table.log().iter().rev().find_map(|moment| match moment.event {
            Event::Deserted { second } => Some(u16::from(second)),
            Event::Placed { .. }
            | Event::Began { .. }
            | Event::Resigned { .. }
            | Event::TimedOut
            | Event::RematchOffered { .. }
            | Event::RematchDeclined { .. } => None,
        });
        let mut outcome = Outcome::ranked(scores, "the games are played");
        if let (Some(side), Phase::Over { end: crate::End::Deserted, .. }) = (deserter, state.phase) {
            let standing = |rank, seat: u16| Standing { seat: Seat(seat), rank, score: scores[usize::from(seat)].1 };
            outcome.standings = vec![standing(1, 1 - side), standing(2, side)];
            "the opponent left".clone_into(&mut outcome.reason);
        }
        outcome
    }
}

impl Game for TicTacToe {
    type Config = Config;
    type Input = ();
    type Command = Command;
    type Event = ();
    type View = Table;
    const NAME: &'static str = "tictactoe";
    const RATE_HZ: u32 = 0;
    const MIN_SEATS: u16 = 2;
    const MAX_SEATS: u16 = 2;
    const WIRE_VERSION: u32 = 1;

    fn start(config: &Config, seed: u64) -> TicTacToe {
        let budget_ms = u64::from(config.clock_seconds.clamp(1, 24 * 3_600)) * 1_000;
        let rematch_ms = u64::from(config.rematch_seconds.min(600)) * 1_000;
        let second_first = Rng::new(seed).one_in(2);
        TicTacToe { table: Table::new(budget_ms, rematch_ms), second_first, here: [false; 2] }
    }

    fn join(&mut self, seat: Seat, _: &Who, cx: &mut Context<()>) {
        if let Some(here) = self.here.get_mut(usize::from(seat.0)) {
            *here = true;
        }
        if self.here == [true; 2] && self.table.state().phase == Phase::Waiting {
            self.begin(cx);
        }
    }

    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<()>) {
        if presence == Presence::Left && seat.0 < 2 && !self.table.state().finished {
            self.happen(Event::Deserted { second: seat.0 == 1 }, cx);
        }
    }

    fn command(&mut self, seat: Seat, command: Command, cx: &mut Context<()>) -> Result<(), Illegal> {
        let state = self.table.state();
        let (second, side) = (seat.0 == 1, seat.0 as u8);
        match command {
            Command::Place { .. } | Command::Resign if state.phase != Phase::Playing => {
                Err(Illegal::because("no game is running"))
            }
            Command::Place { .. } if state.turn != side => Err(Illegal::because("it is the other side's turn")),
            Command::Place { cell } => match state.cells.get(usize::from(cell)) {
                None => Err(Illegal::because("there is no such cell; they are 0 to 8")),
                Some(Some(_)) => Err(Illegal::because("that cell is taken")),
                Some(None) => {
                    self.happen(Event::Placed { cell }, cx);
                    Ok(())
                }
            },
            Command::Resign => {
                self.happen(Event::Resigned { second }, cx);
                Ok(())
            }
            Command::OfferRematch | Command::DeclineRematch if !matches!(state.phase, Phase::Over { .. }) => {
                Err(Illegal::because("the game is not over"))
            }
            Command::OfferRematch if state.offers[usize::from(side & 1)] => Ok(()),
            Command::OfferRematch => {
                self.happen(Event::RematchOffered { second }, cx);
                if self.table.state().offers == [true; 2] {
                    self.begin(cx);
                }
                Ok(())
            }
            Command::DeclineRematch => {
                self.happen(Event::RematchDeclined { second }, cx);
                Ok(())
            }
        }
    }

    fn deadline(&self) -> Option<u64> {
        let state = self.table.state();
        match state.phase {
            Phase::Waiting => None,
            Phase::Playing => Some(state.turn_since_ms + state.clocks_ms[usize::from(state.turn)]),
            Phase::Over { .. } => Some(state.over_ms + self.table.rematch_ms()),
        }
    }

    fn timeout(&mut self, cx: &mut Context<()>) {
        match self.table.state().phase {
            Phase::Waiting => {}
            Phase::Playing => self.happen(Event::TimedOut, cx),
            Phase::Over { .. } => cx.end(self.outcome()),
        }
    }

    fn view(&self, _: ViewClass) -> Table {
        self.table.clone()
    }

    fn cut_short(&self, reason: &str) -> Outcome {
        Outcome { reason: reason.to_owned(), ..self.outcome() }
    }

    fn history(&self, _: ViewClass) -> Vec<String> {
        self.table.log().iter().filter_map(|moment| serde_json::to_string(moment).ok()).collect()
    }

    fn bot(view: &Table, seat: Seat, rng: &mut Rng) -> Moves<TicTacToe> {
        let state = view.state();
        match state.phase {
            Phase::Playing if u16::from(state.turn) == seat.0 => bot::best(&state.cells, state.turn, rng)
                .map_or_else(Moves::default, |cell| Moves::command(Command::Place { cell })),
            Phase::Over { .. } if !state.finished => Moves::command(Command::DeclineRematch),
            Phase::Waiting | Phase::Playing | Phase::Over { .. } => Moves::default(),
        }
    }
}

#[cfg(test)]
mod tests;
