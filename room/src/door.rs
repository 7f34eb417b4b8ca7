//! The public port of the room: accepts connections, checks the token and upgrades to a game socket.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bellhop_doorway::Full;
use bellhop_proto::tokens::{self, SUBPROTOCOL, TOKEN_PREFIX, TokenError};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::Full as Whole;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use room_core::{Claim, ConnId, WatchClaim};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::Shared;
use crate::outlet::Peer;
use crate::owner::{Opener, ToMatch, unix_ms};
use crate::refusal::Refusal;
use crate::socket;

/// A request head with all its headers; hyper takes no smaller buffer. A token has some 400 bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// After this long without a sign of life, and three unanswered probes, a peer is taken for gone.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Bytes that nobody takes for this long end the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the match thread may take to say whether a seat may be taken.
const ADMIT_WITHIN: Duration = Duration::from_secs(2);

/// Sockets that one seat may open at once; a player behind a bad network tries again and again.
pub(crate) const SEAT_BURST: f64 = 10.0;

/// Sockets that one seat may open per second in the long run.
pub(crate) const SEAT_PER_SECOND: f64 = 1.0;

/// Accepts until the listener is dropped. What was let in is read in `sockets`.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, sockets: Handle) {
    let places = Arc::new(Semaphore::new(shared.settings.max_sockets));
    let full = Full::new("The room holds as many connections as it may.", "Try again in a second.");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let place = Place::taken(Arc::clone(&shared), sockets.clone(), place);
                    shared.tasks.spawn(serve(Arc::new(place), stream));
                }
                Err(_) => {
                    shared.metrics.refuse("connections");
                    full.turn_away(stream, &shared.tasks);
                }
            },
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(place: Arc<Place>, stream: TcpStream) {
    let shared = Arc::clone(&place.shared);
    if prepare(&stream).is_err() {
        return;
    }
    let patience = Duration::from_millis(shared.settings.header_timeout_ms);
    let answer = service_fn(|request| {
        let place = Arc::clone(&place);
        async move { Ok::<_, Infallible>(answer(place, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        shared.metrics.refuse(if error.is_timeout() {
            "header_timeout"
        } else if error.is_parse_too_large() {
            "head_too_large"
        } else {
            "not_http"
        });
        tracing::debug!(%error, "connection ended");
    }
}

/// One of the connections that may be open at once.
struct Place {
    shared: Arc<Shared>,
    /// Where its game socket is to be read.
    sockets: Handle,
    _place: OwnedSemaphorePermit,
}

impl Place {
    fn taken(shared: Arc<Shared>, sockets: Handle, place: OwnedSemaphorePermit) -> Place {
        shared.metrics.connections.inc();
        Place { shared, sockets, _place: place }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.metrics.connections.dec();
    }
}

fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3).with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))
}

async fn answer(place: Arc<Place>, request: Request<Incoming>) -> Response<Whole<Bytes>> {
    let shared = Arc::clone(&place.shared);
    match open(place, request).await {
        Ok(response) => response,
        Err(refusal) => {
            shared.metrics.refuse(refusal.kind());
            refusal.into_response()
        }
    }
}

