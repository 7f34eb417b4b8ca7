//! `room/slow-reader`: one of fifty stops reading for ten seconds; what the others and the room's memory notice of it, and
//! how soon he sees again what they see.
//!
//! He is 100 ms away, there and back, so that a round trip is something to measure by; the way is laid in a network of its
//! own (see [`crate::road`]), which is a process's: `bellhop-load slow-reader`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{all_are_here, seat_the_others};
use crate::bench::{Bench, Report};
use crate::fanout::game::Fan;
use crate::link::Way;
use crate::road;
use crate::stage::{Gaps, Player, Stage, p99_ms};

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/slow-reader",
    about: "% by which the others' p99 of frame gaps grows while 1 of 50 does not read for 10 s (< 10); rss < 1 MiB; right again within a round trip",
    run,
};

const SEATS: u16 = 50;
const WAY: Way = Way { round_trip_ms: 100.0, loses_one_in: 0 };
/// How long he does not read.
const STOPS: Duration = Duration::from_secs(10);
/// Before the first measurement, and each of the two beside his.
const BESIDE: Duration = Duration::from_secs(5);
/// How often the room's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Frames that he may need to be right again before something is wrong.
const MOST_FRAMES: u32 = 600;

/// What was seen of him.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    /// p99 of the others' frame gaps meanwhile, and beside it, in milliseconds.
    gap_p99: [f64; 2],
    /// By how much the room's memory grew, in MiB.
    rss: f64,
    /// From his first look to the state that the others had seen by then, in milliseconds.
    right_again: f64,
}

fn run(report: &mut Report<'_>) -> Result<()> {
    let seen = road::in_its_own_network(&["slow-reader"])?;
    let seen: Seen = serde_json::from_str(seen.first().context("nothing was seen")?)?;
    let [slowed, quiet] = seen.gap_p99;
    report.headline((slowed / quiet - 1.0) * 100.0, "%");
    report.further("gap-p99", slowed, "ms");
    report.further("gap-p99-beside", quiet, "ms");
    report.further("rss", seen.rss, "MiB");
    report.further("right-again", seen.right_again, "ms");
    report.further("round-trip", WAY.round_trip_ms, "ms");
    Ok(())
}

/// In this process, whose network is its own.
///
/// # Errors
/// If the room does not notice, or he sees what never was.
pub async fn measure() -> Result<Seen> {
    let (roads, _carrier) = road::lay(&[(WAY, 1)])?;
    let stage = Stage::open_at(road::HERE.into(), SEATS).await?;
    let gaps = Arc::new(Gaps::default());
    let mut others = seat_the_others(&stage, 1, &gaps).await?;
    let far = SocketAddr::new(roads[0].far.into(), stage.door.port());
    let slow = Player::join(far, &stage.tokens[usize::from(SEATS) - 1]).await?;
    let mut slow = read_for(slow, 2 * BESIDE, &gaps, BESIDE).await?;
    let mut beside = gaps.take();
    let (before, skipped) = (stage.rss()?, stage.count("room_skipped_total").await?);

    let stopped = Instant::now();
    let mut most = before;
    while stopped.elapsed() < STOPS {
        tokio::time::sleep(LOOK_EVERY).await;
        most = most.max(stage.rss()?);
    }
    let mut during = gaps.take();
    ensure!(stage.count("room_skipped_total").await? > skipped, "the room did not notice");

    let (reads, wanted) = (Instant::now(), gaps.tick());
    let mut frames = 0;
    while slow.client.tick() < wanted {
        slow.frame().await?;
        frames += 1;
        ensure!(frames < MOST_FRAMES, "he is not right again");
    }
    let right = reads.elapsed();
    drop(gaps.take());
    slow = read_for(slow, BESIDE, &gaps, Duration::ZERO).await?;
    beside.extend(gaps.take());
    all_are_here(&mut others)?;
    ensure!(slow.client.stats(0.0).desyncs == 0, "he saw what never was");

    let (quiet, slowed) = (p99_ms(&mut beside)?, p99_ms(&mut during)?);
    let rss = (most - before) as f64 / f64::from(1 << 20);
    Ok(Seen { gap_p99: [slowed, quiet], rss, right_again: right.as_secs_f64() * 1e3 })
}

/// He reads; what came to the others in the first part of it does not count.
async fn read_for(mut slow: Player<Fan>, during: Duration, gaps: &Gaps, but_first: Duration) -> Result<Player<Fan>> {
    let begun = Instant::now();
    let mut counts = false;
    while begun.elapsed() < during {
        slow.frame().await?;
        if !counts && begun.elapsed() >= but_first {
            counts = true;
            drop(gaps.take());
        }
    }
    Ok(slow)
}
