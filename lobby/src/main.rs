//! The lobby: doors for players, rooms and operators around the pure core.

use std::process::ExitCode;

use bellhop_lobby::settings::Settings;
use bellhop_lobby::{run, telemetry};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let settings = Settings::parse();
    let ran = telemetry::start(&settings).and_then(|()| run(settings));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bellhop-lobby: {error:#}");
            ExitCode::FAILURE
        }
    }
}
