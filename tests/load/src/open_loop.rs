//! An open loop: players come when the clock says, whether or not the lobby keeps up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bellhop_proto::v1::matchmaking_client::MatchmakingClient;
use bellhop_proto::v1::players_client::PlayersClient;
use bellhop_proto::v1::{CreateGuestRequest, CreateTicketRequest, ticket_event};
use hdrhistogram::Histogram;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request};

/// How long after the last arrival answers still count.
const GRACE: Duration = Duration::from_secs(2);
/// Guests made at the same time.
const ARRIVING_AT_ONCE: usize = 64;

/// A player's bearer and the connection it uses.
#[derive(Clone)]
struct Player {
    bearer: MetadataValue<Ascii>,
    matchmaking: MatchmakingClient<Channel>,
}

/// Players who come again and again.
pub struct Crowd {
    players: Vec<Player>,
    queue: String,
}

/// What a run of an open loop gave.
#[derive(Debug, Clone)]
pub struct Run {
    /// Players assigned per second, within the run's time.
    pub served: f64,
    /// Players who were told to come back, and when.
    pub refused: u64,
    /// Players who were told nothing, or something else.
    pub failed: u64,
    /// From the scheduled send to the assignment, in microseconds.
    pub wait: Histogram<u64>,
}

impl Crowd {
    /// Makes this many guests, spread over these connections.
    ///
    /// # Errors
    /// If the lobby cannot be reached or refuses one.
    pub async fn gather(channels: &[Channel], count: usize, queue: &str) -> Result<Crowd> {
        let mut making = JoinSet::new();
        let mut players = Vec::with_capacity(count);
        for index in 0..count {
            if making.len() >= ARRIVING_AT_ONCE {
                players.push(making.join_next().await.context("one is being made")???);
            }
            let channel = channels[index % channels.len()].clone();
            making.spawn(async move {
                let name = String::new();
                let session =
                    PlayersClient::new(channel.clone()).create_guest(CreateGuestRequest { name }).await?.into_inner();
                let bearer = format!("Bearer {}", session.token).parse()?;
                anyhow::Ok(Player { bearer, matchmaking: MatchmakingClient::new(channel) })
            });
        }
        while let Some(player) = making.join_next().await {
            players.push(player??);
        }
        Ok(Crowd { players, queue: queue.to_owned() })
    }

    /// Lets players come at `rate` per second for `time`.
    ///
    /// # Errors
    /// If the crowd is too small to come at that rate: a player who still plays cannot come again.
    pub async fn come(&self, rate: f64, time: Duration) -> Result<Run> {
        let count = (rate * time.as_secs_f64()) as usize;
        if count > self.players.len() * 64 {
            bail!("{} players cannot come {count} times", self.players.len());
        }
        let wait = Arc::new(Mutex::new(Histogram::new_with_bounds(1, 60_000_000, 3)?));
        let (served, refused, failed) =
            (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let begun = Instant::now();
        let mut waiting = JoinSet::new();
        for index in 0..count {
            let due = begun + Duration::from_secs_f64(index as f64 / rate);
            if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
            }
            let player = self.players[index % self.players.len()].clone();
            let queue = self.queue.clone();
            let (wait, served, refused, failed) = (wait.clone(), served.clone(), refused.clone(), failed.clone());
            waiting.spawn(async move {
                match player.play(queue).await {
                    Answer::Assigned => {
                        let now = Instant::now();
                        let took = u64::try_from((now - due).as_micros()).unwrap_or(u64::MAX);
                        if now <= begun + time {
                            served.fetch_add(1, Ordering::Relaxed);
                        }
                        wait.lock().await.saturating_record(took);
                    }
                    Answer::ToldToComeBack => drop(refused.fetch_add(1, Ordering::Relaxed)),
                    Answer::Nothing => drop(failed.fetch_add(1, Ordering::Relaxed)),
                }
            });
            while waiting.try_join_next().is_some() {}
        }
        let rest = async { while waiting.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, rest).await.is_err() {
            failed.fetch_add(waiting.len() as u64, Ordering::Relaxed);
            waiting.shutdown().await;
        }
        let wait = wait.lock().await.clone();
        Ok(Run {
            served: served.load(Ordering::Relaxed) as f64 / time.as_secs_f64(),
            refused: refused.load(Ordering::Relaxed),
            failed: failed.load(Ordering::Relaxed),
            wait,
        })
    }
}

enum Answer {
    Assigned,
    ToldToComeBack,
    Nothing,
}

impl Player {
    async fn play(mut self, queue: String) -> Answer {
        let mut request =
            Request::new(CreateTicketRequest { queue, idempotency_key: String::new(), open: false, party: Vec::new() });
        request.metadata_mut().insert("authorization", self.bearer);
        let mut events = match self.matchmaking.play(request).await {
            Ok(events) => events.into_inner(),
            Err(status) if status.code() == Code::ResourceExhausted => return Answer::ToldToComeBack,
            Err(_) => return Answer::Nothing,
        };
        while let Ok(Some(event)) = events.message().await {
            match event.kind {
                Some(ticket_event::Kind::Assigned(assigned)) if !assigned.token.is_empty() => return Answer::Assigned,
                Some(ticket_event::Kind::Ended(_)) => return Answer::Nothing,
                Some(_) | None => {}
            }
        }
        Answer::Nothing
    }
}
