//! Operations: what is there, and how it is changed. With the operators' token.

use std::sync::Arc;
use std::time::Duration;

use bellhop_proto::v1;
use bellhop_proto::v1::operations_server::Operations;
use lobby_core::{Answer, Call, Name, Page, Refusal, RoomState, TicketState};
use subtle::ConstantTimeEq;
use tonic::{Request, Response, Status, async_trait};
use tracing::info;

use crate::config;
use crate::doors::desk::{bearer, id, only};
use crate::doors::fault::Fault;
use crate::doors::show::{match_word, millis, rounded};
use crate::drive::Core;

/// Largest page of a list.
const MAX_PAGE: u32 = 100;

/// Longest reason that players are told, in characters: a close frame has room for 123 bytes of it, the rest of the room
/// is told all.
const MAX_REASON_CHARS: usize = 200;

/// Knows the operators by their token.
#[derive(Clone)]
pub(crate) struct Operator(Arc<blake3::Hash>);

/// The service.
#[derive(Clone)]
pub(crate) struct Ops {
    core: Core,
    operator: Operator,
}

type Result<T, E = Status> = std::result::Result<T, E>;
type Done<T> = Result<Response<T>>;

impl Operator {
    pub(crate) fn new(token: &str) -> Operator {
        Operator(Arc::new(blake3::hash(token.as_bytes())))
    }

    /// What the call says, if an operator makes it.
    pub(crate) fn allow<T>(&self, request: Request<T>) -> Result<T> {
        let token = bearer(request.metadata().as_ref()).map_err(Fault::status)?;
        let hash = blake3::hash(token.as_bytes());
        if bool::from(hash.as_bytes().ct_eq(self.0.as_bytes())) {
            return Ok(request.into_inner());
        }
        Err(Fault::forbidden("this is not the operators' token: it is in keys/operator.token of the data directory")
            .status())
    }
}

impl Ops {
    pub(crate) fn new(core: Core, operator: Operator) -> Ops {
        Ops { core, operator }
    }

    fn allow<T>(&self, request: Request<T>) -> Result<T> {
        self.operator.allow(request)
    }

    async fn call(&self, call: Call) -> Result<Answer> {
        self.core.call(call).await.map_err(|error| Fault::from(error).status())
    }
}

fn limit(page_size: u32) -> Result<u16> {
    if page_size > MAX_PAGE {
        let fault = Fault::field("page_size", format!("a page has at most {MAX_PAGE} items"));
        return Err(fault.status());
    }
    Ok(u16::try_from(page_size).unwrap_or(u16::MAX))
}

fn after<T: std::str::FromStr>(page_token: &str) -> Result<Option<T>> {
    if page_token.is_empty() {
        return Ok(None);
    }
    page_token.parse().map(Some).map_err(|_| Fault::from(Refusal::BadPage).status())
}

fn named(name: &str) -> Option<Name> {
    (!name.is_empty()).then(|| name.into())
}

fn page<T, U>(page: Page<T>, token: impl Fn(&T) -> String, show: impl Fn(T) -> U) -> (Vec<U>, String) {
    let next = page.items.last().map(token).filter(|_| page.more).unwrap_or_default();
    (page.items.into_iter().map(show).collect(), next)
}

#[async_trait]
impl Operations for Ops {
    async fn list_fleets(&self, request: Request<v1::ListFleetsRequest>) -> Done<v1::ListFleetsResponse> {
        self.allow(request)?;
        let fleets = only!(self.call(Call::ListFleets).await?, Answer::Fleets);
        Ok(Response::new(v1::ListFleetsResponse { fleets: fleets.into_iter().map(fleet).collect() }))
    }

    async fn list_rooms(&self, request: Request<v1::ListRoomsRequest>) -> Done<v1::ListRoomsResponse> {
        let request = self.allow(request)?;
        let call = Call::ListRooms {
            fleet: named(&request.fleet),
            after: after(&request.page_token)?,
            limit: limit(request.page_size)?,
        };
        let rooms = only!(self.call(call).await?, Answer::Rooms);
        let (rooms, next_page_token) = page(rooms, |room| room.room.to_string(), |room| room_of(&self.core, room));
        Ok(Response::new(v1::ListRoomsResponse { rooms, next_page_token }))
    }

    async fn list_matches(&self, request: Request<v1::ListMatchesRequest>) -> Done<v1::ListMatchesResponse> {
        let request = self.allow(request)?;
        let call = Call::ListMatches { after: after(&request.page_token)?, limit: limit(request.page_size)? };
        let matches = only!(self.call(call).await?, Answer::Matches);
        let (matches, next_page_token) = page(matches, |view| view.match_id.to_string(), match_of);
        Ok(Response::new(v1::ListMatchesResponse { matches, next_page_token }))
    }

