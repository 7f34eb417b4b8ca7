//! `room/link-matrix`: Tanks over real sockets, a real room, and each kind of way there: 0 to 300 ms there and back, up to 5 % of
//! the packets lost, and a silence of two seconds in the middle of it.
//!
//! Two play, one over that way and one at the room. All that the first sees is what the second saw, step for step, and when
//! the way is good again he is as near to the present as its length lets him.
//!
//! The ways are laid in a network of their own (see [`crate::road`]), which is a process's: `bellhop-load cross`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bellhop_game::{Game as _, Rng, Seat, Wire as _};
use bellhop_tanks::Tanks;
use bellhop_wire::{Fnv, Writer};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::bench::{Bench, Report};
use crate::correction::{is_near, percentile};
use crate::fanout::lobby::host;
use crate::link::Way;
use crate::road::{self, Road};
use crate::stage::{Player, Stage};

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/link-matrix",
    about: "ways of 24 kinds over which a player saw what was, step for step; px p99 of his own tank's corrections by way",
    run,
};

const ROUND_TRIPS_MS: [u32; 4] = [0, 50, 150, 300];
/// Of so many packets one is lost; 0: none.
const LOSSES: [u32; 3] = [0, 100, 20];
/// How long the way is silent.
const SILENCE: Duration = Duration::from_secs(2);
/// The whole matrix is played so long.
const SECONDS: u64 = 24;
/// Before the end the way loses nothing more.
const HEALED: Duration = Duration::from_secs(3);
/// A page draws so often.
const DRAW_EVERY: Duration = Duration::from_micros(16_667);
/// States after tanks were near, for which a correction counts as one of a collision.
const AFTER_NEAR: u32 = 10;
/// Beside the way's own length: two send ticks, and what a busy machine takes.
const BEHIND_AT_MOST: Duration = Duration::from_millis(400);

/// A kind of way.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Kind {
    /// There and back.
    pub round_trip_ms: u32,
    /// Of so many packets one is lost; 0: none.
    pub loses_one_in: u32,
    /// Falls silent in the middle of it.
    pub falls_silent: bool,
}

/// What was seen at its end.
#[derive(Debug, Serialize, Deserialize)]
pub struct Crossed {
    /// Of which way.
    pub kind: Kind,
    /// States that both saw.
    pub states: usize,
    /// Corrections of the own tank with nobody near, p99 in points.
    pub corrected: f64,
}

fn run(report: &mut Report<'_>) -> Result<()> {
    let mut kinds = Vec::new();
    for round_trip_ms in ROUND_TRIPS_MS {
        for loses_one_in in LOSSES {
            kinds.extend([false, true].map(|falls_silent| Kind { round_trip_ms, loses_one_in, falls_silent }));
        }
    }
    let crossed = cross_all(&kinds, SECONDS)?;
    for Crossed { kind: Kind { round_trip_ms, loses_one_in, falls_silent }, corrected, .. } in &crossed {
        if !falls_silent {
            let percent = 100_u32.checked_div(*loses_one_in).unwrap_or_default();
            report.further(&format!("corrected-{round_trip_ms}ms-{percent}%"), *corrected, "px");
        }
    }
    report.headline(crossed.len() as f64, "");
    Ok(())
}

/// On each of these ways two bots play for so long, all at once.
///
/// # Errors
/// If somebody sees what never was, or does not come back to the present; or this machine gives us no network of our own.
pub fn cross_all(kinds: &[Kind], seconds: u64) -> Result<Vec<Crossed>> {
    let kinds = serde_json::to_string(kinds)?;
    let crossed = road::in_its_own_network(&["cross", "--seconds", &seconds.to_string(), "--kinds", &kinds])?;
    crossed.iter().map(|line| serde_json::from_str(line).context("what was seen on a way")).collect()
}

