//! The players' doors as gRPC.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bellhop_proto::v1;
use bellhop_proto::v1::matchmaking_server::Matchmaking;
use bellhop_proto::v1::players_server::Players;
use futures_util::{Stream, StreamExt};
use lobby_core::PlayerId;
use tokio::time::Sleep;
use tonic::{Request, Response, Status, async_trait};

use super::deadline::asked;
use super::desk::Desk;
use super::fault::Fault;
use super::open_games;
use super::origin::Origin;

/// Both services.
#[derive(Clone)]
pub(crate) struct Grpc(pub(crate) Arc<Desk>);

type Answer<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Grpc {
    fn player<T>(&self, request: &Request<T>) -> Result<PlayerId, Status> {
        self.told(self.0.authenticate(request.metadata().as_ref()))
    }

    /// Counts what the core did not count.
    fn told<T>(&self, result: Result<T, Fault>) -> Result<T, Status> {
        result.map_err(|fault| {
            self.0.metrics.refused(fault.kind);
            fault.status()
        })
    }

    fn answer<T>(&self, result: Result<T, Fault>) -> Answer<T> {
        self.told(result).map(Response::new)
    }
}

fn origin<T>(request: &Request<T>) -> Result<Origin, Status> {
    request.extensions().get::<Origin>().cloned().ok_or_else(|| Status::internal("the listener did not say who asks"))
}

#[async_trait]
impl Players for Grpc {
    async fn create_guest(&self, request: Request<v1::CreateGuestRequest>) -> Answer<v1::Session> {
        let origin = origin(&request)?;
        self.answer(self.0.create_guest(request.into_inner(), &origin).await)
    }

    async fn log_in(&self, request: Request<v1::LogInRequest>) -> Answer<v1::Session> {
        let origin = origin(&request)?;
        self.answer(self.0.log_in(request.into_inner(), &origin).await)
    }

    async fn log_out(&self, request: Request<v1::LogOutRequest>) -> Answer<v1::LogOutResponse> {
        let (metadata, _, _) = request.into_parts();
        let done = self.0.log_out(metadata.as_ref()).await;
        self.answer(done.map(|()| v1::LogOutResponse {}))
    }

    async fn get_me(&self, request: Request<v1::GetMeRequest>) -> Answer<v1::Player> {
        let player = self.player(&request)?;
        self.answer(self.0.me(player).await)
    }

    async fn set_name(&self, request: Request<v1::SetNameRequest>) -> Answer<v1::Player> {
        let player = self.player(&request)?;
        self.answer(self.0.set_name(player, request.into_inner()).await)
    }

    async fn set_password(&self, request: Request<v1::SetPasswordRequest>) -> Answer<v1::Player> {
        let (player, origin) = (self.player(&request)?, origin(&request)?);
        self.answer(self.0.set_password(player, request.into_inner(), &origin).await)
    }
}

/// A ticket's events as gRPC sends them, until the caller's deadline if he set one.
pub(crate) struct TicketEvents {
    events: super::watch::Events,
    deadline: Option<Pin<Box<Sleep>>>,
    late: bool,
}

impl TicketEvents {
    fn new(events: super::watch::Events, deadline: Option<Duration>) -> TicketEvents {
        let deadline = deadline.map(|within| Box::pin(tokio::time::sleep(within)));
        TicketEvents { events, deadline, late: false }
    }
}

impl Stream for TicketEvents {
    type Item = Result<v1::TicketEvent, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.late {
            return Poll::Ready(None);
        }
        if self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(cx).is_ready()) {
            self.late = true;
            return Poll::Ready(Some(Err(Fault::deadline().status())));
        }
        self.events.poll_next_unpin(cx).map_err(Fault::status)
    }
}

#[async_trait]
impl Matchmaking for Grpc {
    type PlayStream = TicketEvents;
    type WatchTicketStream = TicketEvents;
    type WatchOpenGamesStream = Answers<v1::ListOpenGamesResponse>;

