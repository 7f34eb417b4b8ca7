//! The calls of the players' doors, whatever door they came through.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bellhop_proto::v1;
use futures_util::StreamExt;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::header::{AUTHORIZATION, HeaderMap};
use lobby_core::{
    Answer, Call, IdempotencyKey, MatchId, MatchOutcome, MatchState, Name, NewTicket, Page, PlayerId, Refusal, RoomId,
    TicketEvent, TicketId, TicketState, TicketView,
};

use super::fault::Fault;
use super::origin::Origin;
use super::pressure::Pressure;
use super::show;
use super::watch::Events;
use crate::drive::feed::{Feed, News};
use crate::drive::room::Route;
use crate::drive::{CallError, Core};
use crate::metrics::Metrics;
use crate::players::{Person, Players};
use crate::rooms::journals::Journals;
use crate::rooms::replays::Replays;

/// Longest idempotency key, in bytes: what the contract says.
const MAX_KEY_BYTES: usize = 64;
/// Largest page of a list.
const MAX_PAGE: u32 = 100;
/// A page whose size nobody said.
const PAGE: u32 = 20;
/// A player whose match ends may hear of it from the room before the lobby does. A new ticket of his waits this long for
/// the room's word.
const ENDING_WITHIN: Duration = Duration::from_secs(1);
/// Guests that one address may make at once, and how soon the next one: a class that comes in together. Players on
/// this machine (bots, tests, the gateway without a proxy before it) are not counted.
const GUESTS_AT_ONCE: u32 = 60;
const GUEST_EVERY: Duration = Duration::from_secs(1);
/// The first news of a ticket come within this.
const FIRST_NEWS_WITHIN: Duration = Duration::from_secs(5);
/// A room that is not there is asked for again after this.
const ROOM_BACK_WITHIN: Duration = Duration::from_millis(500);

/// What the players' doors stand on.
pub(crate) struct Desk {
    pub(crate) core: Core,
    pub(crate) players: Arc<Players>,
    journals: Arc<Journals>,
    replays: Option<Arc<Replays>>,
    pub(crate) metrics: Arc<Metrics>,
    guests: DefaultKeyedRateLimiter<IpAddr>,
    pressure: Pressure,
}

impl Desk {
    pub(crate) fn new(
        core: Core,
        players: Arc<Players>,
        journals: Arc<Journals>,
        replays: Option<Arc<Replays>>,
        metrics: Arc<Metrics>,
    ) -> Desk {
        let burst = NonZeroU32::new(GUESTS_AT_ONCE).expect("the limit is not zero");
        let quota = Quota::with_period(GUEST_EVERY).expect("the period is not zero").allow_burst(burst);
        let pressure = Pressure::new(Instant::now());
        Desk { core, players, journals, replays, metrics, guests: RateLimiter::keyed(quota), pressure }
    }

    /// Whose call this is.
    pub(crate) fn authenticate(&self, headers: &HeaderMap) -> Result<PlayerId, Fault> {
        Ok(self.players.authenticate(bearer(headers)?)?)
    }

    /// Refuses before any work is done, where it would be refused in the end.
    pub(crate) fn admit(&self) -> Result<(), Fault> {
        if self.core.is_full() { Err(Core::overloaded().into()) } else { Ok(()) }
    }

    /// The same for a new ticket, which is refused earlier: those who are in already go first.
    pub(crate) fn admit_new(&self) -> Result<(), Fault> {
        self.admit()?;
        if self.pressure.admits(Instant::now()) { Ok(()) } else { Err(Core::overloaded().into()) }
    }

    /// Forgets addresses that made no guest lately, and journals of matches long over. To be called now and then.
    pub(crate) async fn tidy(&self) {
        self.guests.retain_recent();
        let journals = self.journals.clone();
        let tidied = tokio::task::spawn_blocking(move || journals.tidy(SystemTime::now())).await;
        if let Err(error) = tidied.map_err(std::io::Error::other).flatten() {
            tracing::warn!(%error, "the journals of old matches cannot be removed");
        }
    }