/// The same in this process, whose network is its own.
///
/// # Errors
/// As [`cross_all`].
pub async fn cross_here(kinds: &[Kind], seconds: u64, mut crossed: impl FnMut(Crossed) -> Result<()>) -> Result<()> {
    let ways: Vec<(Way, u64)> = kinds
        .iter()
        .map(|&Kind { round_trip_ms, loses_one_in, .. }| {
            let way = Way { round_trip_ms: f64::from(round_trip_ms), loses_one_in };
            (way, u64::from(round_trip_ms + loses_one_in))
        })
        .collect();
    let (roads, _carrier) = road::lay(&ways)?;
    let mut all = JoinSet::new();
    for (&kind, road) in kinds.iter().zip(roads) {
        all.spawn(async move { cross(kind, &road, seconds).await.with_context(|| format!("{kind:?}")) });
    }
    while let Some(done) = all.join_next().await {
        crossed(done??)?;
    }
    Ok(())
}

async fn cross(kind: Kind, road: &Road, seconds: u64) -> Result<Crossed> {
    let here = IpAddr::V4(road::HERE);
    let stage = Stage::of("bellhop-room", host(Tanks::NAME, r#"{"seconds": 3600}"#, 2), here).await?;
    let far = SocketAddr::new(road.far.into(), stage.door.port());
    let (far, near) = tokio::try_join!(
        Player::<Tanks>::join(far, &stage.tokens[0]),
        Player::<Tanks>::join(stage.door, &stage.tokens[1])
    )?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let fate = async {
        tokio::time::sleep(Duration::from_secs(seconds) / 3).await;
        if kind.falls_silent {
            road.falls_silent(SILENCE);
        }
        tokio::time::sleep_until((until - HEALED).into()).await;
        road.heals();
        Ok(())
    };
    let (mut far, near, ()) = tokio::try_join!(play(far, 0, until), play(near, 1, until), fate)?;
    let mut states = 0;
    for (tick, check) in &far.seen {
        if let Some(truth) = near.seen.get(tick) {
            ensure!(check == truth, "at step {tick} he saw what was not");
            states += 1;
        }
    }
    ensure!(far.desyncs == 0, "he fell out of step {} times", far.desyncs);
    let newest = |seen: &BTreeMap<u32, u64>| seen.keys().next_back().copied().context("no state came");
    let behind = newest(&near.seen)?.saturating_sub(newest(&far.seen)?);
    let most = BEHIND_AT_MOST + Duration::from_millis(u64::from(kind.round_trip_ms) / 2);
    let behind = Duration::from_secs(u64::from(behind)) / Tanks::RATE_HZ;
    ensure!(behind <= most, "he is {behind:?} behind the present, and may be {most:?}");
    Ok(Crossed { kind, states, corrected: percentile(&mut far.corrected, 99.0) })
}

struct Played {
    /// The states that came: the step, and what stands for all of it.
    seen: BTreeMap<u32, u64>,
    corrected: Vec<f64>,
    desyncs: u64,
}

async fn play(mut player: Player<Tanks>, seat: u16, until: Instant) -> Result<Played> {
    let mut rng = Rng::new(u64::from(seat));
    let mut played = Played { seen: BTreeMap::new(), corrected: Vec::new(), desyncs: 0 };
    let mut draw = Instant::now();
    let mut since_near = 0_u32;
    while Instant::now() < until {
        if player.frame_by(draw).await? {
            let now_ms = player.now_ms();
            let stats = player.client.stats(now_ms);
            let Some(view) = player.client.view() else { continue };
            let mut whole = Writer::new();
            view.write(&mut whole);
            played.seen.insert(player.client.tick(), Fnv::new().bytes(&whole.finish()).0);
            since_near = if is_near(view, seat) { 0 } else { since_near + 1 };
            if since_near >= AFTER_NEAR {
                played.corrected.push(stats.corrected);
            }
            if let Some(input) = Tanks::bot(view, Seat(seat), &mut rng).input {
                player.client.set_input(input);
            }
        } else {
            draw += DRAW_EVERY;
            let _drawn = player.client.view_at(player.now_ms());
        }
    }
    played.desyncs = player.client.stats(0.0).desyncs;
    Ok(played)
}
