//! `lobby/play-to-frame`: from the ticket that completes a match to the first game frame, in a warm local room.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, Report};
use crate::bots::{Life, Plan};
use crate::doors::channel;
use crate::local::Local;

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "lobby/play-to-frame",
    about: "the ticket that completes a match created, to the first game frame, through gateway, lobby and a warm room (p50 < 50 ms)",
    run,
};

/// Matches measured, after those that warm up.
const MATCHES: u32 = 200;
/// Matches before the first that is measured.
const WARM_UP: u32 = 10;
/// Longest a match may take to come up before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["snake"]
min_ready = 4
max_rooms = 8

[[queue]]
name = "pairs"
game = "snake"
min_players = 2
max_players = 2
"#;

fn run(report: &mut Report<'_>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(report))
}

async fn measure(report: &mut Report<'_>) -> Result<()> {
    let local = Local::started(CONFIG).await?;
    let mut took = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    for elapsed in meet(&local.gateway_url(), "pairs", WARM_UP, MATCHES).await? {
        took.saturating_record(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
    }
    report.headline(took.value_at_quantile(0.5) as f64 / 1e3, "ms");
    report.further("p99", took.value_at_quantile(0.99) as f64 / 1e3, "ms");
    Ok(())
}

/// Lets two players meet again and again in a queue for two; how long the second one's ticket took to his first frame.
///
/// # Errors
/// If a match does not come up.
pub async fn meet(url: &str, queue: &str, warm_up: u32, matches: u32) -> Result<Vec<Duration>> {
    let channel = channel(url)?;
    let plan = |seed| Plan {
        queue: queue.into(),
        name: String::new(),
        seed,
        reaction_ms: 0.0,
        matches: 1,
        record: None,
        pulse: None,
    };
    let mut first = Life::begin(channel.clone(), plan(1)).await?;
    let mut second = Life::begin(channel, plan(2)).await?;
    let mut took = Vec::new();
    let never = CancellationToken::new();
    for round in 0..warm_up + matches {
        let one = async {
            let ticket = first.ask(round).await?;
            let begun = Instant::now();
            let other = async {
                let ticket = second.ask(round).await?;
                second.first_frame(&ticket, &never).await?;
                anyhow::Ok(begun.elapsed())
            };
            let (seated, elapsed) = tokio::join!(first.first_frame(&ticket, &never), other);
            seated?;
            elapsed
        };
        let elapsed = tokio::time::timeout(PATIENCE, one).await.context("a match did not come up")??;
        if round >= warm_up {
            took.push(elapsed);
        }
    }
    Ok(took)
}
