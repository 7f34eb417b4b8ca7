//! What the JSON doors take and give: the messages of the contract, fields in snake_case, enums as words.

use bellhop_proto::v1;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Declares an answer with the fields of a message of the contract.
macro_rules! answer {
    ($(#[$doc:meta])* $name:ident from $message:path { $($(#[$field_doc:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $kind),* }

        impl From<$message> for $name {
            fn from(message: $message) -> $name {
                $name { $($field: Shown::shown(message.$field)),* }
            }
        }
    };
}

/// How a field of the contract is shown.
trait Shown<T> {
    fn shown(self) -> T;
}

macro_rules! as_is {
    ($($kind:ty),*) => { $(impl Shown<$kind> for $kind { fn shown(self) -> $kind { self } })* };
}
as_is!(String, bool, u32, u64, i32, i64, Option<u32>, Vec<String>);

macro_rules! nested {
    ($($from:path => $to:ty),* $(,)?) => { $(
        impl Shown<$to> for $from { fn shown(self) -> $to { self.into() } }
        impl Shown<Vec<$to>> for Vec<$from> { fn shown(self) -> Vec<$to> { self.into_iter().map(Into::into).collect() } }
        impl Shown<Option<$to>> for Option<$from> { fn shown(self) -> Option<$to> { self.map(Into::into) } }
    )* };
}
nested!(
    v1::Player => Player, v1::Rating => Rating, v1::CurrentMatch => CurrentMatch, v1::Queue => Queue,
    v1::OpenGame => OpenGame, v1::MatchSeat => MatchSeat, v1::Match => Match,
    v1::WatchableMatch => WatchableMatch, v1::watchable_match::Player => Named,
);

answer!(
    /// A bearer token and whose it is.
    Session from v1::Session {
        /// Opaque and secret. Renews itself on use.
        token: String,
        player: Option<Player>,
    }
);
answer!(
    /// Somebody who plays.
    Player from v1::Player {
        /// `p-…`: the identity. Never changes.
        id: String,
        /// What others see.
        name: String,
        /// Tells equal names apart, as in `Ada#4821`.
        tag: String,
        /// What to log in with; empty without a password.
        login: String,
        ratings: Vec<Rating>,
        /// The match whose seat is held for this player: the way back.
        current_match: Option<CurrentMatch>,
        /// The live ticket of this player; empty: none.
        current_ticket_id: String,
    }
);
answer!(
    /// How well a player plays one game.
    Rating from v1::Rating {
        game: String,
        /// On the scale that starts at 1500.
        rating: i32,
        /// One standard deviation.
        deviation: i32,
        matches: u32,
    }
);
answer!(
    /// A match in which a seat is held.
    CurrentMatch from v1::CurrentMatch { match_id: String, game: String, queue: String }
);
answer!(
    /// What players may wait in.
    Queue from v1::Queue {
        name: String,
        game: String,
        title: String,
        min_players: u32,
        max_players: u32,
        /// Players waiting.
        waiting: u32,
        /// Players in its matches.
        playing: u32,
        /// Median of the estimated wait.
        eta_p50_ms: Option<u32>,
        /// 90th percentile of the estimated wait.
        eta_p90_ms: Option<u32>,
        /// It takes open games.
        open_games: bool,
        /// The game's configuration, as JSON.
        config_json: String,
        /// Its matches may be watched.
        watch: bool,
        /// And they are listed for everybody.
        listed: bool,
    }
);
answer!(
    /// All queues.
    Queues from v1::ListQueuesResponse { queues: Vec<Queue> }
);
answer!(
    /// Where to go and what opens the door.
    Assignment from v1::Assignment {
        match_id: String,
        room_id: String,
        /// The WebSocket's address.
        url: String,
        /// Single use, 30 s. Goes into Sec-WebSocket-Protocol as `bellhop.token.<token>` beside `bellhop.v1`.
        token: String,
        seat: u32,
        game: String,
        /// Hash of the game's page bundle: `/games/<bundle>/`
        bundle: String,
        /// The same room at its own node, past the gateways and unencrypted: for native clients. Empty: there is no such way.
        direct_url: String,
    }
);
answer!(
    /// Where to watch and what opens the door.
    WatchPass from v1::WatchPass {
        match_id: String,
        room_id: String,
        /// The WebSocket's address.
        url: String,
        /// Single use, 30 s; as with a seat.
        token: String,
        game: String,
        /// Hash of the game's page bundle: `/games/<bundle>/`
        bundle: String,
        /// How much later than the players the queue has it seen; the room says what holds.
        delay_ms: u32,
        /// Who watches now.
        spectators: u32,
        /// How many may.
        max_spectators: u32,
    }
);
answer!(
    /// Some of the matches that everybody may watch.
    Watchable from v1::ListWatchableResponse {
        matches: Vec<WatchableMatch>,
        /// For the next page; empty: this was the last one.
        next_page_token: String,
        total: u32,
    }
);
answer!(
    /// A match that everybody may watch.
    WatchableMatch from v1::WatchableMatch {
        match_id: String,
        queue: String,
        game: String,
        /// The first few of those who play.
        players: Vec<Named>,
        /// How many play, all told.
        playing: u32,
        age_ms: u64,
        /// How much later than the players the queue has it seen.
        delay_ms: u32,
        /// Who watches now.
        spectators: u32,
        /// How many may.
        max_spectators: u32,
    }
);
answer!(
    /// Somebody by name.
    Named from v1::watchable_match::Player { name: String, tag: String }
);
answer!(
    /// Some of the open games.
    OpenGames from v1::ListOpenGamesResponse {
        games: Vec<OpenGame>,
        /// For the next page; empty: this was the last one.
        next_page_token: String,
        total: u32,
    }
);
answer!(
    /// A ticket that waits for anybody.
    OpenGame from v1::OpenGame {
        /// Its creator's ticket.
        ticket_id: String,
        queue: String,
        game: String,
        creator_name: String,
        creator_tag: String,
        creator_rating: i32,
        age_ms: u64,
        config_json: String,
    }
);
answer!(
    /// A place in a match.
    MatchSeat from v1::MatchSeat {
        seat: u32,
        player_id: String,
        name: String,
        tag: String,
        /// 1 is first; equal ranks are a draw; 0: not ended.
        rank: u32,
        score: i64,
        rating_before: i32,
        rating_after: i32,
        /// reserved, live, dropped or left.
        presence: String,
    }
);

/// A party in a queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ticket {
    id: String,
    queue: String,
    /// queued, placing, assigned, connected, cancelled, expired, failed or done.
    state: &'static str,
    match_id: String,
    /// Number of its newest event.
    last_event: u64,
    age_ms: u64,
    open: bool,
    /// With failed and expired: why.
    reason: String,
}

