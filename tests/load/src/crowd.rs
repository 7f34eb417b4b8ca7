//! A crowd of clients that play, and that create and cancel tickets, while something is broken under them. What they
//! saw is in their record, for the checker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use bellhop_proto::v1::cancel_ticket_response::Outcome;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Channel;

use crate::bots::{Life, Plan};
use crate::doors::{Guest, channel};
use crate::record::{Record, Saw};

/// Wait before a call that found nobody is made again: well below the time a lobby takes to come back.
const AGAIN_AFTER: Duration = Duration::from_millis(20);
/// Ended tickets that a client remembers before it looks one up: the lobby does not remember them for ever.
const LOOKED_UP_LATER: usize = 16;

/// The clients.
pub struct Crowd {
    url: String,
    record: Arc<Record>,
    tickets: Arc<AtomicU64>,
    stop: CancellationToken,
    clients: JoinSet<Result<()>>,
    seed: u64,
    reaction_ms: f64,
}

impl Crowd {
    /// Nobody yet.
    pub fn new(url: &str, record: Arc<Record>) -> Crowd {
        let (tickets, stop, clients) = (Arc::default(), CancellationToken::new(), JoinSet::new());
        Crowd { url: url.to_owned(), record, tickets, stop, clients, seed: 0, reaction_ms: 0.0 }
    }

    /// Those who come after this look so many milliseconds at what they see before they act.
    pub fn look_first(&mut self, reaction_ms: f64) {
        self.reaction_ms = reaction_ms;
    }

    /// Bots that play in a queue, one match after the other.
    ///
    /// # Errors
    /// If the address is none.
    pub fn players(&mut self, queue: &str, count: u32) -> Result<()> {
        let channel = channel(&self.url)?;
        for _ in 0..count {
            let plan = Plan {
                queue: queue.to_owned(),
                name: String::new(),
                seed: self.seed,
                reaction_ms: self.reaction_ms,
                matches: u32::MAX,
                record: Some(self.record.clone()),
                pulse: None,
            };
            self.seed += 1;
            let (channel, stop) = (channel.clone(), self.stop.clone());
            self.clients.spawn(async move {
                let mut life = Life::begin(channel, plan).await?;
                life.live(&stop).await?;
                life.settle().await
            });
        }
        Ok(())
    }

    /// Clients that create and cancel a ticket every so often, in a queue where nobody ever meets anybody. They catch up
    /// on what they missed while the lobby was away.
    ///
    /// # Errors
    /// If the address is none.
    pub fn churners(&mut self, queue: &str, count: u32, every: Duration) -> Result<()> {
        for _ in 0..count {
            let (record, tickets, stop) = (self.record.clone(), self.tickets.clone(), self.stop.clone());
            self.clients.spawn(churn(channel(&self.url)?, queue.to_owned(), every, record, tickets, stop));
        }
        Ok(())
    }

    /// Tickets that were created only to be cancelled.
    pub fn churned(&self) -> u64 {
        self.tickets.load(Ordering::Relaxed)
    }

    /// # Errors
    /// If a client could not go on.
    pub fn nobody_gave_up(&mut self) -> Result<()> {
        match self.clients.try_join_next() {
            Some(ended) => ended?.context("a client gave up"),
            None => Ok(()),
        }
    }

    /// Everybody finishes what he is at, and asks the lobby what became of all he had.
    ///
    /// # Errors
    /// If a client could not go on.
    pub async fn end(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.clients.join_next().await {
            ended?.context("a client gave up")?;
        }
        Ok(())
    }
}

/// Creates a ticket in a queue where nobody meets, cancels it, and writes down what was answered.
async fn churn(
    channel: Channel,
    queue: String,
    every: Duration,
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
    let mut pace = tokio::time::interval(every);
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
            // That it had ended: our cancel was carried out, and its answer lost with the lobby.
            Outcome::Cancelled | Outcome::AlreadyEnded => "cancelled",
            Outcome::AlreadyMatched => "already_matched",
            Outcome::Unspecified => "unspecified",
        };
        let (outcome, match_id) = (outcome.to_owned(), answer.match_id);
        record.line(&guest.id, Saw::Cancel { ticket: ticket.clone(), outcome, match_id });
        kept.push(ticket);
        if kept.len() > LOOKED_UP_LATER {
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
