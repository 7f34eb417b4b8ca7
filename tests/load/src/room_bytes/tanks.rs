//! Tanks: sixteen bots, twenty states a second.

use anyhow::Result;
use bellhop_game::{Game as _, Wire as _};
use bellhop_tanks::{Arena, Tanks};
use bellhop_wire::{StateBody, StateKind, Writer};

use super::watch;
use crate::bench::{Bench, Report};

/// Bytes of Tanks with sixteen bots.
pub const TANKS: Bench = Bench {
    name: "room/bytes/tanks",
    about: "mean bytes per send tick and player, 16 bots that play to win, 20 states a second; <= 60, keyframe <= 300",
    run,
};

fn run(report: &mut Report<'_>) -> Result<()> {
    const SEATS: u16 = 16;
    let moved = |before: &Arena, after: &Arena| before.tanks != after.tanks || before.shells != after.shells;
    let (mut keyframes, mut longest) = (0_usize, 0_usize);
    let costs = watch::<Tanks>(
        SEATS,
        |arena| arena.tick,
        moved,
        |arena| {
            let mut to = Writer::new();
            let kind = StateKind::Keyframe { tick: arena.tick, events_before: 100 };
            StateBody { kind, check: None, events: 0 }.write(&mut to);
            arena.write(&mut to);
            let keyframe = 1 + to.finish().len();
            keyframes += keyframe;
            longest = longest.max(keyframe);
        },
    )?;
    costs.report(report, SEATS, costs.ticks as f64 / f64::from(Tanks::RATE_HZ / Tanks::SEND_EVERY));
    report.further("keyframe", keyframes as f64 / costs.ticks as f64, "B");
    report.further("keyframe-longest", longest as f64, "B");
    Ok(())
}