    pub(crate) async fn create_guest(
        &self,
        request: v1::CreateGuestRequest,
        origin: &Origin,
    ) -> Result<v1::Session, Fault> {
        if !origin.address.is_loopback() {
            self.guests.check_key(&origin.address).map_err(|until| {
                let after = until.wait_time_from(DefaultClock::default().now());
                Fault::too_many("too many new guests from this address", after)
            })?;
        }
        let (token, person) = self.players.create_guest(&request.name).await?;
        self.metrics.guests.inc();
        Ok(v1::Session { token, player: Some(show::player(&person)) })
    }

    pub(crate) async fn log_in(&self, request: v1::LogInRequest, origin: &Origin) -> Result<v1::Session, Fault> {
        let (token, person) = self.players.log_in(&request.login, &request.password, origin.address).await?;
        Ok(v1::Session { token, player: Some(self.full_player(&person).await?) })
    }

    pub(crate) async fn log_out(&self, headers: &HeaderMap) -> Result<(), Fault> {
        self.authenticate(headers)?;
        Ok(self.players.log_out(bearer(headers)?).await?)
    }

    pub(crate) async fn me(&self, player: PlayerId) -> Result<v1::Player, Fault> {
        let person = self.players.person(player)?.ok_or(crate::players::PlayerError::UnknownBearer)?;
        self.full_player(&person).await
    }

    pub(crate) async fn set_name(&self, player: PlayerId, request: v1::SetNameRequest) -> Result<v1::Player, Fault> {
        let person = self.players.set_name(player, &request.name).await?;
        self.full_player(&person).await
    }

    pub(crate) async fn set_password(
        &self,
        player: PlayerId,
        request: v1::SetPasswordRequest,
        origin: &Origin,
    ) -> Result<v1::Player, Fault> {
        let person =
            self.players.set_password(player, &request.password, &request.old_password, origin.address).await?;
        self.full_player(&person).await
    }

    async fn full_player(&self, person: &Person) -> Result<v1::Player, Fault> {
        let mut player = show::player(person);
        let mut games: Vec<Name> = self.core.settings.load().queues.iter().map(|queue| queue.game.clone()).collect();
        games.sort_unstable();
        games.dedup();
        let ratings = self.players.ratings(person.id, &games)?;
        player.ratings = ratings.iter().map(|(game, rating)| show::rating(game, *rating)).collect();
        if let Answer::Player(view) = self.core.call(Call::GetPlayer { player: person.id }).await? {
            player.current_ticket_id = view.ticket.map(|id| id.to_string()).unwrap_or_default();
            player.current_match = view.seat.map(|(match_id, queue, game)| v1::CurrentMatch {
                match_id: match_id.to_string(),
                game: game.to_string(),
                queue: queue.to_string(),
            });
        }
        Ok(player)
    }

    pub(crate) async fn queues(&self) -> Result<v1::ListQueuesResponse, Fault> {
        let queues = only!(self.core.call(Call::ListQueues).await?, Answer::Queues);
        Ok(v1::ListQueuesResponse { queues: queues.into_iter().map(show::queue).collect() })
    }

    pub(crate) async fn play(
        &self,
        player: PlayerId,
        request: v1::CreateTicketRequest,
        origin: Origin,
    ) -> Result<Events, Fault> {
        let call = Call::CreateTicket(self.new_ticket(player, request)?);
        let told = {
            let _counted = self.pressure.taken_in();
            self.events(self.core.play(call.clone())?, player, &origin, 0).await
        };
        match told {
            Err(NotTold::Refused(Refusal::AlreadyQueued { ticket, .. })) if self.ends(ticket, player).await => {
                Ok(self.events(self.core.play(call)?, player, &origin, 0).await?)
            }
            told => Ok(told?),
        }
    }

