//! Everything that is not gRPC: JSON, events, page, bundles.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Method, StatusCode, Uri};
use tower_http::compression::CompressionLayer;

use super::desk::Desk;
use super::fault::{Fault, Kind};
use super::{docs, files, json};
use crate::rooms::bundles::Bundles;

/// Largest body that is taken in: the largest is a password.
const BODY_BYTES: usize = 16 << 10;
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The routes.
pub(crate) fn router(desk: Arc<Desk>, page: Option<PathBuf>, bundles: Arc<Bundles>) -> Router {
    let calls = Router::new()
        .route("/v1/guests", post(json::create_guest))
        .route("/v1/sessions", post(json::log_in))
        .route("/v1/sessions/current", delete(json::log_out))
        .route("/v1/players/me", get(json::me))
        .route("/v1/players/me/matches", get(json::my_matches))
        .route("/v1/players/me/name", put(json::set_name))
        .route("/v1/players/me/password", put(json::set_password))
        .route("/v1/queues", get(json::queues))
        .route("/v1/tickets", post(json::create_ticket))
        .route("/v1/tickets/{ticket_id}", get(json::ticket).delete(json::cancel))
        .route("/v1/tickets/{ticket_id}/events", get(json::events))
        .route("/v1/open-games", get(json::list_open_games))
        .route("/v1/open-games/events", get(json::open_game_events))
        .route("/v1/open-games/{ticket_id}/join", post(json::join))
        .route("/v1/watchable", get(json::list_watchable))
        .route("/v1/matches/{match_id}", get(json::get_match))
        .route("/v1/matches/{match_id}/seat", post(json::seat))
        .route("/v1/matches/{match_id}/watch", post(json::watch_match))
        .route("/v1/matches/{match_id}/replay", get(json::replay))
        .method_not_allowed_fallback(|| async { Fault::no_such_method() })
        .with_state(desk.clone())
        .layer(middleware::map_response(never_kept));
    let page = page.map(Arc::new);
    Router::new()
        .merge(calls)
        .route("/openapi.json", get(docs::openapi_json))
        .route("/docs", get(docs::page))
        .route("/games/{hash}/{*path}", get(bundle).with_state(bundles))
        .fallback(move |method: Method, uri: Uri, headers: HeaderMap| async move {
            match page {
                Some(root) => files::page(&root, &method, uri.path(), &headers).await,
                None if uri.path() == "/" => no_page().into_response(),
                None => Fault::no_such_path().into_response(),
            }
        })
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(desk, finish))
}

async fn bundle(
    State(bundles): State<Arc<Bundles>>,
    Path((hash, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    files::bundle(bundles.file(&hash, &path), &headers).await
}

fn no_page() -> impl IntoResponse {
    (StatusCode::OK, Json(serde_json::json!({ "bellhop": "lobby", "docs": "/docs", "page": "start with --page DIR" })))
}

/// What is about a player is kept by nobody on the way.
async fn never_kept(mut answer: Response) -> Response {
    answer.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// Counts refusals, and says to browsers what they must not do.
async fn finish(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    if let Some(Kind(kind)) = answer.extensions().get() {
        desk.metrics.refused(kind);
    }
    let headers = answer.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    answer
}
