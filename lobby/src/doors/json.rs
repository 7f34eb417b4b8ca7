//! The players' calls as JSON.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bellhop_proto::v1;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use lobby_core::PlayerId;
use serde::de::DeserializeOwned;

use super::desk::Desk;
use super::fault::Fault;
use super::json_types::*;
use super::open_games;
use super::origin::Origin;

/// A stream says something at least this often, so that proxies leave it open.
const BUNDLE: HeaderName = HeaderName::from_static("bellhop-bundle");
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type At = State<Arc<Desk>>;
type Answer<T> = Result<Json<T>, Fault>;

/// The player whose bearer the call carries.
pub(crate) struct Caller(PlayerId);

impl FromRequestParts<Arc<Desk>> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Caller, Fault> {
        desk.authenticate(&parts.headers).map(Caller)
    }
}

/// A body of JSON; an empty one is an empty object.
pub(crate) struct Body<T>(T);

impl<T: DeserializeOwned> FromRequest<Arc<Desk>> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request<axum::body::Body>, desk: &Arc<Desk>) -> Result<Body<T>, Fault> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let bytes = Bytes::from_request(request, desk)
            .await
            .map_err(|rejection| Fault::bad_body(rejection.status(), "the body is too large or was cut off"))?;
        if bytes.is_empty() {
            return parse(b"{}").map(Body);
        }
        // What a form of another site can send is not taken for JSON.
        if !kind.to_ascii_lowercase().starts_with("application/json") {
            return Err(Fault::bad_body(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is not application/json"));
        }
        parse(&bytes).map(Body)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| Fault::bad_body(StatusCode::BAD_REQUEST, format!("{error}")))
}

/// What stands behind the question mark.
pub(crate) struct Asked<T>(T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Desk>> for Asked<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _desk: &Arc<Desk>) -> Result<Asked<T>, Fault> {
        let asked = Query::try_from_uri(&parts.uri);
        asked.map(|Query(asked)| Asked(asked)).map_err(|error| Fault::field("query", error.body_text()))
    }
}

/// Who asks, from the listener.
pub(crate) type Asker = axum::Extension<Origin>;

#[utoipa::path(post, path = "/v1/guests", tag = "players", request_body = NewGuest, responses((status = 200, body = Session)))]
/// Makes a player without sign-up.
pub(crate) async fn create_guest(State(desk): At, origin: Asker, Body(guest): Body<NewGuest>) -> Answer<Session> {
    Ok(Json(desk.create_guest(v1::CreateGuestRequest { name: guest.name }, &origin).await?.into()))
}

#[utoipa::path(post, path = "/v1/sessions", tag = "players", request_body = Login, responses((status = 200, body = Session), (status = 401)))]
/// Logs in with name and password.
pub(crate) async fn log_in(State(desk): At, origin: Asker, Body(login): Body<Login>) -> Answer<Session> {
    let request = v1::LogInRequest { login: login.login, password: login.password };
    Ok(Json(desk.log_in(request, &origin).await?.into()))
}

