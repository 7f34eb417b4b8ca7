//! Why a call is refused, in every door's form. All codes are chosen here.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use lobby_core::{ParseIdError, Refusal};
use prost::Message;
use serde::Serialize;
use tonic::{Code, Status};

use crate::drive::CallError;
use crate::players::PlayerError;
use crate::players::passwords::PasswordError;

/// Whose words `ErrorInfo.reason` are.
const DOMAIN: &str = "bellhop.dev";

/// A store of replays that does not answer is asked again after this.
const STORE_BACK_WITHIN: Duration = Duration::from_secs(10);

/// A call that is refused.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// A fixed word: the problem's type, `ErrorInfo.reason`, the metric's label.
    pub(crate) kind: &'static str,
    code: Code,
    http: StatusCode,
    /// What was wrong.
    detail: String,
    /// What to do.
    hint: &'static str,
    retry_after: Option<Duration>,
    /// The field that was wrong.
    field: Option<&'static str>,
    /// More facts, such as the first ticket's id.
    facts: Vec<(&'static str, String)>,
}

impl Fault {
    fn new(kind: &'static str, code: Code, http: StatusCode, detail: impl Into<String>) -> Fault {
        let detail = detail.into();
        Fault { kind, code, http, detail, hint: "", retry_after: None, field: None, facts: Vec::new() }
    }

    fn hint(mut self, hint: &'static str) -> Fault {
        self.hint = hint;
        self
    }

    fn retry(mut self, after: Duration) -> Fault {
        self.retry_after = Some(after);
        self
    }

    /// A field of the request is not what it should be.
    pub(crate) fn field(field: &'static str, detail: impl Into<String>) -> Fault {
        let mut fault = Fault::new("bad-field", Code::InvalidArgument, StatusCode::BAD_REQUEST, detail);
        fault.field = Some(field);
        fault
    }

    /// An id is none.
    pub(crate) fn id(field: &'static str, text: &str, error: ParseIdError) -> Fault {
        let shown: String = text.chars().take(32).collect();
        Fault::field(field, format!("`{shown}` {error}"))
    }

    /// There is no bearer, or it opens nothing.
    pub(crate) fn unauthenticated(detail: &'static str) -> Fault {
        Fault::new("unauthenticated", Code::Unauthenticated, StatusCode::UNAUTHORIZED, detail)
            .hint("send `authorization: Bearer <token>` with the token of a session; make one with POST /v1/guests")
    }

    /// The bearer is good, but not for this.
    pub(crate) fn forbidden(detail: &'static str) -> Fault {
        Fault::new("forbidden", Code::PermissionDenied, StatusCode::FORBIDDEN, detail)
    }

    /// The caller's own deadline has passed.
    pub(crate) fn deadline() -> Fault {
        let detail = "the deadline of the call has passed";
        Fault::new("deadline", Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT, detail)
    }

    /// Too many from one address.
    pub(crate) fn too_many(detail: &'static str, after: Duration) -> Fault {
        Fault::new("too-many", Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS, detail).retry(after)
    }

    /// The match is not over: what happens in it is not everybody's to see.
    pub(crate) fn still_runs() -> Fault {
        let detail = "the match still runs; its replay is there when it is over";
        Fault::new("still-runs", Code::FailedPrecondition, StatusCode::CONFLICT, detail).hint("ask again after its end")
    }

    /// Where old replays are kept does not answer.
    pub(crate) fn store_away(error: &crate::rooms::replays::ReplayError) -> Fault {
        tracing::warn!(error = error as &dyn std::error::Error, "a replay cannot be read");
        let detail = "where old replays are kept does not answer";
        Fault::new("store-away", Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, detail).retry(STORE_BACK_WITHIN)
    }

    /// No player was minted for this user.
    pub(crate) fn unknown_user() -> Fault {
        Fault::new("unknown-user", Code::NotFound, StatusCode::NOT_FOUND, "no player was minted for this user")
            .hint("call MintPlayer first")
    }