    pub(crate) async fn create_ticket(
        &self,
        player: PlayerId,
        request: v1::CreateTicketRequest,
    ) -> Result<v1::Ticket, Fault> {
        let call = Call::CreateTicket(self.new_ticket(player, request)?);
        self.make(player, call).await
    }

    /// Makes a ticket.
    async fn make(&self, player: PlayerId, call: Call) -> Result<v1::Ticket, Fault> {
        let answer = {
            let _counted = self.pressure.taken_in();
            self.core.call(call.clone()).await
        };
        match answer {
            Err(CallError::Refused(Refusal::AlreadyQueued { ticket, .. })) if self.ends(ticket, player).await => {
                ticket_answer(self.core.call(call).await?)
            }
            answer => ticket_answer(answer?),
        }
    }

    /// Whether the match that a ticket led to is over, or ends just now.
    async fn ends(&self, ticket: TicketId, player: PlayerId) -> bool {
        let Ok(mut feed) = self.core.watch(ticket, player, 0) else { return false };
        let until = tokio::time::Instant::now() + ENDING_WITHIN;
        while let Ok(Some(news)) = tokio::time::timeout_at(until, feed.next()).await {
            match news {
                News::Watching(view) => match view.state {
                    TicketState::Assigned | TicketState::Connected => {}
                    TicketState::Queued | TicketState::Placing => return false,
                    TicketState::Ended(_) => return true,
                },
                News::Event(_, TicketEvent::Ended { .. }) => return true,
                News::Event(
                    _,
                    TicketEvent::Queued
                    | TicketEvent::Matched { .. }
                    | TicketEvent::Assigned { .. }
                    | TicketEvent::Connected { .. }
                    | TicketEvent::Requeued { .. },
                )
                | News::Status(_) => {}
                News::Refused(_) | News::Lagged => return false,
            }
        }
        false
    }

    fn new_ticket(&self, player: PlayerId, request: v1::CreateTicketRequest) -> Result<NewTicket, Fault> {
        let key = check_key(&request.idempotency_key)?;
        if !request.party.is_empty() {
            return Err(Fault::field("party", "parties of several players are not served yet: leave it empty"));
        }
        let settings = self.core.settings.load();
        let Some(queue) = settings.queues.iter().find(|queue| *queue.name == *request.queue) else {
            let shown: String = request.queue.chars().take(64).collect();
            return Err(Refusal::UnknownQueue { queue: shown.into() }.into());
        };
        let member = self.players.member(player, &queue.game)?;
        Ok(NewTicket { queue: queue.name.clone(), party: [member].into_iter().collect(), open: request.open, key })
    }

    pub(crate) async fn join(&self, player: PlayerId, request: v1::JoinOpenGameRequest) -> Result<v1::Ticket, Fault> {
        let key = check_key(&request.idempotency_key)?;
        let game: TicketId = id("ticket_id", &request.ticket_id)?;
        // The game's queue says which rating counts; the core checks again.
        let view = match self.core.call(Call::GetTicket { ticket: game, by: None }).await {
            Ok(Answer::Ticket(view)) => view,
            Ok(_) => return Err(unexpected("a ticket")),
            Err(CallError::Refused(Refusal::UnknownTicket)) => return Err(Refusal::GameGone.into()),
            Err(error) => return Err(error.into()),
        };
        let member = self.players.member(player, &self.game_of(&view.queue))?;
        let joiner = NewTicket { queue: view.queue, party: [member].into_iter().collect(), open: false, key };
        self.make(player, Call::JoinOpenGame { game, joiner }).await
    }

    fn game_of(&self, queue: &Name) -> Name {
        let settings = self.core.settings.load();
        settings.queues.iter().find(|other| other.name == *queue).map(|queue| queue.game.clone()).unwrap_or_default()
    }

    pub(crate) async fn ticket(&self, player: PlayerId, ticket_id: &str) -> Result<v1::Ticket, Fault> {
        let call = Call::GetTicket { ticket: id("ticket_id", ticket_id)?, by: Some(player) };
        ticket_answer(self.core.call(call).await?)
    }

