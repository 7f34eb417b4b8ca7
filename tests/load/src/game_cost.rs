//! What a game costs its room: a step with every seat taken, and what a class of viewers is sent.

use std::time::{Duration, Instant};

use anyhow::Result;
use bellhop_game::{Context, Game, Inputs, Rng, Seat, View as _, Who, Writer};
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
        let mut game = G::start(&G::Config::default(), seed);
        let mut rng = Rng::new(seed);
        let mut inputs = Inputs::new();
        for seat in 0..G::MAX_SEATS {
            game.join(Seat(seat), &Who { name: "somebody".into(), team: 0 }, &mut Context::new(0, 0));
        }
        let every = game.send_every();
        let class = game.class_of(Seat(0));
        let mut seen = game.view(class);
        for tick in 1..STEPS {
            if tick % every == 0 {
                for seat in 0..G::MAX_SEATS {
                    // Where all see the same, one look does for all.
                    let own = game.class_of(Seat(seat));
                    let look = (own != class).then(|| game.view(own));
                    if let Some(input) = G::bot(look.as_ref().unwrap_or(&seen), Seat(seat), &mut rng).input {
                        inputs.plan(Seat(seat), tick - 1, tick, 0, input);
                    }
                }
            }
            let mut cx = Context::new(u64::from(tick) * 1_000 / u64::from(G::RATE_HZ.max(1)), tick);
            let began = Instant::now();
            inputs.begin(tick, 0);
            game.step(&inputs, &mut cx);
            inputs.stepped();
            stepping += began.elapsed();
            steps += 1;
            if tick % every == 0 {
                let began = Instant::now();
                let now = game.view(class);
                let mut to = Writer::new();
                now.diff(&seen, every, &mut to);
                std::hint::black_box(to.finish());
                encoding += began.elapsed();
                sends += 1;
                seen = now;
            }
            if cx.take_outcome().is_some() {
                break;
            }
        }
    }
    let each = |time: Duration, count: u32| time.as_secs_f64() * 1e9 / f64::from(count.max(1));
    (each(stepping, steps), each(encoding, sends))
}
