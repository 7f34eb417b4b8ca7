//! `room/recovery`: how long a room needs to take up a long match from its journal, when the room that ran it is dead.
//!
//! The whole match is simulated again, from its beginning. As long as that is quick, a journal needs no snapshots.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bellhop_game::Game as _;
use bellhop_tanks::Tanks;
use room_core::{Room, Status, Time};

use crate::bench::{Bench, Report};
use crate::room_bytes::{World, order};

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/recovery",
    about: "ms until a room has taken up a match of Tanks with 16 bots, 10 minutes after its beginning, from its journal; < 300",
    run,
};

const SEATS: u16 = 16;
const SECONDS: u64 = 600;
const CONFIG: &str = r#"{"seconds": 3600}"#;
const SEED: u64 = 5;
/// Times it is taken up; the median counts.
const TIMES: usize = 9;

fn run(report: &mut Report<'_>) -> Result<()> {
    let journal = play()?;
    let mut took = (0..TIMES).map(|_| take_up(&journal)).collect::<Result<Vec<Duration>>>()?;
    took.sort();
    let median = took.get(TIMES / 2).context("it was taken up")?;
    report.headline(median.as_secs_f64() * 1e3, "ms");
    report.further("journal", journal.len() as f64 / f64::from(1 << 20), "MiB");
    Ok(())
}

/// The journal of a match that goes on.
fn play() -> Result<Vec<u8>> {
    let mut world: World<Tanks> = World::with_config(SEATS, SEED, CONFIG)?;
    let mut seen = 0;
    while world.now.0 < SECONDS * 1_000_000 {
        world.step()?;
        ensure!(!world.over, "the match is over");
        let tick = world.clients[0].tick();
        if tick != std::mem::replace(&mut seen, tick) {
            (0..usize::from(SEATS)).for_each(|at| world.think(at));
            world.carry()?;
        }
    }
    Ok(std::mem::take(&mut world.journal))
}

fn take_up(journal: &[u8]) -> Result<Duration> {
    let mut room = Room::new(&[room_core::game::<Tanks>()], SEED);
    let mut order = order::<Tanks>(SEATS, SEED, CONFIG);
    order.journal = journal.to_vec();
    let begun = Instant::now();
    room.host(Time(0), order)?;
    let took = begun.elapsed();
    ensure!(matches!(room.status(), Status::Playing { .. }), "the match does not go on");
    ensure!(room.seats().len() == usize::from(SEATS), "somebody lost his seat");
    ensure!(Tanks::RATE_HZ > 0 && !journal.is_empty(), "there was nothing to simulate");
    Ok(took)
}
