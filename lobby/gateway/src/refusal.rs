//! Says no, in the form the asker understands: problem+json, a page for people, or a gRPC status.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};

use crate::serve::{Body, whole};

/// gRPC's UNAVAILABLE: the call was not made, and may be made again.
const UNAVAILABLE: u8 = 14;

/// Shown in place of a page while the lobby is away. It asks again by itself.
const BACK_IN_A_MOMENT: &str = include_str!("back-in-a-moment.html");

/// Who asks, as far as the form of a refusal goes.
#[derive(Debug, Clone)]
pub(crate) enum Asker {
    /// A program that reads problem+json.
    Program,
    /// A browser that loads a page.
    Person,
    /// A gRPC or gRPC-Web client, with its content type.
    Grpc(HeaderValue),
}

impl Asker {
    pub(crate) fn of<B>(request: &Request<B>) -> Asker {
        let headers = request.headers();
        match grpc(headers) {
            Some(content_type) => Asker::Grpc(content_type.clone()),
            None if request.method() == Method::GET && wants_page(headers) => Asker::Person,
            None => Asker::Program,
        }
    }
}

fn grpc(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(header::CONTENT_TYPE).filter(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.split(',').any(|part| part.trim().starts_with("text/html")))
}

/// Why a request goes no further.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    hint: &'static str,
    retry_seconds: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Refusal {
        Refusal { status, kind, title, detail: String::new(), hint: "", retry_seconds: None }
    }

    pub(crate) fn detail(self, detail: impl Into<String>) -> Refusal {
        Refusal { detail: detail.into(), ..self }
    }

    pub(crate) fn hint(self, hint: &'static str) -> Refusal {
        Refusal { hint, ..self }
    }

    /// Come back in so many seconds.
    pub(crate) fn retry(self, seconds: u32) -> Refusal {
        Refusal { retry_seconds: Some(seconds), ..self }
    }

    /// A fixed word for metrics.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) fn into_response(self, asker: Asker) -> Response<Body> {
        let mut response = match asker {
            Asker::Grpc(content_type) => self.grpc(content_type),
            Asker::Person if self.status == StatusCode::SERVICE_UNAVAILABLE => self.page(),
            Asker::Person | Asker::Program => self.problem(),
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn problem(&self) -> Response<Body> {
        let body = serde_json::json!({
            "type": format!("urn:bellhop:problem:{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "hint": self.hint,
        });
        let mut response = Response::new(whole(body.to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }

    fn page(&self) -> Response<Body> {
        let mut response = Response::new(whole(BACK_IN_A_MOMENT));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
            ),
        );
        response
    }

    /// A response of trailers only. Says when to come back in the two ways that clients know.
    fn grpc(&self, content_type: HeaderValue) -> Response<Body> {
        let code = match self.status {
            StatusCode::UNAUTHORIZED => 16,
            StatusCode::NOT_FOUND => 5,
            StatusCode::BAD_REQUEST => 3,
            StatusCode::GATEWAY_TIMEOUT => 4,
            _ => UNAVAILABLE,
        };
        let message = format!("{} {}", self.detail, self.hint);
        let mut response = Response::new(whole(""));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert("grpc-status", HeaderValue::from(u16::from(code)));
        if let Ok(message) = HeaderValue::from_str(message.trim()) {
            headers.insert("grpc-message", message);
        }
        if let Some(seconds) = self.retry_seconds {
            headers.insert("grpc-retry-pushback-ms", HeaderValue::from(seconds * 1_000));
            let details = BASE64_STANDARD_NO_PAD.encode(retry_details(code, message.trim(), seconds));
            if let Ok(details) = HeaderValue::from_str(&details) {
                headers.insert("grpc-status-details-bin", details);
            }
        }
        response
    }
}

/// A `google.rpc.Status` that carries one `google.rpc.RetryInfo`.
fn retry_details(code: u8, message: &str, seconds: u32) -> Vec<u8> {
    let duration = number(1, seconds);
    let retry_info = field(1, &duration);
    let any = [field(1, b"type.googleapis.com/google.rpc.RetryInfo"), field(2, &retry_info)].concat();
    [number(1, u32::from(code)), field(2, message.as_bytes()), field(3, &any)].concat()
}

fn number(tag: u8, value: u32) -> Vec<u8> {
    let mut bytes = vec![tag << 3];
    varint(&mut bytes, value);
    bytes
}

fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag << 3 | 2];
    varint(&mut bytes, content.len() as u32);
    bytes.extend_from_slice(content);
    bytes
}

fn varint(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "lobby-away", "The lobby is away").detail("Away.").retry(1)
    }

    #[track_caller]
    fn check(accept: &'static str, content_type: &'static str, status: u16, answered: &str) {
        let request = Request::get("/")
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, content_type)
            .body(())
            .unwrap();
        let response = refusal().into_response(Asker::of(&request));
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()[header::CONTENT_TYPE], answered);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn each_asker_gets_his_form() {
        check("*/*", "application/json", 503, "application/problem+json");
        check("text/html,application/xhtml+xml", "", 503, "text/html; charset=utf-8");
        check("*/*", "application/grpc", 200, "application/grpc");
        check("text/html", "application/grpc-web+proto", 200, "application/grpc-web+proto");
    }

    #[test]
    fn a_grpc_client_learns_when_to_come_back() {
        let details = retry_details(UNAVAILABLE, "away", 1);
        let expected =
            b"\x08\x0e\x12\x04away\x1a\x30\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x01";
        assert_eq!(details, expected);
    }
}