    /// All that may follow the results do.
    pub(crate) fn too_many_followers(limit: usize) -> Fault {
        let detail = format!("{limit} others follow the results already");
        Fault::new("too-many", Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS, detail)
            .hint("end one of them")
            .retry(Duration::from_secs(10))
    }

    /// Results that are asked for are kept no more.
    pub(crate) fn results_forgotten(newest_forgotten: u64) -> Fault {
        let detail = format!("results after this one, up to number {newest_forgotten}, are kept no more");
        let fault = Fault::new("results-forgotten", Code::OutOfRange, StatusCode::GONE, detail)
            .hint("follow again after 0 for the oldest that is kept, and look elsewhere for what you missed");
        Fault { facts: vec![("newest_forgotten", newest_forgotten.to_string())], ..fault }
    }

    /// No result has had this number yet.
    pub(crate) fn future_result(next: u64) -> Fault {
        let detail = format!("no result has had this number yet: the next one has at least {next}");
        let fault = Fault::new("future-result", Code::OutOfRange, StatusCode::RANGE_NOT_SATISFIABLE, detail)
            .hint("where the lobby's journal is another one than before, begin again after 0");
        Fault { facts: vec![("next", next.to_string())], ..fault }
    }

    /// The lobby ends while somebody follows.
    pub(crate) fn stops() -> Fault {
        CallError::Stopped.into()
    }

    /// There is nothing at this path.
    pub(crate) fn no_such_path() -> Fault {
        Fault::new("no-such-path", Code::Unimplemented, StatusCode::NOT_FOUND, "there is nothing at this path")
            .hint("the calls are listed at /docs")
    }

    /// The path is there, but not for this method.
    pub(crate) fn no_such_method() -> Fault {
        Fault::new("no-such-method", Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED, "not with this method")
            .hint("the calls are listed at /docs")
    }

    /// The body or its type cannot be read.
    pub(crate) fn bad_body(http: StatusCode, detail: impl Into<String>) -> Fault {
        Fault::new("bad-body", Code::InvalidArgument, http, detail)
            .hint("send one JSON object with `content-type: application/json`, of at most 16 KiB")
    }

    /// The watcher was too slow.
    pub(crate) fn lagged() -> Fault {
        Fault::new("lagged", Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "you did not read your events")
            .hint("watch again from the last number you have seen")
            .retry(Duration::from_millis(100))
    }

    /// Our own fault. What it was is in the log, not in the answer.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Fault {
        tracing::error!(error, "a call failed");
        Fault::new("internal", Code::Internal, StatusCode::INTERNAL_SERVER_ERROR, "the lobby could not do this")
    }

    /// As gRPC says it.
    pub(crate) fn status(self) -> Status {
        let details = self.details();
        let message = if self.hint.is_empty() { self.detail } else { format!("{}: {}", self.detail, self.hint) };
        Status::with_details(self.code, message, details)
    }

    /// `google.rpc.Status` for `grpc-status-details-bin`.
    fn details(&self) -> Bytes {
        let mut details = vec![any(
            "google.rpc.ErrorInfo",
            &ErrorInfo {
                reason: self.kind.to_uppercase().replace('-', "_"),
                domain: DOMAIN.to_owned(),
                metadata: self.facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            },
        )];
        if let Some(after) = self.retry_after {
            let delay = prost_duration(after);
            details.push(any("google.rpc.RetryInfo", &RetryInfo { retry_delay: Some(delay) }));
        }
        if let Some(field) = self.field {
            let violation = FieldViolation { field: field.to_owned(), description: self.detail.clone() };
            details.push(any("google.rpc.BadRequest", &BadRequest { field_violations: vec![violation] }));
        }
        RpcStatus { code: self.code as i32, message: self.detail.clone(), details }.encode_to_vec().into()
    }
}

/// The fault's kind, beside the answer, to be counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind(pub(crate) &'static str);

