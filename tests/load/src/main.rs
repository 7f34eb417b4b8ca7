//! Bots that play through the players' doors, and the benchmarks.

use std::io::Write;

use anyhow::{Context, Result};
use bellhop_load::bots::{Life, Plan};
use bellhop_load::{bench, doors};
use clap::{Parser, Subcommand};

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
    anyhow::ensure!(!queues.is_empty(), "the lobby has no queue to play in");
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
