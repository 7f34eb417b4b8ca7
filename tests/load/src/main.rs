//! Bots that play through the players' doors, and the benchmarks.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bellhop_load::bots::{Life, Plan};
use bellhop_load::checker::{Demands, judge};
use bellhop_load::crowd::Crowd;
use bellhop_load::link_matrix::cross_here;
use bellhop_load::record::{self, Record};
use bellhop_load::unlucky::{slow_reader, soak::soak};
use bellhop_load::{bench, doors, false_room, gateway_sockets, plans, play_to_frame};
use clap::{Parser, Subcommand};
use tokio::io::AsyncReadExt;

/// The lobby's, so that the core costs here what it costs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "bellhop-load", about = "Bots and benchmarks")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill a lobby: bots that play in every queue until stopped.
    Bots {
        /// The page's address.
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        url: String,
        /// How many.
        #[arg(long, default_value_t = 20)]
        count: u32,
        /// The queues they play in, spread evenly. All, if none is named.
        #[arg(long)]
        queue: Vec<String>,
        /// How long a bot looks at the board before it acts, in milliseconds.
        #[arg(long, default_value_t = 250.0)]
        reaction_ms: f64,
    },
    /// Play, create and cancel until standard input ends, then judge what the clients saw. Fails if a promise was broken.
    Crowd {
        /// The page's address.
        #[arg(long)]
        url: String,
        /// The queues in which they play.
        #[arg(long, default_value = "tictactoe")]
        queue: Vec<String>,
        /// How many in each of them.
        #[arg(long, default_value_t = 8)]
        players: u32,
        /// How many create and cancel tickets, and in which queue: one where they never meet.
        #[arg(long, default_value_t = 0)]
        churners: u32,
        #[arg(long, default_value = "patience")]
        patience: String,
        /// How often each of them does, in milliseconds.
        #[arg(long, default_value_t = 50)]
        every_ms: u64,
        /// Where what they see is written.
        #[arg(long)]
        record: std::path::PathBuf,
        /// Game sockets may close before their match has ended: what holds them may die.
        #[arg(long)]
        sockets_may_close: bool,
        /// Rooms may die: who sat there is back in the queue within so many milliseconds.
        #[arg(long)]
        back_within_ms: Option<u64>,
        /// Fail if fewer tickets a second than this were created and cancelled.
        #[arg(long, default_value_t = 0.0)]
        least_rate: f64,
        /// How long a player looks at the board before he acts, in milliseconds.
        #[arg(long, default_value_t = 0.0)]
        reaction_ms: f64,
        /// Fail unless exactly so many matches went on in another room than they began in.
        #[arg(long)]
        moved: Option<usize>,
        /// The longest wait for a frame of a live match, in milliseconds.
        #[arg(long, default_value_t = 60_000)]
        longest_gap_ms: u64,
    },
    /// Let two players meet again and again; prints how long each ticket took to its first frame, in milliseconds.
    PlayToFrame {
        /// The page's address.
        #[arg(long)]
        url: String,
        /// A queue for two.
        #[arg(long)]
        queue: String,
        /// How often.
        #[arg(long)]
        matches: u32,
    },
    /// Rooms without a game: one for each line `ROOM TOKEN` of standard input, until that ends.
    FalseRooms {
        /// The lobby's private port.
        #[arg(long)]
        lobby: String,
        /// Their fleet.
        #[arg(long)]
        fleet: String,
        /// The game they pretend to host.
        #[arg(long)]
        game: String,
    },
    /// Plan a fleet of so many rooms, in each of its states; prints how long the slowest plan took, in milliseconds.
    Plan {
        /// How many.
        #[arg(long)]
        rooms: u32,
    },
    /// Find how many players one core of a gateway carries; prints their number, and how much of its core it takes then.
    GatewaySockets,
    /// Write down what a client goes through in a match of each game, to compare another build of it with.
    Frames {
        /// Into this directory.
        #[arg(long)]
        out: std::path::PathBuf,
    },
    /// A room under churn for so long; fails if its memory or its open files grow, or a seat is lost.
    Soak {
        /// How long.
        #[arg(long, default_value_t = 30.0)]
        minutes: f64,
    },
    /// Play over bad ways, in this process's own network; prints what was seen on each, a JSON object a line.
    Cross {
        /// Which, as a JSON array.
        #[arg(long)]
        kinds: String,
        /// How long.
        #[arg(long)]
        seconds: u64,
    },
    /// One of fifty stops reading, at the end of a way in this process's own network; prints what was seen, as JSON.
    SlowReader,
    /// Run benchmarks.
    Bench {
        /// The name, or the beginning of several names. All, if there is none.
        name: Option<String>,
        /// One JSON object per figure, and nothing else, on stdout.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Bots { url, count, queue, reaction_ms } => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(bots(&url, count, queue, reaction_ms)),
        Command::Crowd {
            url,
            players,
            queue,
            churners,
            patience,
            every_ms,
            record,
            sockets_may_close,
            back_within_ms,
            least_rate,
            reaction_ms,
            moved,
            longest_gap_ms,
        } => {
            let back_within_us = back_within_ms.map(|within| within * 1_000);
            let demands = Demands { longest_gap_us: longest_gap_ms * 1_000, sockets_may_close, back_within_us };
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let judged = runtime.block_on(async {
                let file = Arc::new(Record::create(&record)?);
                let mut crowd = Crowd::new(&url, file.clone());
                crowd.look_first(reaction_ms);
                for queue in &queue {
                    crowd.players(queue, players)?;
                }
                crowd.churners(&patience, churners, Duration::from_millis(every_ms))?;
                let begun = Instant::now();
                let mut input = tokio::io::stdin();
                let ended = async { while input.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {} };
                ended.await;
                let rate = crowd.churned() as f64 / begun.elapsed().as_secs_f64();
                crowd.end().await?;
                file.flush()?;
                let tally = judge(&record::read(&record)?, demands);
                anyhow::Ok((rate, tally.map_err(|broken| anyhow::anyhow!("{}", broken.join("\n")))?))
            });
            // Reading standard input holds a thread for as long as nobody writes.
            runtime.shutdown_background();
            let (rate, tally) = judged?;
            ensure!(rate >= least_rate, "{rate:.0} tickets/s were not enough: {tally:?}");
            if let Some(expected) = moved {
                ensure!(tally.moved == expected, "{expected} matches should have moved to another room: {tally:?}");
            }
            Ok(writeln!(std::io::stdout(), "{rate:.0} tickets/s besides: {tally:?}")?)
        }
        Command::PlayToFrame { url, queue, matches } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let mut out = std::io::stdout();
            for took in runtime.block_on(play_to_frame::meet(&url, &queue, 0, matches))? {
                writeln!(out, "{:.3}", took.as_secs_f64() * 1e3)?;
            }
            Ok(())
        }
        Command::FalseRooms { lobby, fleet, game } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let ran = runtime.block_on(false_room::run_all(&lobby, &fleet, &game));
            runtime.shutdown_background();
            ran
        }
        Command::Plan { rooms } => Ok(writeln!(std::io::stdout(), "{:.4}", plans::slowest(rooms).as_secs_f64() * 1e3)?),
        Command::GatewaySockets => {
            let carried = gateway_sockets::most(|gateway_sockets::Try { players, through_ms, straight_ms, busy }| {
                eprintln!(
                    "{players} players: p99 {through_ms:.2} ms through the gateway, which takes {busy:.2} of its core, \
                     {straight_ms:.2} ms straight"
                );
            })?;
            Ok(writeln!(std::io::stdout(), "{} {:.3}", carried.players, carried.busy)?)
        }
        Command::Frames { out } => bellhop_load::frames::write(&out),
        Command::Soak { minutes } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let soaked = runtime.block_on(soak(Duration::from_secs_f64(minutes * 60.0)))?;
            Ok(writeln!(std::io::stdout(), "{soaked:?}")?)
        }
        Command::Cross { kinds, seconds } => {
            let kinds = serde_json::from_str::<Vec<_>>(&kinds).context("the kinds of ways")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(cross_here(&kinds, seconds, |crossed| {
                Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(&crossed)?)?)
            }))
        }
        Command::SlowReader => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let seen = runtime.block_on(slow_reader::measure())?;
            Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(&seen)?)?)
        }
        Command::Bench { name, json } => {
            let mut out = std::io::stdout();
            let mut written = Ok(());
            bench::run(name.as_deref(), &mut |figure| {
                let line = if json {
                    serde_json::to_string(&figure).expect("a figure is plain data")
                } else {
                    format!("{:40} {:>14.3} {}", figure.name, figure.value, figure.unit)
                };
                written = writeln!(out, "{line}").and_then(|()| out.flush());
            })?;
            Ok(written?)
        }
    }
}