/// As HTTP says it: `application/problem+json`.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Problem<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            hint: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after_ms: Option<u64>,
            #[serde(flatten)]
            facts: serde_json::Map<String, serde_json::Value>,
        }
        let retry_after_ms = self.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        let problem = Problem {
            r#type: format!("https://{DOMAIN}/problems/{}", self.kind),
            title: self.http.canonical_reason().unwrap_or("Error"),
            status: self.http.as_u16(),
            detail: &self.detail,
            hint: self.hint,
            field: self.field,
            retry_after_ms,
            facts: self.facts.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into())).collect(),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.retry_after {
            headers.insert(
                RETRY_AFTER,
                after
                    .as_secs_f64()
                    .ceil()
                    .max(1.0)
                    .trunc()
                    .to_string()
                    .parse()
                    .unwrap_or(HeaderValue::from_static("1")),
            );
        }
        if self.http == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let mut answer = (self.http, headers, body).into_response();
        answer.extensions_mut().insert(Kind(self.kind));
        answer
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Fault {
        let text = error.to_string();
        match error {
            CallError::Refused(refusal) => refusal.into(),
            CallError::Overloaded { retry_after } => {
                Fault::new("overloaded", Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS, text)
                    .hint("come back after the time given")
                    .retry(retry_after)
            }
            CallError::Late => Fault::new("late", Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT, text)
                .hint("ask again with the same idempotency key"),
            CallError::Stopped => Fault::new("stopped", Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, text)
                .hint("it comes back in a moment")
                .retry(Duration::from_secs(1)),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        use StatusCode as S;
        let (code, http, hint) = match &refusal {
            Refusal::UnknownQueue { .. } => (Code::NotFound, S::NOT_FOUND, "the queues are listed at /v1/queues"),
            Refusal::AlreadyQueued { .. } => {
                (Code::FailedPrecondition, S::CONFLICT, "watch or cancel that ticket; a player has one at a time")
            }
            Refusal::BadParty => (Code::InvalidArgument, S::BAD_REQUEST, ""),
            Refusal::PartyTooLarge { .. } => (Code::InvalidArgument, S::BAD_REQUEST, ""),
            Refusal::NoOpenGames => (Code::FailedPrecondition, S::CONFLICT, "create a ticket without `open`"),
            Refusal::Full { .. } => (Code::ResourceExhausted, S::TOO_MANY_REQUESTS, ""),
            Refusal::Draining { .. } => (Code::Unavailable, S::SERVICE_UNAVAILABLE, ""),
            Refusal::UnknownTicket => (Code::NotFound, S::NOT_FOUND, "create a new one"),
            Refusal::GameGone => (Code::NotFound, S::NOT_FOUND, "choose another one"),
            Refusal::OwnGame => (Code::FailedPrecondition, S::CONFLICT, "wait for somebody else to join it"),
            Refusal::FutureEvent { .. } => {
                (Code::OutOfRange, S::RANGE_NOT_SATISFIABLE, "begin again after event 0 or the newest")
            }
            Refusal::EventsForgotten { .. } => (Code::OutOfRange, S::GONE, ""),
            Refusal::UnknownMatch => (Code::NotFound, S::NOT_FOUND, ""),
            Refusal::NotYourMatch => (Code::PermissionDenied, S::FORBIDDEN, ""),
            Refusal::SeatGone => (Code::FailedPrecondition, S::CONFLICT, "play again"),
            Refusal::RoomAway { .. } => (Code::Unavailable, S::SERVICE_UNAVAILABLE, ""),
            Refusal::NotWatched => (Code::PermissionDenied, S::FORBIDDEN, "its replay is there when it is over"),
            Refusal::MatchOver => (Code::FailedPrecondition, S::CONFLICT, "watch its replay"),
            Refusal::AudienceFull { .. } => (Code::ResourceExhausted, S::TOO_MANY_REQUESTS, ""),
            Refusal::NotInMatch => {
                (Code::NotFound, S::NOT_FOUND, "the players of a match are listed at /v1/matches/{id}")
            }
            Refusal::UnknownRoom => (Code::NotFound, S::NOT_FOUND, ""),
            Refusal::UnknownFleet { .. } => (Code::NotFound, S::NOT_FOUND, ""),
            Refusal::BadPage => (Code::InvalidArgument, S::BAD_REQUEST, "begin again without a page token"),
            Refusal::Settings(_) => (Code::InvalidArgument, S::BAD_REQUEST, ""),
        };
        let mut detail = refusal.to_string();
        let mut facts = Vec::new();
        match &refusal {
            Refusal::AlreadyQueued { ticket, .. } => facts.push(("ticket_id", ticket.to_string())),
            Refusal::FutureEvent { newest } => facts.push(("newest", newest.to_string())),
            Refusal::EventsForgotten { oldest } => facts.push(("oldest", oldest.to_string())),
            Refusal::Settings(error) => detail = format!("{detail}: {error}"),
            Refusal::UnknownQueue { .. }
            | Refusal::BadParty
            | Refusal::PartyTooLarge { .. }
            | Refusal::NoOpenGames
            | Refusal::Full { .. }
            | Refusal::Draining { .. }
            | Refusal::UnknownTicket
            | Refusal::GameGone
            | Refusal::OwnGame
            | Refusal::UnknownMatch
            | Refusal::NotYourMatch
            | Refusal::SeatGone
            | Refusal::RoomAway { .. }
            | Refusal::NotWatched
            | Refusal::MatchOver
            | Refusal::AudienceFull { .. }
            | Refusal::NotInMatch
            | Refusal::UnknownRoom
            | Refusal::UnknownFleet { .. }
            | Refusal::BadPage => {}
        }
        let retry_after = refusal.retry_after();
        Fault { retry_after, facts, ..Fault::new(refusal.kind(), code, http, detail).hint(hint) }
    }
}

