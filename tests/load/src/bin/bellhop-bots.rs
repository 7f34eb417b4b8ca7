//! Plays one whole match through the players' doors and says whether it went as it should: what `helm test` runs.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bellhop_load::bots::{self, Life, Plan};
use bellhop_load::doors;
use bellhop_proto::v1::Queue;
use clap::Parser;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Wait before a lobby that does not answer yet is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// The game that is over soonest: a match of Snake takes minutes.
const QUICK: &str = "tictactoe";
/// Nobody watches them, so they need not look like people.
const REACTION_MS: f64 = 100.0;

#[derive(Parser)]
#[command(name = "bellhop-bots", version, about = "Plays one whole match and says whether it went as it should")]
struct Args {
    /// The public port.
    #[arg(long, env = "BELLHOP_BOTS_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The queue to play in; one whose game the bots know, if none is named.
    #[arg(long)]
    queue: Option<String>,
    /// Seconds for all of it.
    #[arg(long, default_value_t = 180)]
    within_seconds: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let within = Duration::from_secs(args.within_seconds);
    let played =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Into::into).and_then(|runtime| {
            runtime.block_on(async {
                match tokio::time::timeout(within, play(&args)).await {
                    Ok(played) => played,
                    Err(_) => bail!("no match was played to its end within {} s", within.as_secs()),
                }
            })
        });
    match played.and_then(|text| Ok(writeln!(std::io::stdout(), "{text}")?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bellhop-bots: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Both seats of a match, from "play" to the result that the lobby wrote down.
async fn play(args: &Args) -> Result<String> {
    let channel = doors::channel(&args.url)?;
    let queue = queue(&channel, args.queue.as_deref()).await?;
    let players = queue.min_players.max(2);
    let mut lives = JoinSet::new();
    for index in 0..players {
        let plan = Plan {
            queue: queue.name.clone(),
            name: format!("Bot {}", index + 1),
            seed: u64::from(index),
            reaction_ms: REACTION_MS,
            matches: 1,
            record: None,
            pulse: None,
        };
        let channel = channel.clone();
        lives.spawn(async move {
            let mut life = Life::begin(channel, plan).await?;
            life.live(&CancellationToken::new()).await?;
            life.ended_matches().await
        });
    }
    let mut matches = Vec::new();
    while let Some(lived) = lives.join_next().await {
        let ended = lived.context("a bot failed")??;
        ensure!(!ended.is_empty(), "a bot's match ended without a result");
        matches.extend(ended);
    }
    matches.sort_unstable();
    matches.dedup();
    Ok(format!("{players} bots played {} in the queue {}: {}", queue.game, queue.name, matches.join(" ")))
}

/// The queue to play in, as soon as the lobby answers.
async fn queue(channel: &Channel, wanted: Option<&str>) -> Result<Queue> {
    let queues = loop {
        match doors::all_queues(channel.clone()).await {
            Ok(queues) => break queues,
            Err(status) => eprintln!("the lobby does not answer yet: {}", status.message()),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    };
    let names = queues.iter().map(|queue| queue.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = match wanted {
        Some(name) => queues.iter().find(|queue| queue.name == name),
        None => queues.iter().filter(|queue| bots::play(&queue.game)).min_by_key(|queue| queue.game != QUICK),
    };
    let Some(found) = found else {
        match wanted {
            Some(name) => bail!("there is no queue {name}: there are {names}"),
            None => bail!("the bots know none of the games of the queues {names}"),
        }
    };
    ensure!(bots::play(&found.game), "the bots do not know {}, the game of the queue {}", found.game, found.name);
    Ok(found.clone())
}
