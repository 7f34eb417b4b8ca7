//! Carries a game socket: the upgrade to the room, then bytes both ways.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bellhop_proto::tokens::{SUBPROTOCOL, TOKEN_PREFIX, TokenError};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::Shared;
use crate::door::Connection;
use crate::forwarded::set_forwarded;
use crate::prefixed::Prefixed;
use crate::refusal::Refusal;
use crate::serve::{Body, whole};

/// For each direction. Frames have 10 to 200 bytes; a keyframe has less than this.
const BUFFER_BYTES: usize = 4 * 1024;

/// What the kernel may hold per direction: state that waits here is old state.
const KERNEL_BYTES: usize = 16 * 1024;

/// Unsent bytes above which the socket counts as full, so that a slow player is noticed by the room.
const NOT_SENT_BYTES: u32 = 4 * 1024;

/// After the player said his last byte, the room gets this long for its own.
const PLAYER_CLOSED: Duration = Duration::from_secs(10);

/// After the room said its last byte, nobody reads what the player still says.
const ROOM_CLOSED: Duration = Duration::from_secs(2);

/// When to come back to a room that could not be reached.
const RETRY_SECONDS: u32 = 1;

/// What a room is told of the request.
const CARRIED: [HeaderName; 7] = [
    header::HOST,
    header::ORIGIN,
    header::USER_AGENT,
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_VERSION,
    HeaderName::from_static("x-request-id"),
];

/// Opens a game socket to the room that the token names.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    room: &str,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    check_upgrade(&request)?;
    let address = route(&connection.shared, room, request.headers())?;
    let stream = connect(&connection.shared, &address).await?;

    let (mut sender, carrying) = http1::Builder::new()
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(&error.to_string()))?;
    connection.shared.tasks.spawn(async move {
        if let Err(error) = carrying.with_upgrades().await {
            tracing::debug!(%error, "connection to a room ended before its upgrade");
        }
    });

    let asked = upgrade_request(connection, room, request.headers());
    let patience = Duration::from_millis(connection.shared.settings.answer_timeout_ms);
    let answered = tokio::time::timeout(patience, sender.send_request(asked)).await;
    let mut answered =
        answered.map_err(|_| unreachable("no answer in time"))?.map_err(|error| unreachable(&error.to_string()))?;
    if answered.status() != StatusCode::SWITCHING_PROTOCOLS {
        crate::forwarded::strip_hop_by_hop(answered.headers_mut());
        return Ok(answered.map(BodyExt::boxed_unsync));
    }

    let player = hyper::upgrade::on(&mut request);
    let behind = hyper::upgrade::on(&mut answered);
    let held = Arc::clone(connection);
    connection.shared.tasks.spawn(async move {
        let metrics = &held.shared.metrics;
        metrics.relays_opened.inc();
        metrics.relays.inc();
        match tokio::try_join!(player, behind) {
            Ok((player, behind)) => {
                if let Err(error) = carry(&held.shared, player, behind).await {
                    tracing::debug!(%error, "game socket broke");
                }
            }
            Err(error) => tracing::debug!(%error, "game socket was not opened"),
        }
        metrics.relays.dec();
    });
    Ok(answered.map(|_| whole("")))
}

fn check_upgrade(request: &Request<Incoming>) -> Result<(), Refusal> {
    let has = |name: HeaderName, word: &str| {
        let values = request.headers().get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let is_upgrade = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has(header::UPGRADE, "websocket")
        && has(header::CONNECTION, "upgrade")
        && request.headers().contains_key(header::SEC_WEBSOCKET_KEY);
    if is_upgrade {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, "upgrade-required", "This is a game socket")
        .detail("A room is reached by WebSocket over HTTP/1.1 only.")
        .hint("Open it with `new WebSocket(url, [\"bellhop.v1\", \"bellhop.token.<token>\"])`."))
}

/// Where the room is. The token must name the room that the path names.
fn route(shared: &Shared, room: &str, headers: &HeaderMap) -> Result<String, Refusal> {
    let token = token(headers).ok_or_else(|| refused(TokenError::Malformed))?;
    let opened = shared.key.open(token).ok_or_else(|| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "starting", "Just starting")
            .detail("The gateway has no key yet; the lobby makes it at its first start.")
            .hint("Try again in a second.")
            .retry(RETRY_SECONDS)
    })?;
    let routing = opened.map_err(refused)?;
    if routing.room != room {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "wrong-room", "Not that room")
            .detail("The token opens a seat in another room than the path names.")
            .hint("Use the address that came with the token."));
    }
    Ok(routing.address)
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|part| part.trim().strip_prefix(TOKEN_PREFIX))
}