impl From<v1::Ticket> for Ticket {
    fn from(ticket: v1::Ticket) -> Ticket {
        Ticket {
            state: ticket_word(ticket.state()),
            id: ticket.id,
            queue: ticket.queue,
            match_id: ticket.match_id,
            last_event: ticket.last_event,
            age_ms: ticket.age_ms,
            open: ticket.open,
            reason: ticket.reason,
        }
    }
}

fn ticket_word(state: v1::ticket::State) -> &'static str {
    use v1::ticket::State;
    match state {
        State::Unspecified => "unspecified",
        State::Queued => "queued",
        State::Placing => "placing",
        State::Assigned => "assigned",
        State::Connected => "connected",
        State::Cancelled => "cancelled",
        State::Expired => "expired",
        State::Failed => "failed",
        State::Done => "done",
    }
}

/// How a cancel went: the truth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CancelOutcome {
    /// cancelled, already_matched or already_ended.
    outcome: &'static str,
    match_id: String,
}

impl From<v1::CancelTicketResponse> for CancelOutcome {
    fn from(response: v1::CancelTicketResponse) -> CancelOutcome {
        use v1::cancel_ticket_response::Outcome;
        let outcome = match response.outcome() {
            Outcome::Unspecified => "unspecified",
            Outcome::Cancelled => "cancelled",
            Outcome::AlreadyMatched => "already_matched",
            Outcome::AlreadyEnded => "already_ended",
        };
        CancelOutcome { outcome, match_id: response.match_id }
    }
}

/// The players who meet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Match {
    id: String,
    queue: String,
    game: String,
    /// placing, playing, ended or lost.
    state: &'static str,
    seats: Vec<MatchSeat>,
    reason: String,
    duration_ms: u64,
    /// Turn-based games: the events so far, as JSON, what this viewer may see.
    events_json: Vec<String>,
    /// While it runs: it may be watched.
    watch: bool,
    /// Who watches it now and does not play.
    spectators: u32,
}

