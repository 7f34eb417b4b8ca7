//! Health and metrics, on a port of their own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::Shared;

/// A few probes and scrapers.
const MAX_CONNECTIONS: usize = 16;

/// For a request head, and for the next one on the same connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let asked = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            let answer = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&asked, &request))));
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), answer)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "private connection ended");
            }
            drop(place);
        });
    }
}

fn answer(shared: &Shared, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let state = shared.board.read().clone();
    let unready = if state.ended.is_some() {
        Some("the match thread has ended\n")
    } else if state.draining {
        Some("draining\n")
    } else if shared.identity().routing.is_empty() {
        Some("not attached to a lobby yet\n")
    } else {
        None
    };
    let plain = "text/plain";
    let (status, kind, text) = match (request.uri().path(), unready) {
        ("/livez", _) if state.ended.is_some() => {
            (StatusCode::SERVICE_UNAVAILABLE, plain, "the match thread has ended\n".to_owned())
        }
        ("/livez", _) | ("/readyz", None) => (StatusCode::OK, plain, "ok\n".to_owned()),
        ("/readyz", Some(reason)) => (StatusCode::SERVICE_UNAVAILABLE, plain, reason.to_owned()),
        ("/metrics", _) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (StatusCode::OK, kind, shared.metrics.text(&state, shared.settings.max_sockets))
        }
        (_, _) => (StatusCode::NOT_FOUND, plain, "there are /livez, /readyz and /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