/// Names for bots, so that people see with whom they play.
const NAMES: [&str; 12] = ["Ada", "Bix", "Cleo", "Dot", "Edo", "Fin", "Gus", "Hale", "Ivo", "Jet", "Kit", "Lux"];

async fn bots(url: &str, count: u32, mut queues: Vec<String>, reaction_ms: f64) -> Result<()> {
    let channel = doors::channel(url)?;
    if queues.is_empty() {
        queues = doors::queues(channel.clone()).await.context("asking for the queues")?;
    }
    ensure!(!queues.is_empty(), "the lobby has no queue to play in");
    let mut lives = tokio::task::JoinSet::new();
    let come = |lives: &mut tokio::task::JoinSet<u32>, index: u32| {
        let plan = Plan {
            queue: queues[index as usize % queues.len()].clone(),
            name: format!("{} (bot)", NAMES[index as usize % NAMES.len()]),
            seed: u64::from(index),
            reaction_ms,
            matches: u32::MAX,
            record: None,
            pulse: None,
        };
        let channel = channel.clone();
        lives.spawn(async move {
            let lived =
                async { Life::begin(channel, plan).await?.live(&tokio_util::sync::CancellationToken::new()).await };
            if let Err(error) = lived.await {
                eprintln!("bot {index}: {error:#}; another one comes");
            }
            tokio::time::sleep(COME_AGAIN_AFTER).await;
            index
        });
    };
    for index in 0..count {
        come(&mut lives, index);
    }
    while let Some(index) = lives.join_next().await {
        come(&mut lives, index?);
    }
    Ok(())
}

/// Wait before a bot that could not go on is replaced.
const COME_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(2);