    async fn list_tickets(&self, request: Request<v1::ListTicketsRequest>) -> Done<v1::ListTicketsResponse> {
        let request = self.allow(request)?;
        let call = Call::ListTickets {
            queue: named(&request.queue),
            after: after(&request.page_token)?,
            limit: limit(request.page_size)?,
        };
        let found = only!(self.call(call).await?, Answer::Tickets);
        let (mut tickets, next_page_token) = page(found, |view| view.ticket.to_string(), ticket_of);
        for ticket in tickets.iter_mut().filter(|ticket| ticket.state == "queued") {
            let call = Call::WhyWaiting { ticket: id("ticket_id", &ticket.id).map_err(Fault::status)? };
            if let Ok(Answer::Why(Some(why))) = self.core.call(call).await {
                ticket.why = format!("{}: {}", why.word, why.text());
            }
        }
        Ok(Response::new(v1::ListTicketsResponse { tickets, next_page_token }))
    }

    async fn drain_room(&self, request: Request<v1::DrainRoomRequest>) -> Done<v1::DrainRoomResponse> {
        let request = self.allow(request)?;
        let room = id("room_id", &request.room_id).map_err(Fault::status)?;
        let seconds = request.within_seconds;
        let within = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
        self.call(Call::DrainRoom { room, within }).await?;
        info!(%room, seconds, "an operator drains the room");
        Ok(Response::new(v1::DrainRoomResponse {}))
    }

    async fn stop_room(&self, request: Request<v1::StopRoomRequest>) -> Done<v1::StopRoomResponse> {
        let room = id("room_id", &self.allow(request)?.room_id).map_err(Fault::status)?;
        self.call(Call::StopRoom { room }).await?;
        info!(%room, "an operator stops the room");
        Ok(Response::new(v1::StopRoomResponse {}))
    }

    async fn kick_player(&self, request: Request<v1::KickPlayerRequest>) -> Done<v1::KickPlayerResponse> {
        let request = self.allow(request)?;
        let match_id = id("match_id", &request.match_id).map_err(Fault::status)?;
        let player = id("player_id", &request.player_id).map_err(Fault::status)?;
        let reason = check_reason(&request.reason).map_err(Fault::status)?;
        self.call(Call::KickPlayer { match_id, player, reason: reason.clone() }).await?;
        info!(%match_id, %player, reason = &*reason, "an operator takes a player out of a match");
        Ok(Response::new(v1::KickPlayerResponse {}))
    }

    async fn stop_lobby(&self, request: Request<v1::StopLobbyRequest>) -> Done<v1::StopLobbyResponse> {
        let request = self.allow(request)?;
        let within = Duration::from_secs(u64::from(request.within_seconds));
        info!(rooms_too = request.rooms_too, ?within, "an operator stops the lobby");
        self.core.drain(request.rooms_too, within).await.map_err(|error| Fault::from(error).status())?;
        Ok(Response::new(v1::StopLobbyResponse {}))
    }

    async fn set_fleet(&self, request: Request<v1::SetFleetRequest>) -> Done<v1::Fleet> {
        let request = self.allow(request)?;
        let settings = self.core.settings.load_full();
        let name = Name::from(request.name.as_str());
        let unknown = || Fault::from(Refusal::UnknownFleet { fleet: name.clone() }).status();
        let mut changed = settings.fleets.iter().find(|fleet| fleet.name == name).ok_or_else(unknown)?.clone();
        changed.min_ready = request.min_ready.unwrap_or(changed.min_ready);
        changed.max_rooms = request.max_rooms.unwrap_or(changed.max_rooms);
        self.call(Call::SetFleet(Box::new(changed))).await?;
        info!(fleet = %name, "an operator changed the fleet");
        let fleets = only!(self.call(Call::ListFleets).await?, Answer::Fleets);
        let shown = fleets.into_iter().find(|fleet| fleet.name == name).map(fleet);
        shown.map(Response::new).ok_or_else(unknown)
    }

    async fn set_queue(&self, request: Request<v1::SetQueueRequest>) -> Done<v1::QueueSettings> {
        let request = self.allow(request)?;
        let settings = self.core.settings.load_full();
        let now = settings.queues.iter().find(|queue| *queue.name == *request.name);
        let now =
            now.ok_or_else(|| Fault::from(Refusal::UnknownQueue { queue: request.name.as_str().into() }).status())?;
        let changed = config::change_queue(now, &request.settings_toml)
            .map_err(|error| Fault::field("settings_toml", error.to_string()).status())?;
        self.call(Call::SetQueue(Box::new(changed.clone()))).await?;
        info!(queue = request.name, "an operator changed the queue");
        Ok(Response::new(queue_settings(&changed)))
    }

