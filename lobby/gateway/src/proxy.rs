//! Carries a request to the lobby, and its answer back.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;

use crate::Settings;
use crate::door::{Connection, Tracked};
use crate::forwarded::{set_forwarded, strip_hop_by_hop};
use crate::metrics::Answer;
use crate::refusal::Refusal;
use crate::serve::Body;

/// Idle HTTP/1.1 connections to the lobby kept for the next request.
const MAX_IDLE: usize = 128;

/// How long an idle one is kept: less than the lobby keeps its end.
const IDLE: Duration = Duration::from_secs(4);

/// Probes of an HTTP/2 connection to the lobby: a frozen lobby is noticed after two of them.
const PROBE: Duration = Duration::from_secs(5);

/// When to ask again after the lobby was not there.
const RETRY_SECONDS: u32 = 1;

/// Where the lobby is and how to get there.
pub(crate) struct Lobby {
    authority: Authority,
    host: HeaderValue,
    http1: Client<HttpConnector, Asked>,
    connect: Duration,
    answer: Duration,
    body: Duration,
    tasks: TaskTracker,
}

impl Lobby {
    pub(crate) fn new(settings: &Settings, tasks: TaskTracker) -> anyhow::Result<Lobby> {
        let uri = &settings.lobby;
        let authority = uri.authority().cloned();
        let authority = authority.filter(|_| uri.scheme() == Some(&Scheme::HTTP) && uri.path() == "/");
        let authority = authority.with_context(|| {
            format!("--lobby {uri} is not of the form http://HOST:PORT (TLS ends before the gateway)")
        })?;
        let connect = Duration::from_millis(settings.connect_timeout_ms);
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(connect));
        let http1 = Client::builder(Tracked(TaskTracker::new()))
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .build(connector);
        Ok(Lobby {
            host: HeaderValue::from_str(authority.as_str()).context("the lobby's host")?,
            authority,
            http1,
            connect,
            answer: Duration::from_millis(settings.answer_timeout_ms),
            body: Duration::from_millis(settings.body_timeout_ms),
            tasks,
        })
    }

    async fn connect(&self) -> Result<SendRequest<Asked>, Refusal> {
        let address = (self.authority.host().trim_matches(['[', ']']), self.authority.port_u16().unwrap_or(80));
        let connecting = tokio::time::timeout(self.connect, TcpStream::connect(address));
        let stream = connecting.await.map_err(|_| away("timed out"))?.map_err(|error| away(&error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| away(&error.to_string()))?;
        let (sender, connection) = http2::Builder::new(Tracked(self.tasks.clone()))
            .timer(TokioTimer::new())
            .keep_alive_interval(PROBE)
            .keep_alive_timeout(PROBE)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| away(&error.to_string()))?;
        self.tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to the lobby ended");
            }
        });
        Ok(sender)
    }
}

/// The lobby's end of one HTTP/2 connection; made when first needed and again when it broke.
#[derive(Default)]
pub(crate) struct Paired(Mutex<Option<SendRequest<Asked>>>);

impl Paired {
    async fn sender(&self, lobby: &Lobby) -> Result<SendRequest<Asked>, Refusal> {
        let mut held = self.0.lock().await;
        match &*held {
            Some(sender) if !sender.is_closed() => Ok(sender.clone()),
            Some(_) | None => Ok(held.insert(lobby.connect().await?).clone()),
        }
    }
}

/// Passes a request on to the lobby.
pub(crate) async fn pass(connection: &Connection, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let lobby = &connection.shared.lobby;
    let two = request.version() == Version::HTTP_2;
    let request = prepare(connection, lobby, request)?;
    let asking = async {
        if two {
            let mut sender = connection.lobby.sender(lobby).await?;
            sender.ready().await.map_err(|error| away(&chain(&error)))?;
            sender.send_request(request).await.map_err(|error| away(&chain(&error)))
        } else {
            lobby.http1.request(request).await.map_err(|error| away(&chain(&error)))
        }
    };
    let mut response = tokio::time::timeout(lobby.answer, asking).await.map_err(|_| {
        Refusal::new(StatusCode::GATEWAY_TIMEOUT, "lobby-slow", "The lobby does not answer")
            .detail("The lobby took the request but did not answer in time.")
            .hint("Look whether it was carried out before you try again.")
            .retry(RETRY_SECONDS)
    })??;
    let class = match response.status().as_u16() {
        0..400 => "ok",
        400..500 => "client_error",
        _ => "server_error",
    };
    connection.shared.metrics.answers.get_or_create(&Answer { class }).inc();
    strip_hop_by_hop(response.headers_mut());
    *response.version_mut() = Version::default();
    Ok(response.map(BodyExt::boxed_unsync))
}

fn prepare(connection: &Connection, lobby: &Lobby, request: Request<Incoming>) -> Result<Request<Asked>, Refusal> {
    let (mut head, body) = request.into_parts();
    let host = asked_host(&head.uri, &head.headers);
    strip_hop_by_hop(&mut head.headers);
    set_forwarded(&mut head.headers, connection.peer, host.clone(), connection.trusted);
    let mut uri = Uri::builder().scheme(Scheme::HTTP).authority(lobby.authority.clone());
    if let Some(path) = head.uri.path_and_query() {
        uri = uri.path_and_query(path.clone());
    }
    head.uri = uri.build().map_err(|_| {
        Refusal::new(StatusCode::BAD_REQUEST, "bad-request", "Not a path").detail("The request's path is malformed.")
    })?;
    if head.version == Version::HTTP_2 {
        head.headers.remove(header::HOST);
    } else {
        head.headers.insert(header::HOST, host.unwrap_or_else(|| lobby.host.clone()));
        head.version = Version::HTTP_11;
    }
    // A call that streams upwards may be silent for long; the lobby gives those a lease of their own.
    let patience = (head.version != Version::HTTP_2).then_some(lobby.body);
    Ok(Request::from_parts(head, Asked::new(body, patience)))
}

fn asked_host(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    match uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => headers.get(header::HOST).cloned(),
    }
}

fn away(reason: &str) -> Refusal {
    tracing::debug!(reason, "the lobby is not reachable");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "lobby-away", "The lobby is away")
        .detail("The lobby cannot be reached just now; it is most likely restarting.")
        .hint("Running games go on. Try again in a second.")
        .retry(RETRY_SECONDS)
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text = format!("{text}: {next}");
        source = next.source();
    }
    text
}

/// The body of a request, whose next piece must come in time.
pub(crate) struct Asked {
    body: Incoming,
    patience: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
}

/// The next piece of a request's body did not come in time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the request's body stalled")]
    Stalled,
    #[error("reading the request's body")]
    Read(#[source] hyper::Error),
}

impl Asked {
    fn new(body: Incoming, patience: Option<Duration>) -> Asked {
        Asked { body, patience, waiting: None }
    }
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Read)));
        }
        let Some(patience) = this.patience else { return Poll::Pending };
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + patience)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Stalled)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
