//! The lobby is killed with SIGKILL again and again, and nobody loses anything.
//!
//! Bots play matches and others create and cancel tickets, all through the gateway. The lobby dies twenty times at
//! moments drawn from a seed, some of them while it starts. What the clients saw is then judged by the checker,
//! which knows nothing of the servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bellhop_load::bots::{Life, Plan};
use bellhop_load::checker::{Demands, judge};
use bellhop_load::doors::{self, Guest};
use bellhop_load::local::Local;
use bellhop_load::record::{self, Record, Saw};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::Code;

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

/// Snake in pairs, with rooms for all.
const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["snake", "tictactoe"]
min_ready = 2
max_rooms = 40

[[queue]]
name = "pairs"
game = "snake"
min_players = 2
max_players = 2
"#;

/// A queue in which nobody ever meets anybody.
fn patience(number: u32) -> String {
    format!("\n[[queue]]\nname = \"patience-{number}\"\ngame = \"snake\"\nmin_players = 8\nmax_players = 8\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing() -> Result<()> {
    let queues: String = (0..PATIENCE_QUEUES).map(patience).collect();
    let mut local = Local::new(&format!("{CONFIG}{queues}"))?;
    local.start_gateway()?;
    local.start_lobby()?;
    local.ready().await?;
    let path = local.data().join("record.jsonl");
    let record = Arc::new(Record::create(&path)?);
    let channel = doors::channel(&local.gateway_url())?;
    let stop = CancellationToken::new();

    let begun = Instant::now();
    let mut bots = JoinSet::new();
    for seed in 0..BOTS {
        let plan = Plan {
            queue: "pairs".into(),
            name: String::new(),
            seed: u64::from(seed),
            reaction_ms: 0.0,
            matches: u32::MAX,
            record: Some(record.clone()),
            pulse: None,
        };
        let (channel, stop) = (channel.clone(), stop.clone());
        bots.spawn(async move {
            let mut life = Life::begin(channel, plan).await?;
            life.live(&stop).await?;
            life.settle().await
        });
    }
    let tickets = Arc::new(AtomicU64::new(0));
    for number in 0..PATIENCE_QUEUES * CHURNERS_PER_QUEUE {
        let queue = format!("patience-{}", number / CHURNERS_PER_QUEUE);
        let channel = doors::channel(&local.gateway_url())?;
        bots.spawn(churn(channel, queue, record.clone(), tickets.clone(), stop.clone()));
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
        if let Some(ended) = bots.try_join_next() {
            ended?.context("a client gave up")?;
        }
    }
    local.ready().await?;
    let seconds = begun.elapsed().as_secs_f64();
    let rate = tickets.load(Ordering::Relaxed) as f64 / seconds;
    stop.cancel();
    while let Some(ended) = bots.join_next().await {
        ended?.context("a client gave up")?;
    }
    record.flush()?;

    let demands = Demands { longest_gap_us: LONGEST_GAP.as_micros() as u64, sockets_may_close: false };
    let tally = judge(&record::read(&path)?, demands).map_err(|broken| anyhow::anyhow!("{}", broken.join("\n")))?;
    println!("{KILLS} kills in {seconds:.0} s, {rate:.0} tickets/s: {tally:?}");
    assert!(tally.matches >= 20, "only {} matches were played", tally.matches);
    assert!(rate >= TICKETS_PER_SECOND, "only {rate:.0} tickets/s");
    Ok(())
}

/// Creates a ticket in a queue where nobody meets, cancels it, and writes down what was answered.
async fn churn(
    channel: tonic::transport::Channel,
    queue: String,
    record: Arc<Record>,
    tickets: Arc<AtomicU64>,
    stop: CancellationToken,
) -> Result<()> {
    let mut guest = loop {
        match Guest::arrive(channel.clone(), "").await {
            Ok(guest) => break guest,
            Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
        }
    };
    let mut kept = Vec::new();
    let mut round = 0;
    let mut pace = tokio::time::interval(CHURN_EVERY);
    while !stop.is_cancelled() {
        pace.tick().await;
        round += 1;
        let key = format!("churn-{round}");
        let ticket = loop {
            match guest.create(&queue, &key).await {
                Ok(ticket) => break ticket.id,
                Err(status) if is_away(status.code()) => tokio::time::sleep(AGAIN_AFTER).await,
                Err(status) => anyhow::bail!("creating: {status}"),
            }
        };
        record.line(&guest.id, Saw::Ticket { ticket: ticket.clone() });
        tickets.fetch_add(1, Ordering::Relaxed);
        let answer = loop {
            match guest.cancel(&ticket).await {
                Ok(answer) => break answer,
                Err(status) if is_away(status.code()) => tokio::time::sleep(AGAIN_AFTER).await,
                Err(status) => anyhow::bail!("cancelling {ticket}: {status}"),
            }
        };
        let outcome = match answer.outcome() {
            bellhop_proto::v1::cancel_ticket_response::Outcome::Cancelled => "cancelled",
            // Our cancel was carried out and its answer lost with the lobby; asking again says that it had ended.
            bellhop_proto::v1::cancel_ticket_response::Outcome::AlreadyEnded => "cancelled",
            bellhop_proto::v1::cancel_ticket_response::Outcome::AlreadyMatched => "already_matched",
            bellhop_proto::v1::cancel_ticket_response::Outcome::Unspecified => "unspecified",
        };
        let (outcome, match_id) = (outcome.to_owned(), answer.match_id);
        record.line(&guest.id, Saw::Cancel { ticket: ticket.clone(), outcome, match_id });
        // The lobby remembers ended tickets for a while, not for ever: look up a few of the last.
        kept.push(ticket);
        if kept.len() > 16 {
            let ticket = kept.remove(0);
            look_up(&mut guest, &record, ticket).await?;
        }
    }
    for ticket in kept {
        look_up(&mut guest, &record, ticket).await?;
    }
    Ok(())
}

async fn look_up(guest: &mut Guest, record: &Record, ticket: String) -> Result<()> {
    loop {
        match guest.ticket(&ticket).await {
            Ok(found) => {
                let state = found.state().as_str_name().trim_start_matches("STATE_").to_lowercase();
                record.line(&guest.id, Saw::Final { ticket, state });
                return Ok(());
            }
            Err(status) if is_away(status.code()) => tokio::time::sleep(AGAIN_AFTER).await,
            Err(status) => anyhow::bail!("looking {ticket} up: {status}"),
        }
    }
}

/// Wait before a call that found nobody is made again: well below the time a lobby takes to come back.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

fn is_away(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Unknown
            | Code::Internal
            | Code::ResourceExhausted
    )
}
