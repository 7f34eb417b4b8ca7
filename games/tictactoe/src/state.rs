//! The state, as the fold of its events.

use bellhop_game::wire;
use serde::{Deserialize, Serialize};

/// Lines that win.
pub(crate) const LINES: [[usize; 3]; 8] =
    [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];

wire! {
    /// What happened. Sides are the seats: 0 and 1.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", tag = "kind")]
    pub enum Event {
        /// The side to move put its mark there, counted from the upper left.
        Placed {
            /// 0 to 8.
            cell: u8,
        },
        /// A game begins.
        Began {
            /// Who moves first is seat 1.
            second_first: bool,
        },
        /// A side gave up.
        Resigned {
            /// It was seat 1.
            second: bool,
        },
        /// The side to move used up its time.
        TimedOut,
        /// A player left for good.
        Deserted {
            /// It was seat 1.
            second: bool,
        },
        /// A player would play again.
        RematchOffered {
            /// It was seat 1.
            second: bool,
        },
        /// No further game.
        RematchDeclined {
            /// It was seat 1.
            second: bool,
        },
    }

    /// An event and when it happened.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Moment {
        /// Milliseconds of the match.
        pub at_ms: u64,
        /// What happened.
        pub event: Event,
    }

    /// How a game ended.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum End {
        /// Three in a line.
        Line,
        /// No cell is free.
        Full,
        /// A side gave up.
        Resigned,
        /// A side used up its time.
        Time,
        /// A player left.
        Deserted,
    }

    /// What goes on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", tag = "kind")]
    pub enum Phase {
        /// Not both players are here yet.
        Waiting,
        /// A game runs.
        Playing,
        /// A game is over.
        Over {
            /// The seat that won; none in a draw.
            winner: Option<u8>,
            /// How it ended.
            end: End,
        },
    }
}

/// The state of a match: nothing in it that does not follow from the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The marks, by seat.
    pub cells: [Option<u8>; 9],
    /// What goes on.
    pub phase: Phase,
    /// The seat to move, or that would be.
    pub turn: u8,
    /// Since when, in milliseconds of the match.
    pub turn_since_ms: u64,
    /// What is left on each side's clock, as of then.
    pub clocks_ms: [u64; 2],
    /// Games begun.
    pub games: u16,
    /// Games won by each side.
    pub wins: [u16; 2],
    /// Games drawn.
    pub draws: u16,
    /// Who would play again.
    pub offers: [bool; 2],
    /// When the last game ended.
    pub over_ms: u64,
    /// No further game.
    pub finished: bool,
    budget_ms: u64,
}

impl State {
    /// Before the first event. Each side has `budget_ms` for a game.
    pub fn new(budget_ms: u64) -> State {
        State {
            cells: [None; 9],
            phase: Phase::Waiting,
            turn: 0,
            turn_since_ms: 0,
            clocks_ms: [budget_ms; 2],
            games: 0,
            wins: [0; 2],
            draws: 0,
            offers: [false; 2],
            over_ms: 0,
            finished: false,
            budget_ms,
        }
    }

    /// Each side's time for a game.
    pub fn budget_ms(&self) -> u64 {
        self.budget_ms
    }

    /// The one way the state changes. Events were checked before; one that cannot be changes nothing harmful.
    pub fn apply(&mut self, moment: Moment) {
        let at = moment.at_ms;
        match moment.event {
            Event::Began { second_first } => {
                self.cells = [None; 9];
                self.phase = Phase::Playing;
                self.turn = u8::from(second_first);
                self.turn_since_ms = at;
                self.clocks_ms = [self.budget_ms; 2];
                self.games = self.games.saturating_add(1);
                self.offers = [false; 2];
            }
            Event::Placed { cell } => {
                let Some(free) = self.cells.get_mut(usize::from(cell)).filter(|cell| cell.is_none()) else { return };
                *free = Some(self.turn);
                self.stop_clock(at);
                if self.line().is_some() {
                    self.over(at, Some(self.turn), End::Line);
                } else if self.cells.iter().all(Option::is_some) {
                    self.over(at, None, End::Full);
                } else {
                    self.turn = 1 - self.turn;
                }
            }
            Event::Resigned { second } => {
                self.stop_clock(at);
                self.over(at, Some(u8::from(!second)), End::Resigned);
            }
            Event::TimedOut => {
                self.stop_clock(at);
                self.over(at, Some(1 - self.turn), End::Time);
            }
            Event::Deserted { second } => {
                if self.phase == Phase::Playing {
                    self.stop_clock(at);
                    self.over(at, Some(u8::from(!second)), End::Deserted);
                }
                self.finished = true;
            }
            Event::RematchOffered { second } => self.offers[usize::from(second)] = true,
            Event::RematchDeclined { .. } => self.finished = true,
        }
    }

    /// The side to move has used this time.
    fn stop_clock(&mut self, at: u64) {
        let used = at.saturating_sub(self.turn_since_ms);
        let clock = &mut self.clocks_ms[usize::from(self.turn)];
        *clock = clock.saturating_sub(used);
        self.turn_since_ms = at;
    }

    fn over(&mut self, at: u64, winner: Option<u8>, end: End) {
        self.phase = Phase::Over { winner, end };
        self.over_ms = at;
        match winner {
            Some(side) => self.wins[usize::from(side & 1)] += 1,
            None => self.draws = self.draws.saturating_add(1),
        }
    }

    /// The line that won.
    pub fn line(&self) -> Option<[usize; 3]> {
        winning_line(&self.cells)
    }
}

/// The line of three equal marks, if there is one.
pub(crate) fn winning_line(cells: &[Option<u8>; 9]) -> Option<[usize; 3]> {
    LINES.into_iter().find(|&[a, b, c]| cells[a].is_some() && cells[a] == cells[b] && cells[b] == cells[c])
}
