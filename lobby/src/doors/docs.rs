//! The JSON doors described: /openapi.json, and /docs for people, without a script.

use std::fmt::Write;

use axum::response::{Html, IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::Value;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::json;

#[derive(OpenApi)]
#[openapi(
    info(title = "Bellhop", description = "The lobby's doors for players, as JSON. The same calls are there as gRPC and gRPC-Web (package bellhop.v1, with reflection). Refusals are application/problem+json."),
    paths(
        json::create_guest, json::log_in, json::log_out, json::me, json::set_name, json::set_password, json::queues,
        json::create_ticket, json::ticket, json::cancel, json::events, json::list_open_games, json::open_game_events,
        json::join, json::get_match, json::seat, json::watch_match, json::list_watchable, json::replay,
        json::my_matches,
    ),
    modifiers(&Bearer),
)]
struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        api.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The description for machines.
pub(crate) fn openapi() -> String {
    Api::openapi().to_json().unwrap_or_default()
}

pub(crate) async fn openapi_json() -> Response {
    ([(CONTENT_TYPE, "application/json")], openapi()).into_response()
}

/// The description for people.
pub(crate) async fn page() -> Response {
    let api: Value = serde_json::from_str(&openapi()).unwrap_or_default();
    let mut answer = Html(render(&api)).into_response();
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    );
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    answer
}

fn render(api: &Value) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Bellhop: the JSON doors</title><style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;\
         padding:0 1rem;color-scheme:light dark}code{font-size:.95em}h3{margin:1.6rem 0 .2rem}b{display:inline-block;\
         min-width:4.5em}table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top}\
         .lock{opacity:.7;font-size:.85em}</style><h1>Bellhop</h1>",
    );
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    let _ = write!(html, "<p>{} <a href=/openapi.json>openapi.json</a></p>", text(&api["info"]["description"]));
    for (path, calls) in api["paths"].as_object().into_iter().flatten() {
        for (method, call) in calls.as_object().into_iter().flatten() {
            let lock = if call["security"].is_array() { "<span class=lock>with a bearer token</span>" } else { "" };
            let _ = write!(html, "<h3><code><b>{}</b> {}</code> {lock}</h3>", method.to_uppercase(), escape(path));
            let _ = write!(html, "<p>{} {}</p><table>", text(&call["summary"]), text(&call["description"]));
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                row(&mut html, &text(&parameter["in"]), &text(&parameter["name"]), &text(&parameter["description"]));
            }
            fields(&mut html, api, "body", &call["requestBody"]["content"]["application/json"]["schema"]);
            fields(&mut html, api, "answer", &call["responses"]["200"]["content"]["application/json"]["schema"]);
            html.push_str("</table>");
        }
    }
    html
}

fn fields(html: &mut String, api: &Value, place: &str, schema: &Value) {
    let Some(name) = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next()) else { return };
    for (field, about) in api["components"]["schemas"][name]["properties"].as_object().into_iter().flatten() {
        row(html, place, &escape(field), &escape(about["description"].as_str().unwrap_or_default()));
    }
}

fn row(html: &mut String, place: &str, name: &str, about: &str) {
    let _ = write!(html, "<tr><td>{place}<td><code>{name}</code><td>{about}");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_described() {
        let api: Value = serde_json::from_str(&openapi()).unwrap();
        assert_eq!(api["paths"].as_object().unwrap().len(), 19);
        assert!(api["paths"]["/v1/tickets"]["post"]["security"].is_array());
        let page = render(&api);
        for word in ["/v1/tickets/{ticket_id}/events", "Last-Event-ID", "idempotency_key", "already_matched"] {
            assert!(page.contains(word), "{word}");
        }
        assert!(!page.contains("<script"));
    }
}
