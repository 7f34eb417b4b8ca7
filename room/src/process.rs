//! The process around a room: settings, log, signals, exit code.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use room_core::GameEntry;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{Ending, RoomProcess, Settings, Stop, replay};

/// A whole room process with these games: reads flags and environment, attaches, hosts, ends. With `replay FILE` it plays
/// a match again from its journal instead.
pub fn main(games: &[GameEntry]) -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "replay") {
        return replay::main(games, words);
    }
    let settings = Settings::parse();
    start_log(&settings);
    // Whoever started us may have blocked signals for itself; a child inherits that, and would never hear of a stop.
    if let Err(error) = nix::sys::signal::SigSet::all().thread_unblock() {
        tracing::warn!(%error, "could not unblock the signals");
    }
    // One thread reads the sockets and talks to the lobby; the match has its own.
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(settings, games));
    match run() {
        Ok(Ending::Drained | Ending::Unwanted) => ExitCode::SUCCESS,
        Ok(Ending::Failed(_)) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings, games: &[GameEntry]) -> anyhow::Result<Ending> {
    // First of all: whoever reads that it is open may stop it right away.
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let proof = settings.proof()?;
    let room = RoomProcess::bind(settings, proof, games).await?;
    tracing::info!(address = %room.address(), games = games.len(), "the room is open");
    let stop = Stop::default();
    let asked = stop.clone();
    let signals = tokio::spawn(async move {
        let mut asked_once = false;
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if asked_once {
                asked.stop.cancel()
            } else {
                asked.drain.cancel()
            }
            asked_once = true;
        }
    });
    let ended = room.run(stop).await;
    signals.abort();
    ended
}

fn start_log(settings: &Settings) {
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if settings.log_format == "json" {
        log.json().init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
}
