//! The lobby is killed with SIGKILL again and again, and nobody loses anything.
//!
//! Bots play matches and others create and cancel tickets, all through the gateway. The lobby dies twenty times at
//! moments drawn from a seed, some of them while it starts. What the clients saw is then judged by the checker,
//! which knows nothing of the servers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use bellhop_load::checker::{Demands, judge};
use bellhop_load::crowd::Crowd;
use bellhop_load::local::Local;
use bellhop_load::record::{self, Record};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often the lobby dies.
const KILLS: u32 = 20;
/// Bots that play one against one: 24 matches at a time.
const BOTS: u32 = 48;
/// Queues for eight in which seven wait: clients there create tickets and cancel them.
const PATIENCE_QUEUES: u32 = 4;
const CHURNERS_PER_QUEUE: u32 = 7;
/// Each of them comes this often, and catches up on what it missed while the lobby was away.
const CHURN_EVERY: Duration = Duration::from_millis(45);
/// Tickets per second, over the whole test, below which it proves too little.
const TICKETS_PER_SECOND: f64 = 500.0;
/// Nobody may wait longer for a frame, whatever happens to the lobby.
const LONGEST_GAP: Duration = Duration::from_millis(250);

/// A game that sends 20 frames a second, in short rounds and in pairs, with rooms for all.
const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["maze", "snake"]
min_ready = 2
max_rooms = 40

[[queue]]
name = "pairs"
game = "maze"
min_players = 2
max_players = 2
config = { seconds = 5 }
"#;

/// A queue in which nobody ever meets anybody.
fn patience(number: u32) -> String {
    format!("\n[[queue]]\nname = \"patience-{number}\"\ngame = \"snake\"\nmin_players = 8\nmax_players = 8\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing() -> Result<()> {
    let queues: String = (0..PATIENCE_QUEUES).map(patience).collect();
    let mut local = Local::started(&format!("{CONFIG}{queues}")).await?;
    let path = local.data().join("record.jsonl");
    let record = Arc::new(Record::create(&path)?);

    let begun = Instant::now();
    let mut crowd = Crowd::new(&local.gateway_url(), record.clone());
    crowd.players("pairs", BOTS)?;
    for number in 0..PATIENCE_QUEUES {
        crowd.churners(&format!("patience-{number}"), CHURNERS_PER_QUEUE, CHURN_EVERY)?;
    }

    let mut random = ChaCha8Rng::seed_from_u64(20);
    for kill in 0..KILLS {
        // Every third one hits a lobby that is still starting.
        let while_starting = kill % 3 == 2;
        let alive = Duration::from_millis(random.random_range(if while_starting { 0..150 } else { 300..2_500 }));
        tokio::time::sleep(alive).await;
        local.kill_lobby()?;
        local.start_lobby()?;
        if !while_starting {
            local.ready().await?;
        }
        crowd.nobody_gave_up()?;
    }
    local.ready().await?;
    let seconds = begun.elapsed().as_secs_f64();
    let rate = crowd.churned() as f64 / seconds;
    crowd.end().await?;
    record.flush()?;

    let demands =
        Demands { longest_gap_us: LONGEST_GAP.as_micros() as u64, sockets_may_close: false, back_within_us: None };
    let tally = judge(&record::read(&path)?, demands).map_err(|broken| anyhow::anyhow!("{}", broken.join("\n")))?;
    println!("{KILLS} kills in {seconds:.0} s, {rate:.0} tickets/s: {tally:?}");
    assert!(tally.matches >= 20, "only {} matches were played", tally.matches);
    assert!(rate >= TICKETS_PER_SECOND, "only {rate:.0} tickets/s");
    Ok(())
}
