//! A player's side of the lobby's doors, over gRPC.

use std::time::Duration;

use anyhow::{Context, Result};
use bellhop_proto::v1::matchmaking_client::MatchmakingClient;
use bellhop_proto::v1::players_client::PlayersClient;
use bellhop_proto::v1::{
    Assignment, CancelTicketRequest, CancelTicketResponse, CreateGuestRequest, CreateTicketRequest, GetMatchRequest,
    GetSeatRequest, GetTicketRequest, ListQueuesRequest, Match, Player, Queue, Ticket, TicketEvent, WatchTicketRequest,
};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

/// How long a call may take before the client gives up on it.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A channel to the public port. It connects when it is first used, and again when the connection broke.
///
/// # Errors
/// If `url` is not one.
pub fn channel(url: &str) -> Result<Channel> {
    let endpoint = Endpoint::from_shared(url.to_owned()).with_context(|| format!("{url} is not a URL"))?;
    Ok(endpoint.connect_timeout(Duration::from_secs(2)).tcp_nodelay(true).connect_lazy())
}

/// The names of the lobby's queues.
///
/// # Errors
/// What the lobby says, or that it cannot be reached.
pub async fn queues(channel: Channel) -> Result<Vec<String>, Status> {
    Ok(all_queues(channel).await?.into_iter().map(|queue| queue.name).collect())
}

/// The lobby's queues.
///
/// # Errors
/// What the lobby says, or that it cannot be reached.
pub async fn all_queues(channel: Channel) -> Result<Vec<Queue>, Status> {
    let answer = MatchmakingClient::new(channel).list_queues(with_timeout(ListQueuesRequest {})).await?;
    Ok(answer.into_inner().queues)
}

/// A guest, and what it may do.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Its id: `p-…`.
    pub id: String,
    bearer: MetadataValue<Ascii>,
    players: PlayersClient<Channel>,
    matchmaking: MatchmakingClient<Channel>,
}

impl Guest {
    /// Comes in without signing up.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn arrive(channel: Channel, name: &str) -> Result<Guest, Status> {
        let mut players = PlayersClient::new(channel.clone());
        let session =
            players.create_guest(with_timeout(CreateGuestRequest { name: name.to_owned() })).await?.into_inner();
        let player = session.player.ok_or_else(|| Status::data_loss("the session names no player"))?;
        let bearer = format!("Bearer {}", session.token)
            .parse()
            .map_err(|_| Status::data_loss("the session's token is not a header value"))?;
        Ok(Guest { id: player.id, bearer, players, matchmaking: MatchmakingClient::new(channel) })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = with_timeout(message);
        request.metadata_mut().insert("authorization", self.bearer.clone());
        request
    }

    /// Without a deadline: for streams.
    fn stream<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.bearer.clone());
        request
    }

    /// Who it is, as the lobby sees it.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn me(&mut self) -> Result<Player, Status> {
        let request = self.request(bellhop_proto::v1::GetMeRequest {});
        Ok(self.players.get_me(request).await?.into_inner())
    }

    /// Creates a ticket and follows it.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn play(&mut self, queue: &str, key: &str) -> Result<Streaming<TicketEvent>, Status> {
        let request = self.stream(create(queue, key));
        Ok(self.matchmaking.play(request).await?.into_inner())
    }

    /// Creates a ticket.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn create(&mut self, queue: &str, key: &str) -> Result<Ticket, Status> {
        let request = self.request(create(queue, key));
        Ok(self.matchmaking.create_ticket(request).await?.into_inner())
    }

    /// Follows a ticket from the event after `after`.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn watch(&mut self, ticket: &str, after: u64) -> Result<Streaming<TicketEvent>, Status> {
        let request = self.stream(WatchTicketRequest { ticket_id: ticket.to_owned(), after });
        Ok(self.matchmaking.watch_ticket(request).await?.into_inner())
    }

    /// Cancels a ticket.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn cancel(&mut self, ticket: &str) -> Result<CancelTicketResponse, Status> {
        let request = self.request(CancelTicketRequest { ticket_id: ticket.to_owned() });
        Ok(self.matchmaking.cancel_ticket(request).await?.into_inner())
    }

    /// Looks a ticket up.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn ticket(&mut self, ticket: &str) -> Result<Ticket, Status> {
        let request = self.request(GetTicketRequest { ticket_id: ticket.to_owned() });
        Ok(self.matchmaking.get_ticket(request).await?.into_inner())
    }

    /// Looks a match up.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn look_at(&mut self, match_id: &str) -> Result<Match, Status> {
        let request = self.request(GetMatchRequest { match_id: match_id.to_owned() });
        Ok(self.matchmaking.get_match(request).await?.into_inner())
    }

    /// A fresh way to its own held seat.
    ///
    /// # Errors
    /// What the lobby says, or that it cannot be reached.
    pub async fn seat(&mut self, match_id: &str) -> Result<Assignment, Status> {
        let request = self.request(GetSeatRequest { match_id: match_id.to_owned() });
        Ok(self.matchmaking.get_seat(request).await?.into_inner())
    }
}

fn create(queue: &str, key: &str) -> CreateTicketRequest {
    CreateTicketRequest { queue: queue.to_owned(), idempotency_key: key.to_owned(), open: false, party: Vec::new() }
}

fn with_timeout<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}
