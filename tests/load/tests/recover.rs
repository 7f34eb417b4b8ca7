//! Rooms are killed with SIGKILL again and again, and every match goes on in another one, with everybody in his seat.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bellhop_load::checker::{Demands, judge};
use bellhop_load::crowd::Crowd;
use bellhop_load::local::Local;
use bellhop_load::record::{self, Record, Saw};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;

/// Rooms killed.
const KILLS: u32 = 12;
/// Bots in each of the two queues: eight matches at a time, so that none dies too often.
const BOTS: u32 = 8;

const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["snake", "tictactoe"]
min_ready = 2
max_rooms = 24
breaker_failures = 0 # they are killed on purpose

[[queue]]
name = "pairs"
game = "snake"
min_players = 2
max_players = 2
config = { target = 5 }

[[queue]]
name = "duel"
game = "tictactoe"
min_players = 2
max_players = 2
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_rooms_cut_no_match() -> Result<()> {
    let local = Local::started(CONFIG).await?;
    let path = local.data().join("record.jsonl");
    let record = Arc::new(Record::create(&path)?);
    let mut crowd = Crowd::new(&local.gateway_url(), record.clone());
    crowd.players("pairs", BOTS)?;
    crowd.players("duel", BOTS)?;

    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(300..900))).await;
        let mut rooms = Vec::new();
        for entry in std::fs::read_dir(local.data().join("rooms"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "pid") {
                rooms.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        rooms.sort();
        let room = rooms.get(random.random_range(0..rooms.len())).context("there is a room")?;
        local.signal_room(room, Signal::KILL)?;
        crowd.nobody_gave_up()?;
    }
    crowd.end().await?;
    record.flush()?;

    let lines = record::read(&path)?;
    let demands = Demands { longest_gap_us: u64::MAX, sockets_may_close: true, back_within_us: None };
    let tally = judge(&lines, demands).map_err(|broken| anyhow::anyhow!("{}", broken.join("\n")))?;
    let broke = lines.iter().filter(|line| matches!(&line.saw, Saw::Closed { ended: false, .. })).count();
    let requeued =
        lines.iter().filter(|line| matches!(&line.saw, Saw::Event { kind, .. } if kind == "requeued")).count();
    println!("{KILLS} kills broke {broke} sockets, {requeued} requeued: {tally:?}");
    assert!(broke > 0, "no room died under its players");
    assert_eq!(requeued, 0, "somebody lost his seat");
    Ok(())
}
