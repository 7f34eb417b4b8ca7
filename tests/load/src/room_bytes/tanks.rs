//! Tanks: sixteen bots, twenty states a second.

use anyhow::{Context as _, Result, ensure};
use bellhop_game::{Game as _, Wire as _};
use bellhop_tanks::Tanks;
use bellhop_wire::{StateBody, StateKind, Writer};

use super::{MATCHES, SECONDS, World};
use crate::bench::{Bench, Report};

/// Bytes of Tanks with sixteen bots.
pub const TANKS: Bench = Bench {
    name: "room/bytes/tanks",
    about: "mean bytes per send tick and player, 16 bots that play to win, 20 states a second; <= 60, keyframe <= 300",
    run,
};

fn run(report: &mut Report<'_>) -> Result<()> {
    const SEATS: u16 = 16;
    let (mut state, mut all, mut up, mut ticks, mut moving) = (0, 0, 0, 0_u64, 0_u64);
    let (mut keyframes, mut longest) = (0_usize, 0_usize);
    for seed in 0..MATCHES {
        let mut world: World<Tanks> = World::new(SEATS, seed)?;
        let (first_state, first_all) = world.down();
        world.up = 0;
        let mut seen = world.clients[0].view().context("a keyframe came")?.clone();
        while world.now.0 < SECONDS * 1_000_000 && !world.over {
            world.step()?;
            let view = world.clients[0].view().context("there is a state")?.clone();
            if view.tick != seen.tick {
                ticks += 1;
                moving += u64::from(view.tanks != seen.tanks || view.shells != seen.shells);
                let mut to = Writer::new();
                let kind = StateKind::Keyframe { tick: view.tick, events_before: 100 };
                StateBody { kind, check: None, events: 0 }.write(&mut to);
                view.write(&mut to);
                let keyframe = 1 + to.finish().len();
                keyframes += keyframe;
                longest = longest.max(keyframe);
                seen = view;
                (0..usize::from(SEATS)).for_each(|at| world.think(at));
                world.carry()?;
            }
        }
        let down = world.down();
        state += down.0 - first_state;
        all += down.1 - first_all;
        up += world.up;
        ensure!(world.clients.iter().all(|client| client.stats(0.0).desyncs == 0), "a client fell out of step");
    }
    let seats = f64::from(SEATS);
    let rate = f64::from(Tanks::RATE_HZ / Tanks::SEND_EVERY);
    report.headline(state as f64 / ticks as f64 / seats, "B");
    report.further("all", all as f64 / ticks as f64 / seats, "B");
    report.further("inputs", up as f64 / (ticks as f64 / rate) / seats, "B/s");
    report.further("moving", moving as f64 / ticks as f64, "");
    report.further("keyframe", keyframes as f64 / ticks as f64, "B");
    report.further("keyframe-longest", longest as f64, "B");
    Ok(())
}