    pub(crate) async fn watch(
        &self,
        player: PlayerId,
        ticket_id: &str,
        after: u64,
        origin: Origin,
    ) -> Result<Events, Fault> {
        let feed = self.core.watch(id("ticket_id", ticket_id)?, player, after)?;
        Ok(self.events(feed, player, &origin, after).await?)
    }

    async fn events(&self, mut feed: Feed, player: PlayerId, origin: &Origin, after: u64) -> Result<Events, NotTold> {
        let first = tokio::time::timeout(FIRST_NEWS_WITHIN, feed.next()).await;
        let view: Box<TicketView> = match first {
            Ok(Some(News::Watching(view))) => view,
            Ok(Some(News::Refused(refusal))) => return Err(NotTold::Refused(refusal)),
            Ok(Some(News::Event(..) | News::Status(_) | News::Lagged)) => return Err(NotTold::Fault(Fault::lagged())),
            Ok(None) => return Err(NotTold::Fault(CallError::Stopped.into())),
            Err(_) => return Err(NotTold::Fault(CallError::Late.into())),
        };
        let game = self.game_of(&view.queue);
        Ok(Events::new(feed, &view, self.core.rooms.clone(), origin.clone(), player, game, after))
    }

    pub(crate) async fn cancel(&self, player: PlayerId, ticket_id: &str) -> Result<v1::CancelTicketResponse, Fault> {
        use v1::cancel_ticket_response::Outcome;
        let call = Call::CancelTicket { ticket: id("ticket_id", ticket_id)?, by: player };
        let answer = self.core.call(call).await?;
        let (outcome, match_id) = if let Answer::AlreadyMatched { match_id } = answer {
            (Outcome::AlreadyMatched, match_id.to_string())
        } else if answer == Answer::Cancelled {
            (Outcome::Cancelled, String::new())
        } else if answer == Answer::AlreadyEnded {
            (Outcome::AlreadyEnded, String::new())
        } else {
            return Err(unexpected("how a cancel went"));
        };
        Ok(v1::CancelTicketResponse { outcome: outcome as i32, match_id })
    }