async fn open(place: Arc<Place>, mut request: Request<Incoming>) -> Result<Response<Whole<Bytes>>, Refusal> {
    let shared = Arc::clone(&place.shared);
    let path = request.uri().path().strip_prefix("/rooms/").ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is nothing but a game socket here.",
            "GET /rooms/<room>",
        )
    })?;
    let identity = shared.identity();
    if identity.room.is_empty() || identity.routing.is_empty() {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-attached",
            "The room is not attached to a lobby yet.",
            "Try again in a second.",
        ));
    }
    if path != identity.room {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "wrong-room",
            "Another room listens here.",
            "Use the address that came with the token.",
        ));
    }
    let key = check_upgrade(&request)?;
    let token = offered(request.headers()).ok_or(TokenError::Malformed)?;
    let opener = open_token(&shared, token)?;
    let tried_often = match &opener {
        Opener::Seat(claim) => !shared.may_try(claim.epoch, claim.seat, Instant::now()),
        Opener::Watch(_) => false, // the match itself counts those
    };
    if tried_often {
        return Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-tries",
            "This seat opens sockets too often.",
            "Wait a second between tries.",
        ));
    }
    let conn = admit(&shared, opener).await?;
    let upgraded = hyper::upgrade::on(&mut request);
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let opened = match upgraded.await {
            Ok(upgraded) => upgraded.downcast::<TokioIo<TcpStream>>().ok(),
            Err(_) => None,
        };
        let sockets = place.sockets.clone();
        let opened = opened.and_then(|parts| Some((moved(parts.io.into_inner(), &sockets).ok()?, parts.read_buf)));
        let Some(((peer, stream), early)) = opened else { return tell(&shared, ToMatch::Gone { conn }) };
        tell(&shared, ToMatch::Opened { conn, peer: Arc::clone(&peer) });
        let reader = async move {
            socket::read(&place.shared, conn, peer, stream, early).await;
        };
        shared.readers.spawn_on(reader, &sockets);
    });
    let mut response = Response::new(Whole::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

/// The same socket in another runtime.
fn moved(stream: TcpStream, to: &Handle) -> std::io::Result<(Arc<Peer>, OwnedReadHalf)> {
    let stream = stream.into_std()?;
    let _there = to.enter();
    Peer::new(TcpStream::from_std(stream)?)
}

/// What the peer is asked to prove it speaks WebSocket with.
fn check_upgrade(request: &Request<Incoming>) -> Result<HeaderValue, Refusal> {
    let headers = request.headers();
    let has = |name: HeaderName, word: &str| words(headers, name).any(|part| part.eq_ignore_ascii_case(word));
    let fits = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has(header::UPGRADE, "websocket")
        && has(header::CONNECTION, "upgrade")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
        && words(headers, header::SEC_WEBSOCKET_PROTOCOL).any(|part| part == SUBPROTOCOL);
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| fits).cloned().ok_or_else(|| {
        Refusal::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade-required",
            "This is a game socket: WebSocket 13 over HTTP/1.1 with the subprotocol bellhop.v1.",
            "Open it with `new WebSocket(url, [\"bellhop.v1\", \"bellhop.token.<token>\"])`.",
        )
    })
}

fn words(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn offered(headers: &HeaderMap) -> Option<&str> {
    words(headers, header::SEC_WEBSOCKET_PROTOCOL).find_map(|part| part.strip_prefix(TOKEN_PREFIX))
}

/// A token opens a seat, or lets somebody watch.
fn open_token(shared: &Shared, token: &str) -> Result<Opener, TokenError> {
    let now_ms = unix_ms();
    match tokens::open_seat(&shared.key, token, now_ms) {
        Ok(claim) => Ok(Opener::Seat(Claim {
            epoch: claim.epoch,
            match_id: claim.match_id,
            player: claim.player_id,
            seat: claim.seat,
            nonce: claim.nonce,
            resume: claim.resume,
        })),
        Err(TokenError::Foreign) => {
            let claim = tokens::open_watch(&shared.key, token, now_ms)?;
            let tokens::WatchClaim { epoch, match_id, viewer_id, nonce, .. } = claim;
            Ok(Opener::Watch(WatchClaim { epoch, match_id, viewer: viewer_id, nonce }))
        }
        Err(error @ (TokenError::Malformed | TokenError::Expired)) => Err(error),
    }
}

async fn admit(shared: &Shared, claim: Opener) -> Result<ConnId, Refusal> {
    let busy = || {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "The room has no time for you just now.",
            "Your seat is held. Try again in a second.",
        )
    };
    let (reply, answer) = oneshot::channel();
    shared.inbox.push(ToMatch::Admit { claim, reply }, true).map_err(|_| busy())?;
    match tokio::time::timeout(ADMIT_WITHIN, answer).await {
        Ok(Ok(admitted)) => Ok(admitted?),
        Ok(Err(_)) | Err(_) => Err(busy()),
    }
}

/// News of a socket; where the inbox is full the core finds out by itself that the socket says nothing.
fn tell(shared: &Shared, news: ToMatch) {
    if shared.inbox.push(news, true).is_err() {
        shared.metrics.inbox_full.inc();
    }
}
