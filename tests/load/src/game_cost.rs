//! What a game costs its room: a step with every seat taken, and what a class of viewers is sent.

use std::time::{Duration, Instant};

use anyhow::Result;
use bellhop_cost::full_match::FullMatch;
use bellhop_game::Game;
use bellhop_maze::Maze;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;

use crate::bench::{Bench, Report};

/// A step of Maze.
pub const STEP_MAZE: Bench =
    Bench { name: "room/step/maze", about: "ns per step with eight bots", run: |report| step::<Maze>(report) };
/// A step of Snake.
pub const STEP_SNAKE: Bench =
    Bench { name: "room/step/snake", about: "ns per step with eight bots", run: |report| step::<Snake>(report) };
/// A step of Tanks.
pub const STEP_TANKS: Bench =
    Bench { name: "room/step/tanks", about: "ns per step with sixteen bots", run: |report| step::<Tanks>(report) };
/// A change of Maze.
pub const ENCODE_MAZE: Bench = Bench {
    name: "room/encode/maze",
    about: "ns per view class and send tick with eight bots: what one of them sees",
    run: |report| encode::<Maze>(report),
};
/// A change of Snake.
pub const ENCODE_SNAKE: Bench = Bench {
    name: "room/encode/snake",
    about: "ns per view class and send tick with eight bots",
    run: |report| encode::<Snake>(report),
};
/// A change of Tanks.
pub const ENCODE_TANKS: Bench = Bench {
    name: "room/encode/tanks",
    about: "ns per view class and send tick with sixteen bots",
    run: |report| encode::<Tanks>(report),
};

/// Steps of each of the matches.
const STEPS: u32 = 3_000;
const MATCHES: u64 = 4;

fn step<G: Game>(report: &mut Report<'_>) -> Result<()> {
    report.headline(play::<G>().0, "ns");
    Ok(())
}

fn encode<G: Game>(report: &mut Report<'_>) -> Result<()> {
    report.headline(play::<G>().1, "ns");
    Ok(())
}

/// Nanoseconds of a step, and of taking a view and writing what changed.
fn play<G: Game>() -> (f64, f64) {
    let (mut stepping, mut encoding) = (Duration::ZERO, Duration::ZERO);
    let (mut steps, mut sends) = (0_u32, 0_u32);
    for seed in 0..MATCHES {
        let mut of = FullMatch::<G>::new(seed);
        for _ in 1..STEPS {
            if of.sends() {
                of.decide();
            }
            let began = Instant::now();
            let outcome = of.step();
            stepping += began.elapsed();
            steps += 1;
            if of.sends() {
                let began = Instant::now();
                std::hint::black_box(of.encode());
                encoding += began.elapsed();
                sends += 1;
            }
            if outcome.is_some() {
                break;
            }
        }
    }
    let each = |time: Duration, count: u32| time.as_secs_f64() * 1e9 / f64::from(count.max(1));
    (each(stepping, steps), each(encoding, sends))
}
