//! The private port: health and metrics, on a port of their own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Connections of probes and scrapers.
const MAX_CONNECTIONS: usize = 64;

/// For a request head, and for the next one on the same connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// After an error of `accept` (no file descriptors left), before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An answer to one of the few questions there are.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    kind: &'static str,
    text: String,
}

impl Answer {
    /// All is well.
    pub fn ok() -> Answer {
        Answer::plain(StatusCode::OK, "ok")
    }

    /// It is not, for this reason.
    pub fn unwell(reason: &str) -> Answer {
        Answer::plain(StatusCode::SERVICE_UNAVAILABLE, reason)
    }

    /// Metrics, as OpenMetrics text.
    pub fn metrics(text: String) -> Answer {
        Answer { status: StatusCode::OK, kind: "application/openmetrics-text; version=1.0.0; charset=utf-8", text }
    }

    /// There is nothing else.
    pub fn not_found() -> Answer {
        Answer::plain(StatusCode::NOT_FOUND, "there are /livez, /readyz and /metrics")
    }

    fn plain(status: StatusCode, text: &str) -> Answer {
        Answer { status, kind: "text/plain", text: format!("{text}\n") }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.text));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        response
    }
}

/// Answers what is asked for by its path, until it is dropped.
pub async fn serve(listener: TcpListener, tasks: TaskTracker, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let answer = Arc::new(answer);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let answer = Arc::clone(&answer);
        tasks.spawn(async move {
            let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
                std::future::ready(Ok::<_, Infallible>(answer(request.uri().path()).into_response()))
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "private connection ended");
            }
            drop(place);
        });
    }
}