#[utoipa::path(delete, path = "/v1/sessions/current", tag = "players", security(("bearer" = [])), responses((status = 204)))]
/// Ends the session whose token the call carries.
pub(crate) async fn log_out(State(desk): At, headers: HeaderMap) -> Result<StatusCode, Fault> {
    desk.log_out(&headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/v1/players/me", tag = "players", security(("bearer" = [])), responses((status = 200, body = Player)))]
/// The player whose token the call carries.
pub(crate) async fn me(State(desk): At, Caller(player): Caller) -> Answer<Player> {
    Ok(Json(desk.me(player).await?.into()))
}

#[utoipa::path(put, path = "/v1/players/me/name", tag = "players", security(("bearer" = [])), request_body = NewName, responses((status = 200, body = Player)))]
/// Changes the name. The id stays.
pub(crate) async fn set_name(State(desk): At, Caller(player): Caller, Body(name): Body<NewName>) -> Answer<Player> {
    Ok(Json(desk.set_name(player, v1::SetNameRequest { name: name.name }).await?.into()))
}

#[utoipa::path(put, path = "/v1/players/me/password", tag = "players", security(("bearer" = [])), request_body = NewPassword, responses((status = 200, body = Player)))]
/// Sets or replaces the password.
pub(crate) async fn set_password(
    State(desk): At,
    origin: Asker,
    Caller(player): Caller,
    Body(new): Body<NewPassword>,
) -> Answer<Player> {
    let request = v1::SetPasswordRequest { password: new.password, old_password: new.old_password };
    Ok(Json(desk.set_password(player, request, &origin).await?.into()))
}

#[utoipa::path(get, path = "/v1/queues", tag = "matchmaking", responses((status = 200, body = Queues)))]
/// What players may wait in, and how long it takes.
pub(crate) async fn queues(State(desk): At) -> Answer<Queues> {
    Ok(Json(desk.queues().await?.into()))
}

#[utoipa::path(post, path = "/v1/tickets", tag = "matchmaking", security(("bearer" = [])), request_body = NewTicket, responses((status = 200, body = Ticket), (status = 404), (status = 409)))]
/// Waits in a queue, or opens a game. Watch its events, or its lease ends.
pub(crate) async fn create_ticket(
    State(desk): At,
    Caller(player): Caller,
    Body(new): Body<NewTicket>,
) -> Answer<Ticket> {
    desk.admit_new()?;
    let request = v1::CreateTicketRequest {
        queue: new.queue,
        idempotency_key: new.idempotency_key,
        open: new.open,
        party: Vec::new(),
    };
    Ok(Json(desk.create_ticket(player, request).await?.into()))
}

#[utoipa::path(get, path = "/v1/tickets/{ticket_id}", tag = "matchmaking", security(("bearer" = [])), params(("ticket_id" = String, Path)), responses((status = 200, body = Ticket)))]
/// One of the caller's tickets.
pub(crate) async fn ticket(State(desk): At, Caller(player): Caller, Path(id): Path<String>) -> Answer<Ticket> {
    Ok(Json(desk.ticket(player, &id).await?.into()))
}

#[utoipa::path(delete, path = "/v1/tickets/{ticket_id}", tag = "matchmaking", security(("bearer" = [])), params(("ticket_id" = String, Path)), responses((status = 200, body = CancelOutcome)))]
/// Cancels a ticket, and answers the truth.
pub(crate) async fn cancel(State(desk): At, Caller(player): Caller, Path(id): Path<String>) -> Answer<CancelOutcome> {
    Ok(Json(desk.cancel(player, &id).await?.into()))
}

#[utoipa::path(get, path = "/v1/tickets/{ticket_id}/events", tag = "matchmaking", security(("bearer" = [])), params(("ticket_id" = String, Path), After, ("Last-Event-ID" = Option<u64>, Header)), responses((status = 200, content_type = "text/event-stream", body = String), (status = 416)))]
/// The numbered events of a ticket, as server-sent events: queued, matched, assigned, connected, requeued, ended; and status about once a second while it waits.
pub(crate) async fn events(
    State(desk): At,
    origin: Asker,
    Caller(player): Caller,
    Path(id): Path<String>,
    Asked(after): Asked<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    desk.admit()?;
    let last = match headers.get("last-event-id") {
        Some(value) => Some(
            value
                .to_str()
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| Fault::field("Last-Event-ID", "Last-Event-ID is not the number of an event"))?,
        ),
        None => after.after,
    };
    let events = desk.watch(player, &id, last.unwrap_or(0), origin.0).await?;
    // A stream that fails just ends: who comes back is told why.
    let said = events.filter_map(|event| async move {
        let event = event.ok()?;
        let (name, data) = event_of(event)?;
        Some(Ok(name.data(data)))
    });
    Ok(Sse::new(said).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn event_of(ticket_event: v1::TicketEvent) -> Option<(Event, String)> {
    let (name, data) = event(ticket_event.kind?);
    let mut said = Event::default().event(name);
    // What is not numbered must not move the place to which a reader comes back.
    if name != "status" {
        said = said.id(ticket_event.number.to_string());
    }
    Some((said, data.to_string()))
}

#[utoipa::path(get, path = "/v1/open-games", tag = "open games", params(Paging), responses((status = 200, body = OpenGames)))]
/// The games that wait for anybody, oldest first.
pub(crate) async fn list_open_games(State(desk): At, Asked(paging): Asked<Paging>) -> Answer<OpenGames> {
    Ok(Json(desk.open_games(&paging.into()).await?.into()))
}

#[utoipa::path(get, path = "/v1/open-games/events", tag = "open games", params(Paging), responses((status = 200, content_type = "text/event-stream", body = String)))]
/// The first page, live, as server-sent events `games`: at once and after each change.
pub(crate) async fn open_game_events(
    State(desk): At,
    Asked(paging): Asked<Paging>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Fault> {
    let lists = open_games::watch(desk, paging.into())?;
    let said = lists.filter_map(|list| async move {
        let data = serde_json::to_string(&OpenGames::from(list.ok()?)).ok()?;
        Some(Ok(Event::default().event("games").data(data)))
    });
    Ok(Sse::new(said).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

#[utoipa::path(post, path = "/v1/open-games/{ticket_id}/join", tag = "open games", security(("bearer" = [])), params(("ticket_id" = String, Path)), request_body = Join, responses((status = 200, body = Ticket), (status = 404)))]
/// Joins an open game. Of two who join at once one gets it, and the other is told.
pub(crate) async fn join(
    State(desk): At,
    Caller(player): Caller,
    Path(ticket_id): Path<String>,
    Body(join): Body<Join>,
) -> Answer<Ticket> {
    desk.admit()?;
    let request = v1::JoinOpenGameRequest { ticket_id, idempotency_key: join.idempotency_key };
    Ok(Json(desk.join(player, request).await?.into()))
}

#[utoipa::path(get, path = "/v1/matches/{match_id}", tag = "matches", security(("bearer" = [])), params(("match_id" = String, Path)), responses((status = 200, body = Match)))]
/// A match: who plays, how it is, how it ended.
pub(crate) async fn get_match(State(desk): At, Caller(player): Caller, Path(id): Path<String>) -> Answer<Match> {
    Ok(Json(desk.get_match(&id, player).await?.into()))
}

#[utoipa::path(get, path = "/v1/players/me/matches", tag = "players", security(("bearer" = [])), params(PageQuery), responses((status = 200, body = MyMatches)))]
/// The matches that the caller played to their end, the newest first.
pub(crate) async fn my_matches(
    State(desk): At,
    Caller(player): Caller,
    Asked(page): Asked<PageQuery>,
) -> Answer<MyMatches> {
    let request = v1::ListMyMatchesRequest { page_size: page.page_size, page_token: page.page_token };
    Ok(Json(desk.my_matches(player, &request).await?.into()))
}

#[utoipa::path(get, path = "/v1/matches/{match_id}/replay", tag = "matches", security(("bearer" = [])), params(("match_id" = String, Path)), responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404), (status = 409)))]
/// The journal of a match that is over: all that its game was told, enough to play it again. The header `bellhop-bundle`
/// names the bundle of its game.
pub(crate) async fn replay(State(desk): At, _caller: Caller, Path(id): Path<String>) -> Result<Response, Fault> {
    let (journal, bundle) = desk.replay(&id).await?;
    Ok(([(BUNDLE, bundle)], journal).into_response())
}

#[utoipa::path(post, path = "/v1/matches/{match_id}/seat", tag = "matches", security(("bearer" = [])), params(("match_id" = String, Path)), responses((status = 200, body = Assignment), (status = 403), (status = 409)))]
/// A fresh room address and join token for the caller's own held seat.
pub(crate) async fn seat(
    State(desk): At,
    origin: Asker,
    Caller(player): Caller,
    Path(id): Path<String>,
) -> Answer<Assignment> {
    Ok(Json(desk.seat(player, &id, &origin).await?.into()))
}

#[utoipa::path(get, path = "/v1/watchable", tag = "matches", params(Paging), responses((status = 200, body = Watchable)))]
/// The matches that run and that everybody may watch. The newest first.
pub(crate) async fn list_watchable(State(desk): At, Asked(paging): Asked<Paging>) -> Answer<Watchable> {
    Ok(Json(desk.watchable(&paging.into()).await?.into()))
}

#[utoipa::path(post, path = "/v1/matches/{match_id}/watch", tag = "matches", security(("bearer" = [])), params(("match_id" = String, Path)), responses((status = 200, body = WatchPass), (status = 403), (status = 404), (status = 409), (status = 429)))]
/// A room address and a token to watch a match that runs. Ask again after every broken socket.
pub(crate) async fn watch_match(
    State(desk): At,
    origin: Asker,
    Caller(player): Caller,
    Path(id): Path<String>,
) -> Answer<WatchPass> {
    desk.admit()?;
    Ok(Json(desk.watch_match(player, &id, &origin).await?.into()))
}