    pub(crate) async fn open_games(
        &self,
        request: &v1::ListOpenGamesRequest,
    ) -> Result<v1::ListOpenGamesResponse, Fault> {
        if request.page_size > MAX_PAGE {
            return Err(Fault::field("page_size", format!("a page has at most {MAX_PAGE} games")));
        }
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|_| Refusal::BadPage)?),
        };
        let queue = (!request.queue.is_empty()).then(|| Name::from(request.queue.as_str()));
        let limit = u16::try_from(request.page_size).unwrap_or(u16::MAX);
        let games = self.core.call(Call::ListOpenGames { queue, after, limit }).await?;
        let Page { items, more, total } = only!(games, Answer::OpenGames);
        let last = items.last().map(|game| game.ticket.to_string());
        Ok(v1::ListOpenGamesResponse {
            games: items.into_iter().map(show::open_game).collect(),
            next_page_token: last.filter(|_| more).unwrap_or_default(),
            total,
        })
    }

    pub(crate) async fn watchable(
        &self,
        request: &v1::ListWatchableRequest,
    ) -> Result<v1::ListWatchableResponse, Fault> {
        if request.page_size > MAX_PAGE {
            return Err(Fault::field("page_size", format!("a page has at most {MAX_PAGE} matches")));
        }
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|_| Refusal::BadPage)?),
        };
        let queue = (!request.queue.is_empty()).then(|| Name::from(request.queue.as_str()));
        let limit = u16::try_from(request.page_size).unwrap_or(u16::MAX);
        let matches = self.core.call(Call::ListWatchable { queue, after, limit }).await?;
        let Page { items, more, total } = only!(matches, Answer::Watchable);
        let last = items.last().map(|game| game.match_id.to_string());
        Ok(v1::ListWatchableResponse {
            matches: items.into_iter().map(show::watchable).collect(),
            next_page_token: last.filter(|_| more).unwrap_or_default(),
            total,
        })
    }

    pub(crate) async fn get_match(&self, match_id: &str, viewer: PlayerId) -> Result<v1::Match, Fault> {
        let match_id = id("match_id", match_id)?;
        match self.core.call(Call::GetMatch { match_id }).await {
            Ok(Answer::Match(view)) => {
                let mut shown = show::game_match(&self.players, view, viewer);
                if let Some(outcome) = self.players.outcome(match_id)? {
                    shown.reason = outcome.reason.to_string();
                    shown.events_json = outcome.events_json.iter().map(ToString::to_string).collect();
                }
                Ok(shown)
            }
            Ok(_) => Err(unexpected("a match")),
            Err(CallError::Refused(Refusal::UnknownMatch)) => match self.players.outcome(match_id)? {
                Some(outcome) => Ok(show::ended_match(&self.players, &outcome)),
                None => Err(Refusal::UnknownMatch.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The journal of a match that is over, and its game's bundle. While it runs it holds what its players must not know.
    pub(crate) async fn replay(&self, match_id: &str) -> Result<(Vec<u8>, String), Fault> {
        let match_id: MatchId = id("match_id", match_id)?;
        match self.core.call(Call::GetMatch { match_id }).await {
            Ok(Answer::Match(view)) if matches!(view.state, MatchState::Ended | MatchState::Lost(_)) => {}
            Ok(Answer::Match(_)) => return Err(Fault::still_runs()),
            Ok(_) => return Err(unexpected("a match")),
            // Long over, or never was: then there is no journal either.
            Err(CallError::Refused(Refusal::UnknownMatch)) => {}
            Err(error) => return Err(error.into()),
        }
        let journals = self.journals.clone();
        let read = tokio::task::spawn_blocking(move || journals.read(match_id)).await;
        match read.map_err(std::io::Error::other).flatten() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => return Err(Fault::internal(&error)),
        }
        let Some(replays) = &self.replays else { return Err(Refusal::UnknownMatch.into()) };
        match replays.get(match_id).await {
            Ok(found) => found.ok_or_else(|| Refusal::UnknownMatch.into()),
            Err(error) => Err(Fault::store_away(&error)),
        }
    }

    pub(crate) async fn my_matches(
        &self,
        player: PlayerId,
        request: &v1::ListMyMatchesRequest,
    ) -> Result<v1::ListMyMatchesResponse, Fault> {
        let limit = match request.page_size {
            0 => PAGE,
            asked @ 1..=MAX_PAGE => asked,
            _ => return Err(Fault::field("page_size", format!("a page has at most {MAX_PAGE} matches"))),
        };
        let before = match request.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|_| Refusal::BadPage)?),
        };
        let limit = limit as usize;
        let mut found = self.players.matches(player, before, limit + 1).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next_page_token = found.last().filter(|_| more).map(|(number, _)| number.to_string());
        let shown = |(_, outcome): &(u64, MatchOutcome)| v1::Match {
            events_json: Vec::new(),
            ..show::ended_match(&self.players, outcome)
        };
        Ok(v1::ListMyMatchesResponse {
            matches: found.iter().map(shown).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        })
    }

    /// The way to a room; after a restart of the lobby it may be about to be there.
    fn route(&self, room: RoomId) -> Result<Arc<Route>, Refusal> {
        self.core.rooms.get(room).ok_or(Refusal::RoomAway { retry_after: ROOM_BACK_WITHIN })
    }

    /// Where a match is to be watched, and what opens the door.
    pub(crate) async fn watch_match(
        &self,
        viewer: PlayerId,
        match_id: &str,
        origin: &Origin,
    ) -> Result<v1::WatchPass, Fault> {
        let match_id = id("match_id", match_id)?;
        let found = match self.core.call(Call::WatchMatch { match_id }).await {
            // Long over.
            Err(CallError::Refused(Refusal::UnknownMatch)) if self.players.outcome(match_id)?.is_some() => {
                return Err(Refusal::MatchOver.into());
            }
            answer => only!(answer?, Answer::Watch),
        };
        let route = self.route(found.room)?;
        let room_id = found.room.to_string();
        Ok(v1::WatchPass {
            match_id: found.match_id.to_string(),
            url: origin.room_url(&room_id),
            room_id,
            token: route.watch_token(found.match_id, found.epoch, viewer),
            bundle: route.bundle(&found.game).to_owned(),
            game: found.game.to_string(),
            delay_ms: u32::try_from(found.delay.as_millis()).unwrap_or(u32::MAX),
            spectators: found.spectators,
            max_spectators: u32::from(found.most),
        })
    }

    pub(crate) async fn seat(
        &self,
        player: PlayerId,
        match_id: &str,
        origin: &Origin,
    ) -> Result<v1::Assignment, Fault> {
        let call = Call::GetSeat { match_id: id("match_id", match_id)?, by: player };
        let seat = only!(self.core.call(call).await?, Answer::Seat);
        let route = self.route(seat.room)?;
        let room_id = seat.room.to_string();
        Ok(v1::Assignment {
            match_id: seat.match_id.to_string(),
            url: origin.room_url(&room_id),
            room_id,
            token: route.seat_token(seat.match_id, seat.epoch, seat.seat, player),
            seat: u32::from(seat.seat),
            bundle: route.bundle(&seat.game).to_owned(),
            direct_url: self.core.rooms.direct_url(seat.room),
            game: seat.game.to_string(),
        })
    }
}

