//! The doors of a team's own back end: players for its users, tickets for them, and the results of their matches.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use bellhop_proto::v1;
use bellhop_proto::v1::backend_server::Backend;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait};

use super::desk::Desk;
use super::fault::Fault;
use super::show;
use crate::ops::Operator;
use crate::players::Players;
use crate::players::store::NumberedResult;
use crate::players::users::check_user;

/// Back ends that follow the results at once: each reads the players' file.
const FOLLOWERS: usize = 32;
/// Results read in one go.
const AT_ONCE: usize = 64;

/// The service.
pub(crate) struct BackEnd {
    operator: Operator,
    desk: Arc<Desk>,
    stop: CancellationToken,
    followers: Arc<Semaphore>,
}

type Results = Pin<Box<dyn Stream<Item = Result<v1::FollowResultsResponse, Status>> + Send>>;

impl BackEnd {
    pub(crate) fn new(operator: Operator, desk: Arc<Desk>, stop: CancellationToken) -> BackEnd {
        BackEnd { operator, desk, stop, followers: Arc::new(Semaphore::new(FOLLOWERS)) }
    }

    /// Counts what the core did not count.
    fn answer<T>(&self, result: Result<T, Fault>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|fault| {
            self.desk.metrics.refused(fault.kind);
            fault.status()
        })
    }

    async fn mint(&self, request: v1::MintPlayerRequest) -> Result<v1::Session, Fault> {
        self.desk.admit()?;
        check(&request.user_id)?;
        let (token, person) = self.desk.players.mint(&request.user_id, &request.name).await?;
        self.desk.metrics.minted.inc();
        Ok(v1::Session { token, player: Some(show::player(&person)) })
    }

    async fn ticket_for(&self, request: v1::CreateTicketForRequest) -> Result<v1::Ticket, Fault> {
        self.desk.admit_new()?;
        check(&request.user_id)?;
        let ticket = request.ticket.ok_or_else(|| Fault::field("ticket", "it is missing: what to queue for"))?;
        let player = self.desk.players.user(&request.user_id)?.ok_or_else(Fault::unknown_user)?;
        self.desk.create_ticket(player, ticket).await
    }

    async fn follow(&self, after: u64) -> Result<Results, Fault> {
        let place = Arc::clone(&self.followers).try_acquire_owned();
        let place = place.map_err(|_| Fault::too_many_followers(FOLLOWERS))?;
        let players = Arc::clone(&self.desk.players);
        // Before the first look: what is written meanwhile wakes.
        let written = players.results_written();
        let mut follower =
            Follower { players, stop: self.stop.clone(), written, after, read: VecDeque::new(), _place: place };
        // What is asked for may be out of range: then there is no stream.
        follower.look().await?;
        let told = stream::unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            match follower.next().await {
                Ok(result) => Some((Ok(result), Some(follower))),
                Err(fault) => Some((Err(fault.status()), None)),
            }
        });
        Ok(told.boxed())
    }
}

fn check(user_id: &str) -> Result<(), Fault> {
    check_user(user_id).map_err(|detail| Fault::field("user_id", detail))
}

#[async_trait]
impl Backend for BackEnd {
    type FollowResultsStream = Results;

    async fn mint_player(&self, request: Request<v1::MintPlayerRequest>) -> Result<Response<v1::Session>, Status> {
        let request = self.operator.allow(request)?;
        self.answer(self.mint(request).await)
    }

    async fn create_ticket_for(
        &self,
        request: Request<v1::CreateTicketForRequest>,
    ) -> Result<Response<v1::Ticket>, Status> {
        let request = self.operator.allow(request)?;
        self.answer(self.ticket_for(request).await)
    }

    async fn follow_results(&self, request: Request<v1::FollowResultsRequest>) -> Result<Response<Results>, Status> {
        let request = self.operator.allow(request)?;
        self.answer(self.follow(request.after).await)
    }
}

/// Somebody who follows the results. He is read for as fast as he reads.
struct Follower {
    players: Arc<Players>,
    stop: CancellationToken,
    written: watch::Receiver<u64>,
    /// The last one he was told.
    after: u64,
    read: VecDeque<NumberedResult>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    async fn next(&mut self) -> Result<v1::FollowResultsResponse, Fault> {
        loop {
            if let Some(NumberedResult { number, outcome, users }) = self.read.pop_front() {
                self.after = number;
                let shown = show::ended_match(&self.players, &outcome);
                return Ok(v1::FollowResultsResponse { number, r#match: Some(shown), user_ids: users });
            }
            self.look().await?;
            if self.read.is_empty() {
                tokio::select! {
                    // It fails where the players' file is closed, and then so is the lobby.
                    changed = self.written.changed() => changed.map_err(|_| Fault::stops())?,
                    () = self.stop.cancelled() => return Err(Fault::stops()),
                }
            }
        }
    }

    /// Reads what is there.
    async fn look(&mut self) -> Result<(), Fault> {
        self.written.mark_unchanged();
        let (after, players) = (self.after, Arc::clone(&self.players));
        let read = tokio::task::spawn_blocking(move || players.results(after, AT_ONCE)).await;
        let read = read.map_err(|error| Fault::internal(&error))??;
        if after != 0 && after < read.newest_forgotten {
            return Err(Fault::results_forgotten(read.newest_forgotten));
        }
        if after != 0 && after >= read.next {
            return Err(Fault::future_result(read.next));
        }
        self.read = read.found.into();
        Ok(())
    }
}