fn refused(error: TokenError) -> Refusal {
    let (kind, detail) = match error {
        TokenError::Malformed => ("malformed-token", "The seat token is missing or malformed."),
        TokenError::Foreign => ("foreign-token", "The seat token was not made for this door."),
        TokenError::Expired => ("expired-token", "The seat token has expired."),
    };
    Refusal::new(StatusCode::UNAUTHORIZED, kind, "This token opens no seat")
        .detail(detail)
        .hint("Send it as the subprotocol `bellhop.token.<token>`; fetch a fresh one with POST /v1/matches/{id}/seat.")
}

async fn connect(shared: &Shared, address: &str) -> Result<TcpStream, Refusal> {
    let patience = Duration::from_millis(shared.settings.connect_timeout_ms);
    match tokio::time::timeout(patience, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => {
            prepare(&stream).map_err(|error| unreachable(&error.to_string()))?;
            Ok(stream)
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a room refused the connection");
            Err(Refusal::new(StatusCode::BAD_GATEWAY, "room-gone", "The room is gone")
                .detail("Nobody listens where the room was.")
                .hint("Ask for your seat again with POST /v1/matches/{id}/seat; the match may have moved or ended.")
                .retry(RETRY_SECONDS))
        }
        Err(_) => Err(unreachable("connecting timed out")),
    }
}

fn unreachable(reason: &str) -> Refusal {
    tracing::debug!(reason, "a room is not reachable");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "room-unreachable", "The room does not answer")
        .detail("The room could not be reached in time.")
        .hint("Your seat is held. Try again in a second.")
        .retry(RETRY_SECONDS)
}

fn upgrade_request(connection: &Connection, room: &str, asked: &HeaderMap) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    // The path matched a sealed room id, so it is a path.
    *request.uri_mut() = format!("/rooms/{room}").parse().unwrap_or_default();
    let headers = request.headers_mut();
    for name in CARRIED {
        for value in asked.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    set_forwarded(headers, connection.peer, asked.get(header::HOST).cloned(), connection.trusted);
    debug_assert!(SUBPROTOCOL.len() < BUFFER_BYTES);
    request
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_send_buffer_size(KERNEL_BYTES)?;
    socket.set_recv_buffer_size(KERNEL_BYTES)?;
    socket.set_tcp_notsent_lowat(NOT_SENT_BYTES)
}

async fn carry(shared: &Shared, player: Upgraded, room: Upgraded) -> io::Result<()> {
    let broken = || io::Error::other("the upgrade did not give back the socket");
    let player = player.downcast::<TokioIo<Prefixed>>().map_err(|_| broken())?;
    let room = room.downcast::<TokioIo<TcpStream>>().map_err(|_| broken())?;
    let (mut player_stream, first) = player.io.into_inner().into_parts();
    let mut room_stream = room.io.into_inner();
    prepare(&player_stream)?;
    let (player_reads, mut player_writes) = player_stream.split();
    let (room_reads, mut room_writes) = room_stream.split();

    let up = async {
        room_writes.write_all(&first).await?;
        room_writes.write_all(&player.read_buf).await?;
        copy(player_reads, room_writes).await
    };
    let down = async {
        player_writes.write_all(&room.read_buf).await?;
        copy(room_reads, player_writes).await
    };
    tokio::pin!(up, down);
    // One direction that ended leaves the other its last words; one that broke takes the other along.
    let (up, down) = tokio::select! {
        up = &mut up => (up?, tokio::time::timeout(PLAYER_CLOSED, down).await.unwrap_or(Ok(0))?),
        down = &mut down => (tokio::time::timeout(ROOM_CLOSED, up).await.unwrap_or(Ok(0))?, down?),
    };
    shared.metrics.relayed_up.inc_by(up);
    shared.metrics.relayed_down.inc_by(down);
    Ok(())
}

async fn copy<R, W>(from: R, mut to: W) -> io::Result<u64>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut from = BufReader::with_capacity(BUFFER_BYTES, from);
    let copied = tokio::io::copy_buf(&mut from, &mut to).await?;
    to.shutdown().await?;
    Ok(copied)
}
