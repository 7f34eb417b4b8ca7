//! The benchmarks, by name.
//!
//! A benchmark is a function that reports figures. The headline figure carries the benchmark's own name, further
//! ones a suffix.

use anyhow::{Result, bail};
use serde::Serialize;

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The benchmark's name, or with a suffix: `lobby/assignments/p99`.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
}

/// Where a benchmark puts its figures.
pub struct Report<'a> {
    name: &'static str,
    out: &'a mut dyn FnMut(Figure),
}

impl Report<'_> {
    /// The headline figure.
    pub fn headline(&mut self, value: f64, unit: &'static str) {
        (self.out)(Figure { name: self.name.to_owned(), value, unit });
    }

    /// A further figure: `suffix` without a slash.
    pub fn further(&mut self, suffix: &str, value: f64, unit: &'static str) {
        (self.out)(Figure { name: format!("{}/{suffix}", self.name), value, unit });
    }
}

/// A benchmark.
pub struct Bench {
    /// Its name: `lobby/assignments`.
    pub name: &'static str,
    /// What it measures, in one line, with the bar it is held to.
    pub about: &'static str,
    /// Runs it.
    pub run: fn(&mut Report<'_>) -> Result<()>,
}

/// Every benchmark there is.
pub const ALL: &[Bench] = &[
    crate::matchmaker::MEMORY,
    crate::matchmaker::ACCEPT_ALL,
    crate::matchmaker::DUEL,
    crate::matchmaker::TEAMS,
    crate::matchmaker::CHESS_50,
    crate::matchmaker::CHESS_10,
    crate::matchmaker::CHESS_1,
    crate::seeds::BENCH,
    crate::assignments::BENCH,
    crate::play_to_frame::BENCH,
    crate::room_bytes::SNAKE,
    crate::room_bytes::MAZE,
    crate::room_bytes::TANKS,
    crate::room_bytes::TICTACTOE,
    crate::room_tanks::BENCH,
    crate::bots::crash::BENCH,
    crate::correction::BENCH,
    crate::game_cost::STEP_MAZE,
    crate::game_cost::STEP_SNAKE,
    crate::game_cost::STEP_TANKS,
    crate::game_cost::ENCODE_MAZE,
    crate::game_cost::ENCODE_SNAKE,
    crate::game_cost::ENCODE_TANKS,
    crate::sketch::BYTES,
    crate::sketch::STEP,
    crate::sketch::ENCODE,
    crate::fanout::BENCH,
    crate::link_matrix::BENCH,
    crate::recovery::BENCH,
    crate::unlucky::slow_reader::BENCH,
    crate::unlucky::storm::BENCH,
    crate::unlucky::hostile::BENCH,
];

/// Runs those whose name is `name` or begins with it at a slash; all, without one.
///
/// # Errors
/// If there is none of that name, or one fails.
pub fn run(name: Option<&str>, out: &mut dyn FnMut(Figure)) -> Result<()> {
    let chosen: Vec<_> = ALL.iter().filter(|bench| name.is_none_or(|name| is_or_is_under(bench.name, name))).collect();
    if chosen.is_empty() {
        let names: Vec<_> = ALL.iter().map(|bench| bench.name).collect();
        bail!("there is no benchmark {}; there are: {}", name.unwrap_or_default(), names.join(", "));
    }
    for bench in chosen {
        eprintln!("{}: {}", bench.name, bench.about);
        (bench.run)(&mut Report { name: bench.name, out })?;
    }
    Ok(())
}

fn is_or_is_under(name: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_end_matches('/');
    name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
}
