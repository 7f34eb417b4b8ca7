//! What sketch costs: bytes for each point drawn, and the time of a stroke and of its way to the viewers.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bellhop_game::{Context, Game as _, Seat, View as _, Who, Wire as _, Writer};
use bellhop_sketch::{Brush, Command, Config, Phase, Point, Points, Sketch};

use crate::bench::{Bench, Report};
use crate::room_bytes::World;

/// Bytes of sketch with two bots that draw.
pub const BYTES: Bench = Bench {
    name: "room/bytes/sketch",
    about: "mean bytes per point drawn and player, 2 bots that draw a whole match; <= 4",
    run: bytes,
};

/// Time of one command.
pub const STEP: Bench = Bench {
    name: "room/step/sketch",
    about: "mean time of a piece of stroke in a full room, late in a match",
    run: step,
};

/// Time of one view.
pub const ENCODE: Bench = Bench {
    name: "room/encode/sketch",
    about: "mean time to view and encode a piece of stroke for one class, late in a match",
    run: encode,
};

/// Matches, each with its own seed.
const MATCHES: u64 = 5;
/// A hand sends what it drew this often: every third look of a page at what is due.
const LOOKS_PER_PIECE: u32 = 3;
/// Pieces that were drawn before the clock is looked at: what four people draw in two minutes.
const DRAWN_BEFORE: u32 = 6_000;
/// Pieces that are measured.
const MEASURED: u32 = 2_000;

fn bytes(report: &mut Report<'_>) -> Result<()> {
    let (mut state, mut all, mut up, mut points, mut micros) = (0, 0, 0, 0_u64, 0_u64);
    let (mut frames, mut keyframe) = (0, 0);
    for seed in 0..MATCHES {
        let mut world: World<Sketch> = World::new(2, seed)?;
        let (first_state, first_all) = world.down();
        world.up = 0;
        let mut looks = 0;
        while !world.over {
            world.step()?;
            looks += 1;
            if looks % LOOKS_PER_PIECE == 0 {
                (0..2).for_each(|at| world.think(at));
                world.carry()?;
            }
            ensure!(world.now.0 < 300_000_000, "the match does not end");
        }
        let sheet = world.clients[0].view().context("there is a state")?;
        ensure!(sheet.phase() == Phase::Over, "the last state is that of the end");
        points += (0..2).map(|seat| u64::from(sheet.log().hand(seat).points)).sum::<u64>();
        keyframe += sheet.to_bytes().len();
        let down = world.down();
        state += down.0 - first_state;
        all += down.1 - first_all;
        up += world.up;
        micros += world.now.0;
        frames += world.clients.iter().map(|client| client.stats(0.0).frames).sum::<u64>();
        ensure!(world.clients.iter().all(|client| client.stats(0.0).desyncs == 0), "a client fell out of step");
    }
    report.headline(state as f64 / points as f64 / 2.0, "B");
    report.further("all", all as f64 / points as f64 / 2.0, "B");
    report.further("inputs", up as f64 / (micros as f64 / 1e6) / 2.0, "B/s");
    report.further("moving", points as f64 * 2.0 / frames as f64, "points/frame");
    report.further("keyframe", keyframe as f64 / MATCHES as f64, "B");
    Ok(())
}

/// A full room in which much was drawn.
fn late_match() -> Sketch {
    let mut game = Sketch::start(&Config::default(), 1);
    for seat in 0..Sketch::MAX_SEATS {
        game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
    }
    game.answer(1, None, &mut Context::new(0, 0));
    game.timeout(&mut Context::new(0, 0));
    for at in 0..DRAWN_BEFORE {
        let command = if at < u32::from(Sketch::MAX_SEATS) {
            Command::Begin { brush: Brush::default(), points: piece(at) }
        } else {
            Command::More { points: piece(at) }
        };
        draw(&mut game, at, command);
    }
    game
}

fn draw(game: &mut Sketch, at: u32, command: Command) {
    let seat = Seat((at % u32::from(Sketch::MAX_SEATS)) as u16);
    let drawn = game.command(seat, command, &mut Context::new(1, 0));
    assert!(drawn.is_ok(), "a piece within all limits: {drawn:?}");
}

/// A short piece of a line.
fn piece(at: u32) -> Points {
    let place = |step: u32| Point { x: ((at * 7 + step * 5) % 900) as i16, y: ((at * 3 + step * 2) % 700) as i16 };
    Points((0..3).map(place).collect())
}

fn step(report: &mut Report<'_>) -> Result<()> {
    let mut game = late_match();
    let commands: Vec<Command> = (0..MEASURED).map(|at| Command::More { points: piece(at) }).collect();
    let begun = Instant::now();
    for (at, command) in (0..).zip(commands) {
        // The room holds the view that was sent last.
        let held = game.view(game.class_of(Seat(0)));
        draw(&mut game, at, command);
        black_box(held);
    }
    report.headline(begun.elapsed().as_nanos() as f64 / f64::from(MEASURED), "ns");
    Ok(())
}

fn encode(report: &mut Report<'_>) -> Result<()> {
    let mut game = late_match();
    let class = game.class_of(Seat(0));
    let mut base = game.view(class);
    let mut nanos = 0;
    for at in 0..MEASURED {
        draw(&mut game, at, Command::More { points: piece(at) });
        let begun = Instant::now();
        let now = game.view(class);
        let mut to = Writer::new();
        if now != base {
            now.diff(&base, 0, &mut to);
        }
        black_box(to.finish());
        base = now;
        nanos += begun.elapsed().as_nanos();
    }
    report.headline(nanos as f64 / f64::from(MEASURED), "ns");
    Ok(())
}
