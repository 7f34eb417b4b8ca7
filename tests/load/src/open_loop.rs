//! An open loop: players come when the clock says, whether or not the lobby keeps up.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bellhop_proto::v1::matchmaking_client::MatchmakingClient;
use bellhop_proto::v1::players_client::PlayersClient;
use bellhop_proto::v1::{CreateGuestRequest, CreateTicketRequest, ticket_event};
use hdrhistogram::Histogram;
use hyper::Uri;
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Status};

use crate::plain_http2::PlainHttp2;

/// How long after the last arrival answers still count.
const GRACE: Duration = Duration::from_secs(2);
/// Kinds of failure that a run keeps apart.
const KINDS_KEPT: usize = 16;
/// Guests made at the same time.
const ARRIVING_AT_ONCE: usize = 64;

/// A player's bearer and the connection it uses.
#[derive(Clone)]
struct Player {
    bearer: MetadataValue<Ascii>,
    matchmaking: MatchmakingClient<PlainHttp2>,
}

/// Players who come again and again.
pub struct Crowd {
    /// Those who play nothing now; who came back last comes again last.
    idle: VecDeque<Player>,
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
    /// What those were told who failed, and how often; the first ones of each kind.
    pub told: BTreeMap<String, u64>,
    /// From the scheduled send to the assignment, in microseconds.
    pub wait: Histogram<u64>,
}

impl Crowd {
    /// Makes this many guests, spread over some connections to the public port at `url`.
    ///
    /// # Errors
    /// If the lobby cannot be reached or refuses one.
    pub async fn gather(url: &str, connections: usize, count: usize, queue: &str) -> Result<Crowd> {
        let origin: Uri = url.parse()?;
        let address = origin.authority().context("the URL names a host")?.as_str();
        let mut channels = Vec::new();
        for _ in 0..connections {
            channels.push(PlainHttp2::connect(address).await?);
        }
        let mut making = JoinSet::new();
        let mut players = Vec::with_capacity(count);
        for index in 0..count {
            if making.len() >= ARRIVING_AT_ONCE {
                players.push(making.join_next().await.context("one is being made")???);
            }
            let (channel, origin) = (channels[index % connections].clone(), origin.clone());
            making.spawn(async move {
                let mut players = PlayersClient::with_origin(channel.clone(), origin.clone());
                let session = players.create_guest(CreateGuestRequest { name: String::new() }).await?.into_inner();
                let bearer = format!("Bearer {}", session.token).parse()?;
                anyhow::Ok(Player { bearer, matchmaking: MatchmakingClient::with_origin(channel, origin) })
            });
        }
        while let Some(player) = making.join_next().await {
            players.push(player??);
        }
        Ok(Crowd { idle: players.into(), queue: queue.to_owned() })
    }

    /// Lets players come at `rate` per second for `time`.
    ///
    /// # Errors
    /// If a player's task panics.
    pub async fn come(&mut self, rate: f64, time: Duration) -> Result<Run> {
        let count = (rate * time.as_secs_f64()) as usize;
        let mut run = Run {
            served: 0.0,
            refused: 0,
            failed: 0,
            told: BTreeMap::new(),
            wait: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        };
        let mut served = 0u64;
        let begun = Instant::now();
        let mut waiting = JoinSet::new();
        for index in 0..count {
            let due = begun + Duration::from_secs_f64(index as f64 / rate);
            if due > Instant::now() {
                tokio::time::sleep_until(due.into()).await;
            }
            while let Some(back) = waiting.try_join_next() {
                self.back(back?, begun + time, &mut served, &mut run);
            }
            let Some(player) = self.idle.pop_front() else {
                run.failed += 1;
                *run.told.entry("all players of the crowd play or wait".to_owned()).or_default() += 1;
                continue;
            };
            waiting.spawn(player.play(self.queue.clone(), due, begun + time + GRACE));
        }
        while let Some(back) = waiting.join_next().await {
            self.back(back?, begun + time, &mut served, &mut run);
        }
        run.served = served as f64 / time.as_secs_f64();
        Ok(run)
    }

    fn back(&mut self, (player, answer): (Player, Answer), end: Instant, served: &mut u64, run: &mut Run) {
        self.idle.push_back(player);
        match answer {
            Answer::Assigned { at, due } => {
                *served += u64::from(at <= end);
                run.wait.saturating_record(u64::try_from((at - due).as_micros()).unwrap_or(u64::MAX));
            }
            Answer::ToldToComeBack => run.refused += 1,
            Answer::Else(told) => {
                run.failed += 1;
                if run.told.len() < KINDS_KEPT {
                    *run.told.entry(told).or_default() += 1;
                }
            }
        }
    }
}

enum Answer {
    Assigned { at: Instant, due: Instant },
    ToldToComeBack,
    Else(String),
}

impl Player {
    /// Until the match is over: then the player may come again.
    async fn play(mut self, queue: String, due: Instant, until: Instant) -> (Player, Answer) {
        let mut heard = Heard { last: "nothing at all", assigned: None };
        let told = tokio::time::timeout_at(until.into(), self.try_to_play(queue, &mut heard)).await;
        let answer = match (heard.assigned, told) {
            (Some(at), _) => Answer::Assigned { at, due },
            (None, Ok(Err(status))) if status.code() == Code::ResourceExhausted => Answer::ToldToComeBack,
            (None, Ok(Err(status))) => Answer::Else(format!("{:?}: {}", status.code(), status.message())),
            (None, Ok(Ok(()))) => Answer::Else(format!("the stream ended after: {}", heard.last)),
            (None, Err(_)) => Answer::Else(format!("still waiting after: {}", heard.last)),
        };
        (self, answer)
    }

    async fn try_to_play(&mut self, queue: String, heard: &mut Heard) -> Result<(), Status> {
        let mut request =
            Request::new(CreateTicketRequest { queue, idempotency_key: String::new(), open: false, party: Vec::new() });
        request.metadata_mut().insert("authorization", self.bearer.clone());
        let mut events = self.matchmaking.play(request).await?.into_inner();
        heard.last = "the answer's head";
        while let Some(event) = events.message().await? {
            heard.last = match event.kind {
                Some(ticket_event::Kind::Queued(_)) => "queued",
                Some(ticket_event::Kind::Matched(_)) => "matched",
                Some(ticket_event::Kind::Assigned(assigned)) if !assigned.token.is_empty() => {
                    heard.assigned = Some(Instant::now());
                    "assigned"
                }
                Some(ticket_event::Kind::Assigned(_)) => "assigned without a token",
                Some(ticket_event::Kind::Requeued(_)) => "requeued",
                Some(ticket_event::Kind::Ended(_)) => break,
                Some(ticket_event::Kind::Status(_) | ticket_event::Kind::Connected(_)) | None => heard.last,
            };
        }
        Ok(())
    }
}

/// What a player has heard so far.
struct Heard {
    last: &'static str,
    assigned: Option<Instant>,
}
