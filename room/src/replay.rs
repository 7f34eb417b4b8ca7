//! `replay FILE`: a match, played again from its journal.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use room_core::{GameEntry, Replayed};

/// Plays a match again from its journal and says whether it came to the same.
#[derive(Debug, Parser)]
#[command(name = "bellhop-room replay", version)]
struct Args {
    /// The journal: `matches/<match>.journal` in the lobby's data directory, or what `/v1/matches/<match>/replay` gives.
    file: PathBuf,
}

pub(crate) fn main(games: &[GameEntry], words: impl Iterator<Item = OsString>) -> ExitCode {
    let args = Args::parse_from(std::iter::once(OsString::from("replay")).chain(words));
    let mut out = std::io::stdout();
    let said = match run(games, &args) {
        Ok(replayed) => writeln!(out, "{}", sentence(&replayed)).map(|()| ExitCode::SUCCESS),
        Err(error) => writeln!(std::io::stderr(), "{error:#}").map(|()| ExitCode::FAILURE),
    };
    said.unwrap_or(ExitCode::FAILURE)
}

fn run(games: &[GameEntry], args: &Args) -> anyhow::Result<Replayed> {
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    Ok(room_core::replay(games, &bytes)?)
}

fn sentence(replayed: &Replayed) -> String {
    let Replayed { game, steps, duration_ms, checks, state, ended, .. } = replayed;
    let seconds = *duration_ms as f64 / 1e3;
    let end =
        ended.as_deref().map_or_else(|| "the journal ends before the match".to_owned(), |why| format!("ended: {why}"));
    format!("{game}: {steps} steps, {seconds:.1} s, the same at all {checks} checks, state {state:016x}; {end}")
}