/// Why there are no events.
enum NotTold {
    /// The core refuses.
    Refused(Refusal),
    /// Something else.
    Fault(Fault),
}

impl From<NotTold> for Fault {
    fn from(not_told: NotTold) -> Fault {
        match not_told {
            NotTold::Refused(refusal) => refusal.into(),
            NotTold::Fault(fault) => fault,
        }
    }
}

fn ticket_answer(answer: Answer) -> Result<v1::Ticket, Fault> {
    Ok(show::ticket(&only!(answer, Answer::Ticket)))
}

fn check_key(key: &str) -> Result<Option<IdempotencyKey>, Fault> {
    if key.len() > MAX_KEY_BYTES {
        let detail = format!("an idempotency key has at most {MAX_KEY_BYTES} bytes, this one has {}", key.len());
        return Err(Fault::field("idempotency_key", detail));
    }
    Ok(IdempotencyKey::of(key))
}

/// An id from a caller's text.
pub(crate) fn id<T: std::str::FromStr<Err = lobby_core::ParseIdError>>(
    field: &'static str,
    text: &str,
) -> Result<T, Fault> {
    text.parse().map_err(|error| Fault::id(field, text, error))
}

/// The bearer of a call.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Fault> {
    let value = headers.get(AUTHORIZATION).ok_or_else(|| Fault::unauthenticated("the call carries no bearer token"))?;
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    match text {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        Some(_) | None => Err(Fault::unauthenticated("the authorization header is not of the form `Bearer <token>`")),
    }
}

/// The core answered with something else than was asked: our own fault.
pub(crate) fn unexpected(wanted: &'static str) -> Fault {
    #[derive(Debug, thiserror::Error)]
    #[error("the core did not answer with {0}")]
    struct Unexpected(&'static str);
    Fault::internal(&Unexpected(wanted))
}

/// What is in an answer of this kind; returns from the function with our own fault where it is another.
macro_rules! only {
    ($answer:expr, $kind:path) => {{
        let $kind(inside) = $answer else {
            return Err($crate::doors::desk::unexpected(stringify!($kind)).into());
        };
        inside
    }};
}
pub(crate) use only;