impl From<v1::Match> for Match {
    fn from(shown: v1::Match) -> Match {
        use v1::r#match::State;
        let state = match shown.state() {
            State::Unspecified => "unspecified",
            State::Placing => "placing",
            State::Playing => "playing",
            State::Ended => "ended",
            State::Lost => "lost",
        };
        Match {
            state,
            watch: shown.watch,
            spectators: shown.spectators,
            id: shown.id,
            queue: shown.queue,
            game: shown.game,
            seats: Shown::shown(shown.seats),
            reason: shown.reason,
            duration_ms: shown.duration_ms,
            events_json: shown.events_json,
        }
    }
}

answer!(
    /// A page of the caller's matches.
    MyMatches from v1::ListMyMatchesResponse {
        /// The newest first, without their events.
        matches: Vec<Match>,
        /// Empty: this is the last page.
        next_page_token: String,
    }
);

/// Which page.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// At most 100; 0: 20.
    pub(crate) page_size: u32,
    /// From the page before.
    pub(crate) page_token: String,
}

/// A guest's wishes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct NewGuest {
    /// 1 to 24 characters; empty: a name is drawn.
    pub(crate) name: String,
}

/// Name and password.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Login {
    /// As shown when the password was set, such as Ada#4821.
    pub(crate) login: String,
    pub(crate) password: String,
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewName {
    /// 1 to 24 characters, no control characters.
    pub(crate) name: String,
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewPassword {
    /// 8 to 128 characters.
    pub(crate) password: String,
    /// The one in force, where there is one.
    #[serde(default)]
    pub(crate) old_password: String,
}

/// A ticket to create.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewTicket {
    /// The queue's name.
    pub(crate) queue: String,
    /// Up to 64 bytes: the same key gives the same ticket again for as long as it lives.
    #[serde(default)]
    pub(crate) idempotency_key: String,
    /// Waits for somebody to join it.
    #[serde(default)]
    pub(crate) open: bool,
}

/// Joining an open game.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Join {
    /// Up to 64 bytes.
    pub(crate) idempotency_key: String,
}

/// Which open games, or matches to watch.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// Only of this queue.
    pub(crate) queue: String,
    /// At most 100; 20 if left out.
    pub(crate) page_size: u32,
    pub(crate) page_token: String,
}

impl From<Paging> for v1::ListOpenGamesRequest {
    fn from(paging: Paging) -> v1::ListOpenGamesRequest {
        v1::ListOpenGamesRequest { queue: paging.queue, page_size: paging.page_size, page_token: paging.page_token }
    }
}

impl From<Paging> for v1::ListWatchableRequest {
    fn from(paging: Paging) -> v1::ListWatchableRequest {
        v1::ListWatchableRequest { queue: paging.queue, page_size: paging.page_size, page_token: paging.page_token }
    }
}

/// Where to begin.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// The number of the last event seen; the header Last-Event-ID wins.
    pub(crate) after: Option<u64>,
}

/// An event's name and data, as they go into the stream.
pub(crate) fn event(kind: v1::ticket_event::Kind) -> (&'static str, serde_json::Value) {
    use serde_json::json;
    use v1::ticket_event::Kind;
    match kind {
        Kind::Queued(queued) => ("queued", json!({"eta_p50_ms": queued.eta_p50_ms, "eta_p90_ms": queued.eta_p90_ms})),
        Kind::Matched(matched) => ("matched", json!({"match_id": matched.match_id, "players": matched.players})),
        Kind::Assigned(assignment) => {
            ("assigned", serde_json::to_value(Assignment::from(assignment)).unwrap_or_default())
        }
        Kind::Connected(connected) => ("connected", json!({"match_id": connected.match_id})),
        Kind::Requeued(requeued) => ("requeued", json!({"reason": requeued.reason})),
        Kind::Ended(ended) => {
            let state = ticket_word(ended.state());
            ("ended", json!({"state": state, "reason": ended.reason, "match_id": ended.match_id}))
        }
        Kind::Status(status) => (
            "status",
            json!({
                "waited_ms": status.waited_ms, "eta_p50_ms": status.eta_p50_ms, "eta_p90_ms": status.eta_p90_ms,
                "waiting": status.waiting, "why": status.why, "why_text": status.why_text,
            }),
        ),
    }
}
