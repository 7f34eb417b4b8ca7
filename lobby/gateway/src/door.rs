//! Accepts connections, and sees to it that one which says nothing does not stay.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::prefixed::{Prefixed, Protocol};
use crate::{Shared, proxy, serve};

/// A request head with all its headers. A seat token has some 400 bytes, a browser sends 1-2 KiB.
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Requests at once on one HTTP/2 connection: a bot driver keeps a watch stream per player on it.
const MAX_STREAMS: u32 = 1_024;

/// After this long without a sign of life, and three unanswered probes, a peer is taken for gone.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Bytes that nobody takes for this long end the connection.
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// After an error of `accept` (no file descriptors left), before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Counts connections, in all and per address.
pub(crate) struct Caps {
    most: usize,
    most_per_ip: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_ip: BTreeMap<IpAddr, usize>,
}

impl Caps {
    pub(crate) fn new(most: usize, most_per_ip: usize) -> Caps {
        Caps { most, most_per_ip, open: Mutex::default() }
    }

    fn enter(&self, address: IpAddr, trusted: bool) -> Result<IpAddr, &'static str> {
        let address = household(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.most {
            return Err("connections");
        }
        let here = open.by_ip.entry(address).or_default();
        if *here >= self.most_per_ip && !trusted {
            return Err("connections_per_ip");
        }
        *here += 1;
        open.all += 1;
        Ok(address)
    }

    fn leave(&self, address: IpAddr) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if let Some(here) = open.by_ip.get_mut(&address) {
            *here -= 1;
            if *here == 0 {
                open.by_ip.remove(&address);
            }
        }
    }
}

/// One IPv6 household has a /64, so that is what counts as one address.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// One connection: what its requests need to know of it. It counts as open until the last of them lets go.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: IpAddr,
    pub(crate) trusted: bool,
    /// The lobby's end of this connection, where it speaks HTTP/2: one for one, so that a slow one slows nobody else.
    pub(crate) lobby: proxy::Paired,
    asked: AtomicBool,
    household: IpAddr,
}

impl Connection {
    /// Notes that a request came.
    pub(crate) fn asked(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.caps.leave(self.household);
        self.shared.metrics.connections.dec();
    }
}

/// Accepts until the gateway stops.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(&shared, stream, peer),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                shared.metrics.refuse("accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn admit(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let trusted = shared.settings.trusts(peer.ip());
    match shared.caps.enter(peer.ip(), trusted) {
        Ok(household) => {
            shared.metrics.connections.inc();
            let connection = Arc::new(Connection {
                shared: Arc::clone(shared),
                peer: peer.ip(),
                trusted,
                lobby: proxy::Paired::default(),
                asked: AtomicBool::new(false),
                household,
            });
            shared.tasks.spawn(serve(connection, stream));
        }
        Err(reason) => {
            shared.metrics.refuse(reason);
            tracing::debug!(%peer, reason, "connection refused");
            shared.full.turn_away(stream, &shared.tasks);
        }
    }
}

async fn serve(connection: Arc<Connection>, stream: TcpStream) {
    let shared = Arc::clone(&connection.shared);
    let patience = Duration::from_millis(shared.settings.header_timeout_ms);
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "could not prepare a socket");
        return;
    }
    let detected = tokio::select! {
        () = shared.stop.cancelled() => return,
        detected = tokio::time::timeout(patience, Prefixed::detect(stream)) => detected,
    };
    let (io, protocol) = match detected {
        Ok(Ok(Some(found))) => found,
        Ok(Ok(None) | Err(_)) => return,
        Err(_) => return shared.metrics.refuse("first_byte_timeout"),
    };
    match protocol {
        Protocol::Http1 => serve_http1(connection, io, patience).await,
        Protocol::Http2 => serve_http2(connection, io, patience).await,
    }
}

async fn serve_http1(connection: Arc<Connection>, io: Prefixed, patience: Duration) {
    let shared = Arc::clone(&connection.shared);
    let answer = service_fn(move |request| serve::answer(Arc::clone(&connection), request));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(2 * MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(io), answer)
        .with_upgrades();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = shared.stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    note(&shared, served);
}

async fn serve_http2(connection: Arc<Connection>, io: Prefixed, patience: Duration) {
    let shared = Arc::clone(&connection.shared);
    let asking = Arc::downgrade(&connection);
    let answer = service_fn(move |request| serve::answer(Arc::clone(&connection), request));
    let serving = http2::Builder::new(Tracked(shared.tasks.clone()))
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .serve_connection(TokioIo::new(io), answer);
    tokio::pin!(serving);
    // hyper answers the preface and then waits for ever: no request in time, no connection.
    let silent = async {
        tokio::time::sleep(patience).await;
        if asking.upgrade().is_some_and(|connection| connection.asked.load(Ordering::Relaxed)) {
            std::future::pending::<()>().await;
        }
    };
    let served = tokio::select! {
        served = &mut serving => served,
        () = silent => return shared.metrics.refuse("preface_timeout"),
        () = shared.stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    note(&shared, served);
}

fn note(shared: &Shared, served: hyper::Result<()>) {
    if let Err(error) = served {
        if error.is_timeout() {
            shared.metrics.refuse("header_timeout");
        } else if error.is_parse_too_large() {
            shared.metrics.refuse("head_too_large");
        } else if error.is_parse() {
            shared.metrics.refuse("not_http");
        }
        tracing::debug!(%error, "connection ended");
    }
}

fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3).with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))
}

/// Runs hyper's tasks where they are counted.
#[derive(Clone)]
pub(crate) struct Tracked(pub(crate) TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            task.await;
        });
        self.0.spawn(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_hold_per_household_and_in_all() {
        let caps = Caps::new(3, 2);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = caps.enter(at("fd00::1"), false).unwrap();
        caps.enter(at("fd00::2"), false).unwrap();
        assert_eq!(caps.enter(at("fd00::3"), false), Err("connections_per_ip"));
        caps.enter(at("fd00::3"), true).unwrap();
        assert_eq!(caps.enter(at("10.0.0.1"), false), Err("connections"));
        caps.leave(first);
        caps.enter(at("10.0.0.1"), false).unwrap();
    }
}