impl From<PlayerError> for Fault {
    fn from(error: PlayerError) -> Fault {
        let text = error.to_string();
        match error {
            PlayerError::UnknownBearer => Fault::unauthenticated("the bearer token is unknown or has expired"),
            PlayerError::Name(_) => Fault { kind: "bad-name", ..Fault::field("name", text) },
            PlayerError::Password(PasswordError::Length) => {
                Fault { kind: "bad-password", ..Fault::field("password", text) }
            }
            PlayerError::Password(PasswordError::TooManyTries { retry_after }) => Fault {
                kind: "too-many-tries",
                ..Fault::too_many("too many tries to log in with this name or from this address", retry_after)
            },
            PlayerError::Password(PasswordError::Busy) | PlayerError::Busy => {
                Fault { kind: "busy", detail: text, ..Fault::too_many("", Duration::from_secs(1)) }
            }
            PlayerError::WrongLogin => Fault::new("wrong-login", Code::Unauthenticated, StatusCode::UNAUTHORIZED, text)
                .hint("log in with the name and tag shown when the password was set, such as Ada#4821"),
            PlayerError::WrongOldPassword => {
                Fault::new("wrong-password", Code::PermissionDenied, StatusCode::FORBIDDEN, text)
                    .hint("send the password in force as `old_password`")
            }
            PlayerError::LoginTaken => {
                Fault::new("login-taken", Code::AlreadyExists, StatusCode::CONFLICT, text).hint("choose another name")
            }
            PlayerError::Store(error) => Fault::internal(&error),
        }
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Status {
        fault.status()
    }
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct BadRequest {
    #[prost(message, repeated, tag = "1")]
    field_violations: Vec<FieldViolation>,
}

#[derive(Clone, PartialEq, Message)]
struct FieldViolation {
    #[prost(string, tag = "1")]
    field: String,
    #[prost(string, tag = "2")]
    description: String,
}

fn any(name: &str, message: &impl Message) -> Any {
    Any { type_url: format!("type.googleapis.com/{name}"), value: message.encode_to_vec() }
}

fn prost_duration(duration: Duration) -> ProtoDuration {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    ProtoDuration { seconds, nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0) }
}