    async fn list_queues(&self, _request: Request<v1::ListQueuesRequest>) -> Answer<v1::ListQueuesResponse> {
        self.answer(self.0.queues().await)
    }

    async fn play(&self, request: Request<v1::CreateTicketRequest>) -> Answer<TicketEvents> {
        self.told(self.0.admit_new())?;
        let (player, origin) = (self.player(&request)?, origin(&request)?);
        let deadline = asked(request.metadata().as_ref());
        let events = self.0.play(player, request.into_inner(), origin).await;
        self.answer(events.map(|events| TicketEvents::new(events, deadline)))
    }

    async fn create_ticket(&self, request: Request<v1::CreateTicketRequest>) -> Answer<v1::Ticket> {
        self.told(self.0.admit_new())?;
        let player = self.player(&request)?;
        self.answer(self.0.create_ticket(player, request.into_inner()).await)
    }

    async fn get_ticket(&self, request: Request<v1::GetTicketRequest>) -> Answer<v1::Ticket> {
        let player = self.player(&request)?;
        self.answer(self.0.ticket(player, &request.into_inner().ticket_id).await)
    }

    async fn watch_ticket(&self, request: Request<v1::WatchTicketRequest>) -> Answer<TicketEvents> {
        self.told(self.0.admit())?;
        let (player, origin) = (self.player(&request)?, origin(&request)?);
        let deadline = asked(request.metadata().as_ref());
        let request = request.into_inner();
        let events = self.0.watch(player, &request.ticket_id, request.after, origin).await;
        self.answer(events.map(|events| TicketEvents::new(events, deadline)))
    }

    async fn cancel_ticket(&self, request: Request<v1::CancelTicketRequest>) -> Answer<v1::CancelTicketResponse> {
        let player = self.player(&request)?;
        self.answer(self.0.cancel(player, &request.into_inner().ticket_id).await)
    }

    async fn list_open_games(&self, request: Request<v1::ListOpenGamesRequest>) -> Answer<v1::ListOpenGamesResponse> {
        self.answer(self.0.open_games(request.get_ref()).await)
    }

    async fn watch_open_games(
        &self,
        request: Request<v1::ListOpenGamesRequest>,
    ) -> Answer<Answers<v1::ListOpenGamesResponse>> {
        let lists = self.told(open_games::watch(self.0.clone(), request.into_inner()))?;
        Ok(Response::new(Box::pin(lists.map(|list| list.map_err(Fault::status)))))
    }

    async fn join_open_game(&self, request: Request<v1::JoinOpenGameRequest>) -> Answer<v1::Ticket> {
        self.told(self.0.admit())?;
        let player = self.player(&request)?;
        self.answer(self.0.join(player, request.into_inner()).await)
    }

    async fn get_match(&self, request: Request<v1::GetMatchRequest>) -> Answer<v1::Match> {
        let player = self.player(&request)?;
        self.answer(self.0.get_match(&request.into_inner().match_id, player).await)
    }

    async fn list_my_matches(&self, request: Request<v1::ListMyMatchesRequest>) -> Answer<v1::ListMyMatchesResponse> {
        let player = self.player(&request)?;
        self.answer(self.0.my_matches(player, request.get_ref()).await)
    }

    async fn get_seat(&self, request: Request<v1::GetSeatRequest>) -> Answer<v1::Assignment> {
        let (player, origin) = (self.player(&request)?, origin(&request)?);
        self.answer(self.0.seat(player, &request.into_inner().match_id, &origin).await)
    }

    async fn list_watchable(&self, request: Request<v1::ListWatchableRequest>) -> Answer<v1::ListWatchableResponse> {
        self.answer(self.0.watchable(request.get_ref()).await)
    }

    async fn watch_match(&self, request: Request<v1::WatchMatchRequest>) -> Answer<v1::WatchPass> {
        self.told(self.0.admit())?;
        let (player, origin) = (self.player(&request)?, origin(&request)?);
        self.answer(self.0.watch_match(player, &request.into_inner().match_id, &origin).await)
    }
}
