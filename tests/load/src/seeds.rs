//! The simulation, many seeds of it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::bench::{Bench, Report};

/// Worlds in which everything goes wrong, and in which no invariant may break.
pub const BENCH: Bench = Bench {
    name: "sim/seeds",
    about: "10,000 worlds of 150 s each in which everything goes wrong: worlds in which all invariants held (= 10,000)",
    run,
};

/// Beside the 500 that every test run has.
const SEEDS: std::ops::Range<u64> = 10_000..20_000;

fn run(report: &mut Report<'_>) -> Result<()> {
    let begin = Instant::now();
    let (next, steps) = (AtomicU64::new(SEEDS.start), AtomicU64::new(0));
    let broken: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= SEEDS.end {
            break;
        }
        let result = std::panic::catch_unwind(|| bellhop_sim::run(seed).map(|world| world.steps));
        let why = match result {
            Ok(Ok(made)) => {
                steps.fetch_add(made, Ordering::Relaxed);
                continue;
            }
            Ok(Err(why)) => why,
            Err(_) => format!("seed {seed}: an assertion failed; replay it: {}", bellhop_sim::replay(seed)),
        };
        eprintln!("{why}");
        if let Ok(mut broken) = broken.lock() {
            broken.push(why);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let broken = broken.into_inner().unwrap_or_default();
    let all = SEEDS.end - SEEDS.start;
    report.headline((all - broken.len() as u64) as f64, "seeds");
    report.further("steps", steps.into_inner() as f64, "steps");
    report.further("rate", all as f64 / begin.elapsed().as_secs_f64(), "seeds/s");
    match broken.first() {
        Some(first) => bail!("{} seeds broke an invariant; the first: {first}", broken.len()),
        None => Ok(()),
    }
}
