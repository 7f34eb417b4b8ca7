//! Says no before a socket opens, as problem+json.

use bellhop_proto::tokens::TokenError;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use room_core::AdmitError;

/// Why a request goes no further.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    hint: &'static str,
}

/// When to come back, where coming back makes sense.
const RETRY_SECONDS: u32 = 1;

const FRESH: &str = "Ask for a fresh token with POST /v1/matches/{id}/seat.";

const WATCH: &str = "Try again later: POST /v1/matches/{id}/watch.";

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        detail: impl Into<String>,
        hint: &'static str,
    ) -> Refusal {
        Refusal { status, kind, detail: detail.into(), hint }
    }

    /// A fixed word for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let body = serde_json::json!({
            "type": format!("urn:bellhop:problem:{}", self.kind),
            "title": self.status.canonical_reason().unwrap_or("Refused"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "hint": self.hint,
        });
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::TOO_MANY_REQUESTS || self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        response
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Refusal {
        let kind = match error {
            TokenError::Malformed => "malformed-token",
            TokenError::Foreign => "foreign-token",
            TokenError::Expired => "expired-token",
        };
        Refusal::new(StatusCode::UNAUTHORIZED, kind, sentence(&error), FRESH)
    }
}

impl From<AdmitError> for Refusal {
    fn from(error: AdmitError) -> Refusal {
        let over = "The match is over; GET /v1/matches/{id} has its result.";
        let (status, kind, hint) = match error {
            AdmitError::NoMatch => (StatusCode::NOT_FOUND, "no-match", over),
            AdmitError::OtherMatch => (StatusCode::NOT_FOUND, "other-match", over),
            AdmitError::UnknownSeat { .. } => (StatusCode::NOT_FOUND, "unknown-seat", FRESH),
            AdmitError::OtherPlayer { .. } => (StatusCode::UNAUTHORIZED, "other-player", FRESH),
            AdmitError::Replayed => (StatusCode::CONFLICT, "replayed-token", FRESH),
            AdmitError::Stale => (StatusCode::CONFLICT, "stale-token", FRESH),
            AdmitError::GivenUp { .. } => (StatusCode::CONFLICT, "seat-given-up", "The seat cannot be taken again."),
            AdmitError::NotWatched => (StatusCode::FORBIDDEN, "not-watched", "Its replay is there when it is over."),
            AdmitError::AudienceFull { .. } => (StatusCode::CONFLICT, "audience-full", WATCH),
            AdmitError::Crowd => (StatusCode::TOO_MANY_REQUESTS, "crowd", WATCH),
            AdmitError::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many-tokens", "Use your resume token."),
        };
        Refusal::new(status, kind, sentence(&error), hint)
    }
}

fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => text,
    }
}