    async fn list_queue_settings(
        &self,
        request: Request<v1::ListQueueSettingsRequest>,
    ) -> Done<v1::ListQueueSettingsResponse> {
        self.allow(request)?;
        let settings = only!(self.call(Call::GetSettings).await?, Answer::Settings);
        let queues = settings.queues.iter().map(queue_settings).collect();
        Ok(Response::new(v1::ListQueueSettingsResponse { queues }))
    }
}

/// What players are told when one of them is taken out.
fn check_reason(reason: &str) -> std::result::Result<Name, Fault> {
    let reason = reason.trim();
    if reason.chars().count() > MAX_REASON_CHARS || reason.chars().any(char::is_control) {
        let detail = format!("a reason has at most {MAX_REASON_CHARS} characters, and none that cannot be seen");
        return Err(Fault::field("reason", detail));
    }
    Ok(if reason.is_empty() { "an operator took you out of the match".into() } else { reason.into() })
}

fn queue_settings(queue: &lobby_core::QueueSettings) -> v1::QueueSettings {
    v1::QueueSettings { name: queue.name.to_string(), settings_toml: config::queue_toml(queue) }
}

fn fleet(fleet: lobby_core::FleetView) -> v1::Fleet {
    v1::Fleet {
        name: fleet.name.to_string(),
        min_ready: fleet.min_ready,
        max_rooms: fleet.max_rooms,
        desired: fleet.desired,
        starting: fleet.starting,
        ready: fleet.ready,
        playing: fleet.playing,
        draining: fleet.draining,
        unhealthy: fleet.unhealthy,
        players: fleet.players,
        condition: fleet.condition.to_string(),
    }
}

fn room_of(core: &Core, room: lobby_core::RoomView) -> v1::Room {
    use v1::room::State;
    let state = match room.state {
        RoomState::Starting => State::Starting,
        RoomState::Ready => State::Ready,
        RoomState::Placing => State::Placing,
        RoomState::Playing => State::Playing,
        RoomState::Draining => State::Draining,
        RoomState::Detached => State::Detached,
    };
    v1::Room {
        id: room.room.to_string(),
        fleet: room.fleet.to_string(),
        state: state as i32,
        healthy: room.unhealthy.is_none(),
        unhealthy_reason: room.unhealthy.unwrap_or_default().to_owned(),
        match_id: room.match_id.map(|id| id.to_string()).unwrap_or_default(),
        seats_live: room.seats_live,
        seats_reserved: room.seats_reserved,
        seats_dropped: room.seats_dropped,
        address: core.rooms.get(room.room).map(|route| route.address.clone()).unwrap_or_default(),
        rate_wanted_hz: room.health.rate_wanted_hz,
        rate_hz: room.health.rate_hz,
        lateness_p99_us: room.health.lateness_p99_us,
        overruns: room.health.overruns,
        rss_bytes: room.health.rss_bytes,
        spectators: room.health.spectators,
        silent_ms: millis(room.silent),
        age_ms: millis(room.age),
    }
}

fn match_of(view: lobby_core::MatchView) -> v1::list_matches_response::Match {
    let live = view.seats.iter().filter(|seat| seat.presence == lobby_core::Presence::Live).count();
    v1::list_matches_response::Match {
        id: view.match_id.to_string(),
        queue: view.queue.to_string(),
        game: view.game.to_string(),
        state: match_word(view.state).to_owned(),
        room_id: view.room.map(|id| id.to_string()).unwrap_or_default(),
        players_live: u32::try_from(live).unwrap_or(u32::MAX),
        seats: u32::try_from(view.seats.len()).unwrap_or(u32::MAX),
        age_ms: millis(view.duration),
        spectators: view.spectators,
    }
}

fn ticket_of(view: lobby_core::TicketView) -> v1::list_tickets_response::Ticket {
    let state = match view.state {
        TicketState::Queued => "queued",
        TicketState::Placing => "placing",
        TicketState::Assigned => "assigned",
        TicketState::Connected => "connected",
        TicketState::Ended(_) => "ended",
    };
    v1::list_tickets_response::Ticket {
        id: view.ticket.to_string(),
        queue: view.queue.to_string(),
        state: state.to_owned(),
        player_ids: view.players.iter().map(ToString::to_string).collect(),
        rating: rounded(view.rating),
        age_ms: millis(view.age),
        match_id: view.match_id.map(|id| id.to_string()).unwrap_or_default(),
        open: view.open,
        why: String::new(),
    }
}
