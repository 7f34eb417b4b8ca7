//! The listener of both ports: own accept loop, because what is slow here costs everybody.
//!
//! A connection has to send its first byte, and what follows it up to a whole request head, within a time of its own:
//! hyper's timeouts begin only when it knows which HTTP it speaks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::metrics::Metrics;

/// Open connections of one port.
const CONNECTIONS: usize = 16_384;
/// Open connections of one address that is no proxy of ours: a household, a school.
const PER_ADDRESS: u32 = 256;
/// Longest head of a request.
const HEAD_BYTES: usize = 16 << 10;
/// Calls and streams at once on one HTTP/2 connection: a gateway carries all its players over a few.
const STREAMS: u32 = 32_768;
/// HTTP/2 pings on a silent connection, and how long the answer may take.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// What answers requests.
pub(crate) trait Serve: Clone + Send + Sync + 'static {
    /// Answers one request from this peer.
    fn serve(
        self,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<axum::body::Body>> + Send + 'static;
}

/// A port.
pub(crate) struct Listener<S> {
    pub(crate) socket: TcpListener,
    pub(crate) serve: S,
    /// Whose connections are not counted per address.
    pub(crate) trusts: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    pub(crate) metrics: Arc<Metrics>,
    /// A first byte, then the whole HTTP/2 preface or HTTP/1 head, within this.
    pub(crate) head_within: Duration,
    /// How long open calls may go on after the stop.
    pub(crate) drain: Duration,
}

/// Opens a port.
///
/// # Errors
/// One sentence that names the port and the flag.
pub(crate) async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on {address}: stop what listens there, or choose another with {flag}"))
}

impl<S: Serve> Listener<S> {
    /// Serves until told to stop, and then what is open, for a while.
    pub(crate) async fn run(self, stop: CancellationToken) -> Result<()> {
        let open = Arc::new(Semaphore::new(CONNECTIONS));
        let addresses = Arc::new(PerAddress::default());
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: connections that end give some back.
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let peer = peer.ip().to_canonical();
            let Ok(place) = open.clone().try_acquire_owned() else {
                self.metrics.connections_refused.get_or_create(&[("why", "full")]).inc();
                continue;
            };
            let Some(counted) = addresses.clone().count(peer, (self.trusts)(peer)) else {
                self.metrics.connections_refused.get_or_create(&[("why", "address")]).inc();
                continue;
            };
            let (serve, metrics, stop) = (self.serve.clone(), self.metrics.clone(), stop.clone());
            let head_within = self.head_within;
            tasks.spawn(async move {
                let _held = (place, counted);
                metrics.connections.inc();
                if let Err(error) = connection(stream, peer, serve, &metrics, head_within, stop).await {
                    debug!(%error, "connection ended");
                }
                metrics.connections.dec();
            });
        }
        drop(self.socket);
        tasks.close();
        if tokio::time::timeout(self.drain, tasks.wait()).await.is_err() {
            debug!(open = tasks.len(), "calls are cut at the end of the drain time");
        }
        Ok(())
    }
}

async fn connection<S: Serve>(
    stream: TcpStream,
    peer: IpAddr,
    serve: S,
    metrics: &Metrics,
    head_within: Duration,
    stop: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let spoken = Arc::new(tokio::sync::Notify::new());
    let first = spoken.clone();
    let service = hyper::service::service_fn(move |request| {
        first.notify_one();
        let answer = serve.clone().serve(peer, request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_within).max_buf_size(HEAD_BYTES).keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN)
        .max_pending_accept_reset_streams(1_024);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let mut first_head = pin!(async {
        if tokio::time::timeout(head_within, spoken.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    });
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = first_head.as_mut() => {
                metrics.connections_refused.get_or_create(&[("why", "slow-head")]).inc();
                return Ok(());
            }
        }
    }
}

/// Counts connections by address.
#[derive(Default)]
struct PerAddress(Mutex<HashMap<IpAddr, u32>>);

struct Counted {
    addresses: Arc<PerAddress>,
    address: Option<IpAddr>,
}

impl PerAddress {
    fn count(self: Arc<Self>, peer: IpAddr, free: bool) -> Option<Counted> {
        let address = (!free).then_some(match peer {
            // One IPv6 customer has a whole /64.
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
            v4 @ IpAddr::V4(_) => v4,
        });
        if let Some(address) = address {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(address).or_default();
            if *count >= PER_ADDRESS {
                return None;
            }
            *count += 1;
        }
        Some(Counted { addresses: self, address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut counts = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}
